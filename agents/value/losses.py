"""Targets and losses of action values: as numbers, as quantiles, and as distributions over fixed values."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def huber(prediction: Float[Tensor, "*batch atom"], target: Float[Tensor, "*batch atom"]) -> Float[Tensor, "*batch"]:
    """Return the Huber loss of the values: DQN's clipped error."""
    return F.smooth_l1_loss(prediction, target, reduction="none").squeeze(-1)


def cross_entropy(
    log_probs: Float[Tensor, "*batch atom"], target: Float[Tensor, "*batch atom"]
) -> Float[Tensor, "*batch"]:
    """Return the cross-entropy from the target's distribution (Bellemare et al., 2017, algorithm 1)."""
    return -(target * log_probs).sum(-1)


def quantile_huber(
    quantiles: Float[Tensor, "*batch quantile"], target: Float[Tensor, "*batch atom"]
) -> Float[Tensor, "*batch"]:
    """Return the quantile Huber loss with kappa 1 (Dabney et al., 2018, equation 10)."""
    count = quantiles.shape[-1]
    tau = (torch.arange(count, device=quantiles.device) + 0.5) / count
    u = target.unsqueeze(-2) - quantiles.unsqueeze(-1)
    absolute = u.abs()
    loss = torch.where(absolute < 1, 0.5 * u.square(), absolute - 0.5)
    return ((tau[:, None] - (u.detach() < 0).to(u.dtype)).abs() * loss).mean(-1).sum(-1)


def td_target(
    reward: Float[Tensor, "*batch"], discount: Float[Tensor, "*batch"], following: Float[Tensor, "*batch atom"]
) -> Float[Tensor, "*batch atom"]:
    """Return what the values (or quantiles) should be: the rewards, and the discounted values that follow."""
    return reward.unsqueeze(-1) + discount.unsqueeze(-1) * following


def project(
    probability: Float[Tensor, "*batch atom"],
    reward: Float[Tensor, "*batch"],
    discount: Float[Tensor, "*batch"],
    support: Float[Tensor, "atom"],
) -> Float[Tensor, "*batch atom"]:
    """Return the distribution of the rewards plus the discounted return, back on the support.

    Source: Bellemare et al., 2017, equation 7.
    """
    low, high = support[0], support[-1]
    width = (high - low) / (len(support) - 1)
    moved = (reward.unsqueeze(-1) + discount.unsqueeze(-1) * support).clamp(low, high)
    # How near each value of the support is to each moved one: 1 at the same place, 0 from a width on.
    nearness = (1 - (moved.unsqueeze(-2) - support.unsqueeze(-1)).abs() / width).clamp(0, 1)
    return (nearness * probability.unsqueeze(-2)).sum(-1)


def taken(
    atoms: Float[Tensor, "time batch action atom"], action: Int[Tensor, "time batch"]
) -> Float[Tensor, "time batch atom"]:
    """Return the numbers of the actions taken."""
    index = action[..., None, None].expand(*action.shape, 1, atoms.shape[-1])
    return atoms.gather(-2, index).squeeze(-2)
