"""The reasons behind an agent's choice of action."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class ActionInfo(NamedTuple):
    """Probabilities and values behind a batch of chosen actions; None for what the agent doesn't know."""

    probability: Float[np.ndarray, "batch choice"] | None = None
    """Probability of each choice, 0 where the mask forbids it; of several choices at once, one after the other."""
    action_value: Float[np.ndarray, "batch action"] | None = None
    """Expected return of each action; minus infinity where the mask forbids it."""
    mean: Float[np.ndarray, "batch size"] | None = None
    """Mean of a continuous action, in the environment's units."""
    std: Float[np.ndarray, "batch size"] | None = None
    """Standard deviation of a continuous action; None for a deterministic policy."""
    value: Float[np.ndarray, "batch"] | None = None
    """Expected return: of the state, of the best action, or of the chosen one."""

    def row(self, index: int) -> "ActionInfo":
        """Return the information behind one choice of the batch."""
        return ActionInfo(*(None if part is None else part[index] for part in self))
