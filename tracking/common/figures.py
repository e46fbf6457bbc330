"""Draw matplotlib figures without a window, and write them atomically."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .files import writing


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Any]:
    """Yield a matplotlib figure of `width` by `height` inches to draw on, and write it to the PNG file `path`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    yield figure
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.stem}.tmp.png")
        figure.savefig(temporary)
        temporary.replace(path)
