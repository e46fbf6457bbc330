"""The interface of encoders without memory."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class RowEncoder(Protocol):
    """A network that turns each row into features, on its own."""

    feature_size: int

    def encode(self, inputs: Tensor, /) -> Tensor:
        """Return features `[row, feature]`."""
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """Return the weights by name."""
        ...
