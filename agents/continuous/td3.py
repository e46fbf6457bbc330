"""Twin delayed deep deterministic policy gradient.

Source: Fujimoto et al., "Addressing function approximation error in actor-critic methods", 2018 (arXiv 1802.09477).
"""

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.agents.buffers.replay import Transitions
from sandlot.supervised import Learner, TargetNetwork, frozen
from sandlot.supervised.optimization.components import Stateful
from sandlot.tracking import require

from .agent import ActorBatch, ContinuousAgent, ContinuousConfig, CriticBatch, squared_error
from .networks import Actor, Critics, TanhHead


@dataclass(frozen=True, kw_only=True)
class TD3Config(ContinuousConfig):
    """Hyperparameters of TD3. Actions, and the noise on them, are measured where they lie in [-1, 1]."""

    learning_rate: float = 1e-3
    """Step size of the optimizer, at the start."""
    hidden: tuple[int, ...] = (400, 300)
    """Sizes of an MLP's layers; the critics' reads the action too. Other networks have it after them."""
    exploration_noise: float = 0.1
    """Standard deviation of the normal noise on actions while training (the paper's; Stable-Baselines3 has none)."""
    target_policy_noise: float = 0.2
    """Standard deviation of the noise that smooths the target policy."""
    target_noise_clip: float = 0.5
    """The most that that noise moves an action."""
    policy_delay: int = 2
    """Gradient steps of the critics for each of the policy and the target networks."""
    critics: int = 2
    """Critics, of which the lowest counts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("exploration_noise", "target_policy_noise", "target_noise_clip"):
            require(getattr(self, name) >= 0, f"{name} must be at least 0", getattr(self, name))
        for name in ("policy_delay", "critics"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))


def smoothed(
    action: Float[Tensor, "*batch size"], noise: Float[Tensor, "*batch size"], clip: float
) -> Float[Tensor, "*batch size"]:
    """Return the target policy's actions with clipped noise, in [-1, 1] again (equation 14)."""
    return (action + noise.clamp(-clip, clip)).clamp(-1, 1)


def clipped_double_q(q: Float[Tensor, "critic *batch"]) -> Float[Tensor, "*batch"]:
    """Return the lowest of the critics' values (equation 10)."""
    return q.min(0).values


def critic_loss(critics: Critics, batch: CriticBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the critics' mean squared errors, summed, and what to log of them."""
    q = critics(batch.observation, batch.episode_start, batch.action, batch.burn_in)
    loss = squared_error(q, batch.target, batch.weight)
    return loss, {"loss/critic": loss.detach(), "value/q": q.detach().mean()}


def actor_loss(policy: Actor, batch: ActorBatch, critics: Critics) -> tuple[Tensor, dict[str, Tensor]]:
    """Return minus the first critic's value of what the policy does, and what to log of it."""
    action = policy.rows(batch.observation, batch.episode_start, batch.burn_in)
    (q,) = critics(batch.observation, batch.episode_start, action, batch.burn_in, count=1)
    loss = -(q * batch.weight).sum()
    return loss, {"loss/actor": loss.detach()}


class TD3(ContinuousAgent):
    """Twin delayed deep deterministic policy gradient."""

    name = "td3"
    Config = TD3Config
    config: TD3Config

    def make_networks(self) -> None:
        config = self.config
        self.policy = Actor(self.spaces.observation, self.spaces.action, config, TanhHead, self.name).eval()
        self.critic_learner = Learner(Critics(config.critics, self.policy, config).eval(), critic_loss, config)
        loss = partial(actor_loss, critics=frozen(self.critic_learner))
        self.actor_learner = Learner(self.policy, loss, config)
        self.target_critics, self.target_policy = TargetNetwork(self.critic_learner), TargetNetwork(self.actor_learner)

    def components(self) -> dict[str, Stateful]:
        return {
            "policy": self.policy,
            "critics": self.critic_learner.module,
            "target_policy": self.target_policy.module,
            "target_critics": self.target_critics.module,
            "policy_learner": self.actor_learner,
            "critic_learner": self.critic_learner,
        }

    def explored(self, output: Float[Tensor, "time env size"]) -> Float[Tensor, "time env size"]:
        return (output + self.config.exploration_noise * self.normal(output)).clamp(-1, 1)

    def played(self, output: Float[Tensor, "time env size"], deterministic: bool) -> Float[Tensor, "time env size"]:
        return output

    def learn_from(self, rows: Transitions) -> None:
        self.critic_learner.step(self.critic_batch(rows, self._following(rows)))
        if self.critic_learner.optimizer.steps % self.config.policy_delay == 0:
            self.actor_learner.step(self.actor_batch(rows))
            self.target_policy.update(self.config.tau)
            self.target_critics.update(self.config.tau)

    @torch.no_grad()
    def _following(self, rows: Transitions) -> Float[Tensor, "longer batch"]:
        """Return the target networks' values of the rows that `rows` lead to."""
        action = self.target_policy.module.rows(rows.next_observation, rows.next_start)
        noise = self.config.target_policy_noise * self.normal(action)
        action = smoothed(action, noise, self.config.target_noise_clip)
        return clipped_double_q(self.target_critics.module(rows.next_observation, rows.next_start, action))
