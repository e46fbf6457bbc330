"""All that learns, by name: what a checkpoint holds."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch


@runtime_checkable
class Stateful(Protocol):
    """What has a state of tensors: a module, a learner."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any], /) -> Any: ...


Components = Mapping[str, Stateful]


def component_tensors(parts: Components) -> dict[str, np.ndarray]:
    """Return the state of all `parts`, with the part's name before each tensor's."""
    return {
        f"{part}.{name}": value.cpu().numpy()
        for part, stateful in parts.items()
        for name, value in stateful.state_dict().items()
    }


def load_components(parts: Components, tensors: Mapping[str, np.ndarray]) -> None:
    """Give each of `parts` what `component_tensors` returned of it."""
    for part, stateful in parts.items():
        prefix = f"{part}."
        named = {name: value for name, value in tensors.items() if name.startswith(prefix)}
        stateful.load_state_dict({name.removeprefix(prefix): torch.tensor(named[name]) for name in named})
