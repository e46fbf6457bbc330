"""What an agent thinks while it chooses."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class ActionInfo(NamedTuple):
    """What was behind a batch of choices; None for what the agent doesn't know."""

    probability: Float[np.ndarray, "batch choice"] | None = None
    """How likely each choice is; of several choices at once, those of the first come first. 0 where forbidden."""
    action_value: Float[np.ndarray, "batch action"] | None = None
    """The return that each action is expected to lead to; minus infinity where it is forbidden."""
    mean: Float[np.ndarray, "batch size"] | None = None
    """Mean of each number in the action, as the environment takes them."""
    std: Float[np.ndarray, "batch size"] | None = None
    """Standard deviation of each number in the action; None if the policy draws no lots."""
    value: Float[np.ndarray, "batch"] | None = None
    """The return expected from here: of the state, of the best action, or of the action chosen."""

    def row(self, index: int) -> "ActionInfo":
        """Return the thought behind one choice of the batch."""
        return ActionInfo(*(None if part is None else part[index] for part in self))
