"""Action probabilities and values of Stable-Baselines3's models."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor

from sandlot.agents.action_info import ActionInfo
from sandlot.supervised.networks import SquashedGaussian


@torch.inference_mode()
def action_info_of(model: BaseAlgorithm, observation: Any, action: np.ndarray, options: dict[str, Any]) -> ActionInfo:
    """Return the `ActionInfo` of a batch in which `model` chose `action`; an empty one if the model has none.

    `options` are the keyword arguments that `predict` took.
    """
    policy: Any = model.policy
    policy.set_training_mode(False)
    tensors, _ = policy.obs_to_tensor(observation)
    q_network = getattr(policy, "q_net", None) or getattr(policy, "quantile_net", None)
    if q_network is not None:
        values = q_network(tensors)
        q_values = _array(values.mean(1) if values.ndim == 3 else values)  # QR-DQN's quantiles come first
        return ActionInfo(action_value=q_values, value=q_values.max(-1))
    if hasattr(policy, "predict_values") and not hasattr(policy, "lstm_actor"):
        info = _distribution_info(policy.get_distribution(tensors, **options))
        return info._replace(value=_array(policy.predict_values(tensors))[:, 0])
    if hasattr(policy, "critic") and hasattr(policy, "actor"):
        return _actor_info(policy, tensors)._replace(value=_lowest_q_value(policy, tensors, action))
    return ActionInfo()


def _distribution_info(distribution: Any) -> ActionInfo:
    """Return mean and std, or probabilities, of Stable-Baselines3's wrapper of one or several distributions."""
    inner = getattr(distribution, "distributions", None) or distribution.distribution
    match inner:
        case torch.distributions.Normal():
            return ActionInfo(mean=_array(inner.mean), std=_array(inner.stddev))
        case list():
            return ActionInfo(probability=np.concatenate([_array(categorical.probs) for categorical in inner], -1))
        case _:
            return ActionInfo(probability=_array(inner.probs))


def _actor_info(policy: Any, observation: Any) -> ActionInfo:
    """Return the mean of the actor's actions, and their standard deviation if they have one."""
    if not hasattr(policy.actor, "get_action_dist_params"):
        return ActionInfo(mean=policy.unscale_action(_array(policy.actor(observation))))
    mean, log_std, _ = policy.actor.get_action_dist_params(observation)
    mean, std = SquashedGaussian(mean, log_std).moments()
    half_range = (policy.action_space.high - policy.action_space.low) / 2
    return ActionInfo(mean=policy.unscale_action(_array(mean)), std=half_range * _array(std))


def _lowest_q_value(policy: Any, observation: Any, action: np.ndarray) -> np.ndarray:
    """Return the lowest of the critics' values of `action`; of TQC's quantiles, the means."""
    scaled = torch.as_tensor(policy.scale_action(action), dtype=torch.float32, device=policy.device)
    output = policy.critic(observation, scaled)
    q_values = torch.stack(output, 1) if isinstance(output, tuple) else output
    return _array(q_values.mean(-1).amin(1))


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
