"""The kinds of inputs: images, tables and texts."""

from collections.abc import Sequence

from sandlot.supervised.data import Frame
from sandlot.supervised.data.frame import Column, looks_numeric
from sandlot.tracking import SandlotError

from .images import Images
from .modality import Modality
from .tables import Tables
from .texts import Texts

MODALITIES: dict[str, Modality] = {"images": Images(), "tables": Tables(), "texts": Texts()}


def modality_of(frame: Frame, columns: Sequence[str]) -> tuple[str, list[str]]:
    """Return the kind of inputs in `columns`, and which of the columns to read."""
    shown = {name: frame.column(name) for name in columns}
    images = [name for name, column in shown.items() if column.ndim > 1]
    if len(images) > 1:
        raise SandlotError(f"{frame.name} has {len(images)} image columns; choose one with --columns")
    if images:
        return "images", images
    texts = [name for name, column in shown.items() if looks_like_text(column)]
    if len(texts) > 1:
        raise SandlotError(f"{frame.name} has {len(texts)} text columns; choose one with --columns")
    return ("texts", texts) if texts else ("tables", list(shown))


def looks_like_text(column: Column) -> bool:
    """Return whether a column holds texts of more than three words on average; shorter strings are categories."""
    if column.dtype != object or looks_numeric(column):
        return False
    texts = [str(text) for text in column if text]
    words = sum(len(text.split()) for text in texts)
    return bool(texts) and words > 3 * len(texts)
