"""Soft actor-critic.

Source: Haarnoja et al., "Soft actor-critic algorithms and applications", 2018 (arXiv 1812.05905).
"""

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.agents.buffers.replay import Transitions
from sandlot.supervised import Learner, TargetNetwork, frozen
from sandlot.supervised.networks import SquashedGaussian
from sandlot.supervised.optimization.components import Stateful
from sandlot.tracking import require

from .agent import ActorBatch, ContinuousAgent, ContinuousConfig, CriticBatch, squared_error
from .networks import Actor, Critics, GaussianHead


@dataclass(frozen=True, kw_only=True)
class SACConfig(ContinuousConfig):
    """Hyperparameters of SAC."""

    log_std: float = 0.0
    """Log of the standard deviation that actions start with."""
    alpha: float = 1.0
    """Temperature, at the start: what a nat of the policy's entropy is worth in reward."""
    learn_alpha: bool = True
    """Learn the temperature at which the policy's entropy is target_entropy (section 5)."""
    target_entropy: float | None = None
    """Entropy that the policy should have, in nats; by default minus the number of real numbers in an action."""
    critics: int = 2
    """Critics, of which the lowest counts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha > 0, "alpha must be positive", self.alpha)
        require(self.critics >= 1, "critics must be at least 1", self.critics)


class SoftPolicy(nn.Module):
    """The actor and the temperature: what the policy's gradient step moves."""

    def __init__(self, actor: Actor, alpha: float, learn_alpha: bool):
        super().__init__()
        self.actor = actor
        self.log_alpha = nn.Parameter(torch.tensor(alpha).log(), requires_grad=learn_alpha)

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole."""
        return self.actor.compiles


def soft_value(
    q: Float[Tensor, "critic *batch"], log_prob: Float[Tensor, "*batch"], alpha: Float[Tensor, ""]
) -> Float[Tensor, "*batch"]:
    """Return V, the values of drawn actions and of their entropy (equation 3), by the lowest critic."""
    return q.min(0).values - alpha * log_prob


def critic_loss(critics: Critics, batch: CriticBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return J_Q (equation 5), summed over the critics, and what to log of it."""
    q = critics(batch.observation, batch.episode_start, batch.action, batch.burn_in)
    loss = 0.5 * squared_error(q, batch.target, batch.weight)
    return loss, {"loss/critic": loss.detach(), "value/q": q.detach().mean()}


def temperature_loss(
    log_alpha: Float[Tensor, ""],
    log_prob: Float[Tensor, "*batch"],
    target_entropy: float,
    weight: Float[Tensor, "*batch"],
) -> Float[Tensor, ""]:
    """Return J(α) (equation 18), as the authors' code has it: for log α in place of α."""
    return -(log_alpha * (log_prob.detach() + target_entropy) * weight).sum()


def actor_loss(
    policy: SoftPolicy, batch: ActorBatch, critics: Critics, target_entropy: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return J_π (equation 9) plus J(α), which share no parameter, and what to log of them."""
    assert batch.noise is not None
    distribution: SquashedGaussian = policy.actor.rows(batch.observation, batch.episode_start, batch.burn_in)
    action, log_prob = distribution.reparameterize(batch.noise)
    q = critics(batch.observation, batch.episode_start, action, batch.burn_in)
    alpha = policy.log_alpha.detach().exp()
    loss = -(soft_value(q, log_prob, alpha) * batch.weight).sum()
    metrics = {"loss/actor": loss.detach(), "policy/entropy": -(log_prob.detach() * batch.weight).sum()}
    total = loss + temperature_loss(policy.log_alpha, log_prob, target_entropy, batch.weight)
    return total, metrics | {"policy/alpha": alpha}


class SAC(ContinuousAgent):
    """Soft actor-critic."""

    name = "sac"
    Config = SACConfig
    config: SACConfig

    def make_networks(self) -> None:
        config = self.config
        head = partial(GaussianHead, log_std=config.log_std)
        self.policy = Actor(self.spaces.observation, self.spaces.action, config, head, self.name).eval()
        self.soft = SoftPolicy(self.policy, config.alpha, config.learn_alpha)
        self.critic_learner = Learner(Critics(config.critics, self.policy, config).eval(), critic_loss, config)
        self.target = TargetNetwork(self.critic_learner)
        entropy = -float(self.policy.bounds.size) if config.target_entropy is None else config.target_entropy
        loss = partial(actor_loss, critics=frozen(self.critic_learner), target_entropy=entropy)
        self.actor_learner = Learner(self.soft, loss, config)

    def components(self) -> dict[str, Stateful]:
        return {
            "policy": self.soft,
            "critics": self.critic_learner.module,
            "target": self.target.module,
            "policy_learner": self.actor_learner,
            "critic_learner": self.critic_learner,
        }

    def explored(self, output: SquashedGaussian) -> Float[Tensor, "time env size"]:
        return output.sample(self.noise)

    def played(self, output: SquashedGaussian, deterministic: bool) -> Float[Tensor, "time env size"]:
        return output.mode() if deterministic else output.sample(self.noise)

    def moments(self, output: SquashedGaussian) -> tuple[Tensor, Tensor]:
        return output.moments()

    def learn_from(self, rows: Transitions) -> None:
        self.critic_learner.step(self.critic_batch(rows, self._following(rows)))
        noise = self.normal(rows.action[self.burn_in :])
        self.actor_learner.step(self.actor_batch(rows, noise))
        self.target.update(self.config.tau)

    @torch.no_grad()
    def _following(self, rows: Transitions) -> Float[Tensor, "longer batch"]:
        """Return the soft values of the rows that `rows` lead to."""
        distribution: SquashedGaussian = self.policy.rows(rows.next_observation, rows.next_start)
        action, log_prob = distribution.sample_with_log_prob(self.noise)
        q = self.target.module(rows.next_observation, rows.next_start, action)
        return soft_value(q, log_prob, self.soft.log_alpha.exp())
