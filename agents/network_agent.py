"""What agents share that learn with networks."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from .agent import Agent


@runtime_checkable
class Stateful(Protocol):
    """What has a state of tensors: a module, a learner."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any], /) -> Any: ...


class NetworkAgent(Agent):
    """An agent whose learning is in modules and learners."""

    @abstractmethod
    def parts(self) -> dict[str, Stateful]:
        """Return all that learns, by name."""

    def tensors(self) -> dict[str, np.ndarray]:
        return {
            f"{part}.{name}": value.cpu().numpy()
            for part, stateful in self.parts().items()
            for name, value in stateful.state_dict().items()
        }

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        for part, stateful in self.parts().items():
            prefix = f"{part}."
            named = {name: value for name, value in tensors.items() if name.startswith(prefix)}
            state: dict[str, Tensor] = {name.removeprefix(prefix): torch.tensor(named[name]) for name in named}
            stateful.load_state_dict(state)
