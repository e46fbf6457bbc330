"""Deep deterministic policy gradient.

Source: Lillicrap et al., "Continuous control with deep reinforcement learning", 2016 (arXiv 1509.02971).
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
class DDPGConfig(ContinuousConfig):
    """Hyperparameters of DDPG. Actions, and the noise on them, are measured where they lie in [-1, 1]."""

    learning_rate: float = 1e-3
    """Step size of the optimizer, at the start."""
    hidden: tuple[int, ...] = (400, 300)
    """Sizes of an MLP's layers; the critic's reads the action too. Other networks have it after them."""
    exploration_noise: float = 0.1
    """Standard deviation of the normal noise on actions while training (the paper's is correlated in time)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.exploration_noise >= 0, "exploration_noise must be at least 0", self.exploration_noise)


def critic_loss(critic: Critics, batch: CriticBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return L, the critic's mean squared error (algorithm 1), and what to log of it."""
    q = critic(batch.observation, batch.episode_start, batch.action, batch.burn_in)
    loss = squared_error(q, batch.target, batch.weight)
    return loss, {"loss/critic": loss.detach(), "value/q": q.detach().mean()}


def actor_loss(policy: Actor, batch: ActorBatch, critic: Critics) -> tuple[Tensor, dict[str, Tensor]]:
    """Return minus J, the critic's value of what the policy does (equation 6), and what to log of it."""
    action = policy.rows(batch.observation, batch.episode_start, batch.burn_in)
    (q,) = critic(batch.observation, batch.episode_start, action, batch.burn_in)
    loss = -(q * batch.weight).sum()
    return loss, {"loss/actor": loss.detach()}


class DDPG(ContinuousAgent):
    """Deep deterministic policy gradient."""

    name = "ddpg"
    Config = DDPGConfig
    config: DDPGConfig

    def make_networks(self) -> None:
        config = self.config
        self.policy = Actor(self.spaces.observation, self.spaces.action, config, TanhHead, self.name).eval()
        self.critic_learner = Learner(Critics(1, self.policy, config).eval(), critic_loss, config)
        loss = partial(actor_loss, critic=frozen(self.critic_learner))
        self.actor_learner = Learner(self.policy, loss, config)
        self.target_critic, self.target_policy = TargetNetwork(self.critic_learner), TargetNetwork(self.actor_learner)

    def components(self) -> dict[str, Stateful]:
        return {
            "policy": self.policy,
            "critic": self.critic_learner.module,
            "target_policy": self.target_policy.module,
            "target_critic": self.target_critic.module,
            "policy_learner": self.actor_learner,
            "critic_learner": self.critic_learner,
        }

    def explored(self, output: Float[Tensor, "time env size"]) -> Float[Tensor, "time env size"]:
        return (output + self.config.exploration_noise * self.normal(output)).clamp(-1, 1)

    def played(self, output: Float[Tensor, "time env size"], deterministic: bool) -> Float[Tensor, "time env size"]:
        return output

    def learn_from(self, rows: Transitions) -> None:
        self.critic_learner.step(self.critic_batch(rows, self._following(rows)))
        self.actor_learner.step(self.actor_batch(rows))
        for target in (self.target_critic, self.target_policy):
            target.update(self.config.tau)

    @torch.no_grad()
    def _following(self, rows: Transitions) -> Float[Tensor, "longer batch"]:
        """Return the target networks' values of the rows that `rows` lead to."""
        action = self.target_policy.module.rows(rows.next_observation, rows.next_start)
        (q,) = self.target_critic.module(rows.next_observation, rows.next_start, action)
        return q
