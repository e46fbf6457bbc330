"""How much better an action was than expected."""

import numpy as np
from jaxtyping import Bool, Float


def gae(
    reward: Float[np.ndarray, "time env"],
    value: Float[np.ndarray, "time env"],
    next_value: Float[np.ndarray, "time env"],
    terminated: Bool[np.ndarray, "time env"],
    truncated: Bool[np.ndarray, "time env"],
    gamma: float,
    gae_lambda: float,
) -> Float[np.ndarray, "time env"]:
    """Return the generalised advantage estimates of a rollout.

    `next_value[t]` is the value of where row `t` led: of the final observation where an episode ended. A
    truncated episode would have gone on, so its value counts; a terminated one is worth nothing more.

    Source: Schulman et al., "High-dimensional continuous control using generalized advantage estimation",
    2016, equations 11 to 16.
    """
    delta = reward + gamma * next_value * ~terminated - value
    carry = gamma * gae_lambda * (~(terminated | truncated)).astype(delta.dtype)
    advantage = np.empty_like(delta)
    following = np.zeros_like(delta[0])
    for t in range(len(delta) - 1, -1, -1):
        following = delta[t] + carry[t] * following
        advantage[t] = following
    return advantage


def discounted_sums(
    reward: Float[np.ndarray, "time env"],
    done: Bool[np.ndarray, "time env"],
    before: Float[np.ndarray, "env"],
    gamma: float,
) -> tuple[Float[np.ndarray, "time env"], Float[np.ndarray, "env"]]:
    """Return the discounted sum of rewards up to each row, and what to pass as `before` for the next rollout."""
    sums = np.empty_like(reward)
    carried = before
    for t in range(len(reward)):
        sums[t] = carried * gamma + reward[t]
        carried = sums[t] * ~done[t]
    return sums, carried
