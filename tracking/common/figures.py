"""Draw matplotlib figures without a window, and write them atomically."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .files import writing

DPI = 192
"""Twice the 96 of a common screen, so that pictures are sharp on fine ones."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Lines in this order are told apart by colour-blind readers, too (Okabe and Ito)."""


@contextmanager
def picture(path: Path, width: float, height: float, *, svg: bool = False) -> Iterator[Any]:
    """Yield a matplotlib figure of `width` by `height` inches to draw on, and write it to the PNG file `path`.

    With `svg`, an SVG file of the same name is written beside it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    yield figure
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for kind in ("png", "svg") if svg else ("png",):
            temporary = path.with_name(f".{path.stem}.tmp.{kind}")
            figure.savefig(temporary)
            temporary.replace(path.with_suffix(f".{kind}"))


def readable_on(colour: Sequence[float]) -> str:
    """Return black or white, whichever has more contrast on an RGB `colour` of parts from 0 to 1 (WCAG 2.1)."""
    return "black" if luminance(colour) > 0.179 else "white"


def luminance(colour: Sequence[float]) -> float:
    """Return the relative luminance of an RGB colour (WCAG 2.1)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
