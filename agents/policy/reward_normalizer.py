"""Rewards divided by the standard deviation of the discounted return."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from sandlot.supervised.networks import RunningNorm


class RewardNormalizer(RunningNorm):
    """Divide rewards by the running standard deviation of the discounted return.

    Source: Engstrom et al., "Implementation matters in deep policy gradients", 2020, section 3.
    """

    def __init__(self, gamma: float):
        super().__init__(1)
        self.gamma = gamma
        self._discounted = np.zeros(0, np.float32)

    def reset(self, num_envs: int) -> None:
        """Start with new environments, in which nothing has been earned yet."""
        self._discounted = np.zeros(num_envs, np.float32)

    def normalize(
        self,
        reward: Float[np.ndarray, "time env"],
        ended: Bool[np.ndarray, "time env"],
        valid: Bool[np.ndarray, "time env"],
    ) -> Float[np.ndarray, "time env"]:
        """Take in the rewards of a rollout, and return them divided and clipped."""
        sums, self._discounted = discounted_sums(reward, ended, self._discounted, self.gamma)
        self.update(torch.from_numpy(sums[valid])[:, None])
        scale = float((self.variance + self.epsilon).rsqrt())
        return np.clip(reward * scale, -self.clip, self.clip)


def discounted_sums(
    reward: Float[np.ndarray, "time env"],
    ended: Bool[np.ndarray, "time env"],
    before: Float[np.ndarray, "env"],
    gamma: float,
) -> tuple[Float[np.ndarray, "time env"], Float[np.ndarray, "env"]]:
    """Return the discounted sum of rewards up to each row, and what to pass as `before` for the next rollout."""
    sums = np.empty_like(reward)
    carried = before
    for t in range(len(reward)):
        sums[t] = carried * gamma + reward[t]
        carried = sums[t] * ~ended[t]
    return sums, carried
