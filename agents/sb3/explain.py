"""What Stable-Baselines3's models tell of their choices."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor

from sandlot.agents.action_info import ActionInfo
from sandlot.supervised.networks import SquashedGaussian


@torch.inference_mode()
def action_info_of(model: BaseAlgorithm, observation: Any, action: np.ndarray, options: dict[str, Any]) -> ActionInfo:
    """Return what `model` thinks of a batch of observations in which it chose `action`; nothing if it can't tell.

    `options` are those that `predict` took for the choice.
    """
    policy: Any = model.policy
    policy.set_training_mode(False)
    seen, _ = policy.obs_to_tensor(observation)
    q_network = getattr(policy, "q_net", None) or getattr(policy, "quantile_net", None)
    if q_network is not None:
        values = q_network(seen)
        worth = _array(values.mean(1) if values.ndim == 3 else values)  # QR-DQN's quantiles come first
        return ActionInfo(action_value=worth, value=worth.max(-1))
    if hasattr(policy, "predict_values") and not hasattr(policy, "lstm_actor"):
        told = _of_distribution(policy.get_distribution(seen, **options))
        return told._replace(value=_array(policy.predict_values(seen))[:, 0])
    if hasattr(policy, "critic") and hasattr(policy, "actor"):
        return _of_actor(policy, seen)._replace(value=_of_critics(policy, seen, action))
    return ActionInfo()


def _of_distribution(distribution: Any) -> ActionInfo:
    """Return what a distribution over actions tells: one of torch's, or several, in a wrapping."""
    parts = getattr(distribution, "distributions", None) or distribution.distribution
    match parts:
        case torch.distributions.Normal():
            return ActionInfo(mean=_array(parts.mean), std=_array(parts.stddev))
        case list():
            return ActionInfo(probability=np.concatenate([_array(part.probs) for part in parts], -1))
        case _:
            return ActionInfo(probability=_array(parts.probs))


def _of_actor(policy: Any, seen: Any) -> ActionInfo:
    """Return the mean, and the standard deviation if there is one, of what the actor does."""
    if not hasattr(policy.actor, "get_action_dist_params"):
        return ActionInfo(mean=policy.unscale_action(_array(policy.actor(seen))))
    mean, log_std, _ = policy.actor.get_action_dist_params(seen)
    mean, std = SquashedGaussian(mean, log_std).moments()
    reach = (policy.action_space.high - policy.action_space.low) / 2
    return ActionInfo(mean=policy.unscale_action(_array(mean)), std=reach * _array(std))


def _of_critics(policy: Any, seen: Any, action: np.ndarray) -> np.ndarray:
    """Return the lowest of the critics' values of `action`. TQC's critics give quantiles."""
    taken = torch.as_tensor(policy.scale_action(action), dtype=torch.float32, device=policy.device)
    judged = policy.critic(seen, taken)
    each = torch.stack(judged, 1) if isinstance(judged, tuple) else judged
    return _array(each.mean(-1).amin(1))


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
