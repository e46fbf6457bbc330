"""What an agent tells of its actions: probabilities and values."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class ActionInfo(NamedTuple):
    """Probabilities and values behind a batch of actions; None for what the agent doesn't know."""

    probability: Float[np.ndarray, "batch choice"] | None = None
    """Probability of each choice; those of several discrete actions at once follow each other. 0 where illegal."""
    action_value: Float[np.ndarray, "batch action"] | None = None
    """Value of each action; minus infinity where it is illegal."""
    mean: Float[np.ndarray, "batch size"] | None = None
    """Mean of each number in the action, as the environment takes them."""
    std: Float[np.ndarray, "batch size"] | None = None
    """Standard deviation of each number in the action; None if the policy is deterministic."""
    value: Float[np.ndarray, "batch"] | None = None
    """Expected return from here: of the state, of the best action, or of the chosen one."""

    def row(self, index: int) -> "ActionInfo":
        """Return the entry of one action of the batch."""
        return ActionInfo(*(None if values is None else values[index] for values in self))
