"""What agents share that learn with networks."""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from supervised.parts import Stateful, load_parts, tensors_of

from .agent import Agent


class NetworkAgent(Agent):
    """An agent whose learning is in modules and learners."""

    @abstractmethod
    def parts(self) -> dict[str, Stateful]:
        """Return all that learns, by name."""

    def tensors(self) -> dict[str, np.ndarray]:
        return tensors_of(self.parts())

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        load_parts(self.parts(), tensors)
