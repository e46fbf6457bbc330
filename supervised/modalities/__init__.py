"""The kinds of inputs: what is learned of them, how they become tensors, and which network reads them."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from sandlot.supervised.data import Frame
from sandlot.supervised.data.frame import looks_numeric
from sandlot.tracking import SandlotError

from .images import Images
from .tables import Tables
from .texts import Texts

Metadata = dict[str, Any]


@runtime_checkable
class Modality(Protocol):
    """A kind of inputs."""

    def learn(self, train: Frame, columns: Sequence[str], config: Any) -> Metadata: ...
    def encode(self, frame: Frame, metadata: Metadata) -> dict[str, Tensor]: ...
    def reader(self, metadata: Metadata, config: Any) -> Any: ...


MODALITIES: dict[str, Modality] = {"images": Images(), "tables": Tables(), "texts": Texts()}


def modality_of(frame: Frame, columns: Sequence[str]) -> tuple[str, list[str]]:
    """Return the kind of inputs that `columns` are, and those of them that are read."""
    shown = {name: frame.column(name) for name in columns}
    images = [name for name, column in shown.items() if column.ndim > 1]
    if len(images) > 1:
        raise SandlotError(f"{frame.name} has {len(images)} columns of images; choose one with --columns")
    if images:
        return "images", images
    texts = [name for name, column in shown.items() if looks_written(column)]
    if len(texts) > 1:
        raise SandlotError(f"{frame.name} has {len(texts)} columns of texts; choose one with --columns")
    return ("texts", texts) if texts else ("tables", list(shown))


def looks_written(column: Any) -> bool:
    """Tell whether a column holds texts, which are categories if there are few, or if they are short."""
    if column.dtype != object or looks_numeric(column):
        return False
    texts = [str(text) for text in column if text]
    words = sum(len(text.split()) for text in texts)
    return bool(texts) and words > 3 * len(texts)
