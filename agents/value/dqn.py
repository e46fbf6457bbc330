"""Deep Q-learning, with the parts of Rainbow.

Sources: Mnih et al., "Human-level control through deep reinforcement learning", 2015; Hessel et al., "Rainbow:
combining improvements in deep reinforcement learning", 2018, and the paper of each part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.buffers.off_policy import OffPolicyAgent, OffPolicyConfig
from sandlot.agents.buffers.prioritized import PrioritizedSampler, importance
from sandlot.agents.buffers.replay import Rows, Transitions
from sandlot.agents.network_agent import row
from sandlot.envs import Observation, tree_leaves, tree_map
from sandlot.supervised import Learner, TargetNetwork
from sandlot.supervised.networks import Activation, CategoricalHead, Memory, QHead, QuantileHead
from sandlot.supervised.optimization.components import Stateful
from sandlot.tracking import require

from .losses import cross_entropy, huber, project, quantile_huber, taken, td_target
from .q_network import QNetwork

Distribution = Literal["none", "c51", "quantile"]
STEPS_AT_ONCE = 32
"""Gradient steps that are drawn and evaluated by the target network together, where nothing speaks against it."""


@dataclass(frozen=True, kw_only=True)
class DQNConfig(OffPolicyConfig):
    """Hyperparameters of DQN."""

    learning_rate: float = 5e-4
    """Step size of the optimizer, at the start."""
    optimizer_epsilon: float = 1e-8
    """Added to the denominator by optimizers that divide."""
    max_grad_norm: float = 10.0
    """Gradients longer than this (L2 norm) are shortened to it; 0 leaves them as they are."""
    activation: Activation = "relu"
    """Activation of an MLP's layers."""
    batch_size: int = 64
    """Rows of a gradient step."""
    train_freq: int = 4
    """Env steps between updates."""
    target_update_interval: int = 1_000
    """Env steps between moves of the target network."""
    exploration_fraction: float = 0.1
    """Share of the run over which ε falls from its first to its last value."""
    exploration_initial_eps: float = 1.0
    """Share of random actions at the start (ε)."""
    exploration_final_eps: float = 0.05
    """Share of random actions at the end (ε)."""
    rainbow: bool = False
    """All parts of Rainbow at once: double, dueling, prioritized, noisy, c51 and 3-step targets."""
    double: bool = False
    """The network chooses the next action, the target network judges it (van Hasselt et al., 2016)."""
    dueling: bool = False
    """A head for the state's value beside that for the actions' advantages (Wang et al., 2016)."""
    prioritized: bool = False
    """Replay what was surprising more often (Schaul et al., 2016)."""
    priority_exponent: float = 0.6
    """How much priorities count: 0 not at all (α in the paper)."""
    importance_exponent: float = 0.4
    """How much of the unevenness is made up for at the start; all of it at the end (β in the paper)."""
    noisy: bool = False
    """Noisy layers explore, in place of random actions (Fortunato et al., 2018)."""
    distribution: Distribution = "none"
    """Learn the distribution of the return: c51 on fixed values, quantile by quantile regression."""
    atoms: int = 51
    """Values or quantiles of the distribution."""
    value_low: float = -100.0
    """Lowest return that c51 knows."""
    value_high: float = 100.0
    """Highest return that c51 knows."""

    def __post_init__(self) -> None:
        if self.rainbow:  # a shorthand, written out here so that the record shows what it stands for
            parts = {"double": True, "dueling": True, "prioritized": True, "noisy": True}
            more = {"distribution": "c51" if self.distribution == "none" else self.distribution}
            for name, value in {**parts, **more, "n_step": max(self.n_step, 3)}.items():
                object.__setattr__(self, name, value)
        super().__post_init__()
        require(
            self.target_update_interval >= 1, "target_update_interval must be at least 1", self.target_update_interval
        )
        for name in ("exploration_fraction", "exploration_initial_eps", "exploration_final_eps"):
            require(0 <= getattr(self, name) <= 1, f"{name} must be in [0, 1]", getattr(self, name))
        for name in ("priority_exponent", "importance_exponent"):
            require(0 <= getattr(self, name) <= 1, f"{name} must be in [0, 1]", getattr(self, name))
        require(self.atoms >= 2, "atoms must be at least 2", self.atoms)
        require(self.value_low < self.value_high, "value_low must be below value_high", self.value_low)


LOSSES = {"none": huber, "c51": cross_entropy, "quantile": quantile_huber}


class Batch(NamedTuple):
    """Rows to learn from, and what the network should say of the actions taken there."""

    observation: Any
    episode_start: Bool[Tensor, "longer batch"]
    action: Int[Tensor, "time batch"]
    target: Float[Tensor, "time batch atom"]
    weight: Float[Tensor, "time batch"]
    """Sums to about 1."""


def dqn_loss(policy: QNetwork, batch: Batch, config: DQNConfig) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss of the actions taken, and what to log of it."""
    burn_in = len(batch.episode_start) - len(batch.weight)
    atoms = taken(policy.atoms(batch.observation, batch.episode_start, burn_in), batch.action)
    error = LOSSES[config.distribution](atoms, batch.target)
    loss = (error * batch.weight).sum()
    with torch.no_grad():
        td_error = (atoms - batch.target).abs().squeeze(-1) if config.distribution == "none" else error
        td_error = td_error * (batch.weight > 0)  # rows that only reset surprise nobody
        value = policy.head.values(atoms).mean()
    return loss, {"loss/td": loss.detach(), "value/q": value, "surprise": td_error.detach()}


class DQN(OffPolicyAgent):
    """Deep Q-learning."""

    name = "dqn"
    Config = DQNConfig
    config: DQNConfig

    def make_networks(self) -> None:
        config = self.config
        parts = {"dueling": config.dueling, "noisy": config.noisy}
        heads = {
            "none": partial(QHead, **parts),
            "quantile": partial(QuantileHead, quantiles=config.atoms, **parts),
            "c51": partial(CategoricalHead, low=config.value_low, high=config.value_high, atoms=config.atoms, **parts),
        }
        make_head = heads[config.distribution]
        self.policy = QNetwork(self.spaces.observation, self.spaces.action, config, make_head, self.name).eval()
        self.learner = Learner(self.policy, partial(dqn_loss, config=config), config)
        self.target = TargetNetwork(self.learner)
        self.priorities: PrioritizedSampler | None = None

    def learners(self) -> list[Learner]:
        return [self.learner]

    def components(self) -> dict[str, Stateful]:
        return {"policy": self.policy, "learner": self.learner, "target": self.target.module}

    def action_kind(self) -> tuple[tuple[int, ...], np.dtype]:
        return (), np.dtype(np.int64)

    def to_env(self, action: np.ndarray) -> np.ndarray:
        return self.policy.choice.to_env(action)

    @property
    def epsilon(self) -> float:
        """Share of random actions."""
        config = self.config
        if config.noisy:
            return 0.0
        done = min(self.progress / config.exploration_fraction, 1.0) if config.exploration_fraction else 1.0
        return config.exploration_initial_eps + done * (config.exploration_final_eps - config.exploration_initial_eps)

    def reset(self, observation: Observation, seed: int) -> None:
        super().reset(observation, seed)
        if self.config.prioritized and self.priorities is None:
            self.priorities = self._new_priorities()

    def explore(self, observation: Observation, episode_start: Bool[Tensor, "1 env"]) -> np.ndarray:
        random = self.rng.random(episode_start.shape[1]) < self.epsilon
        if random.all() and not self.policy.has_memory:
            return self._random(observation)
        self.policy.draw_noise(self.noise)
        inputs = self.on_device(tree_map(lambda leaf: leaf[None], observation))
        values, self.memory = self.policy(inputs, self.memory, episode_start)
        action = self.policy.best(values, inputs)[0].cpu().numpy()
        return np.where(random, self._random(observation), action) if random.any() else action

    def update(self, gradient_steps: int) -> None:
        self.policy.train()
        at_once = STEPS_AT_ONCE if not (self.config.prioritized or self.config.noisy) else 1
        while gradient_steps > 0:
            self._steps(min(at_once, gradient_steps))
            gradient_steps -= at_once
        self.policy.eval()

    def update_target(self, before: int) -> None:
        interval = self.config.target_update_interval
        if self.env_step // interval != before // interval:
            self.target.update(self.config.tau)

    def initial_memory(self, batch: int) -> Memory:
        return self.policy.initial_memory(batch)

    def policy_action(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Int[Tensor, "1 batch"], Memory]:
        """Return the best action for each row, or, not `deterministic`, a random one as often as at the end."""
        action, memory, _ = self._judged(observation, memory, episode_start, deterministic)
        return action, memory

    def explain_action(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Int[Tensor, "1 batch"], Memory, ActionInfo]:
        action, memory, values = self._judged(observation, memory, episode_start, deterministic)
        mask = self.policy.preprocessor.mask(observation)
        worth = row(values if mask is None else values.masked_fill(~mask, -torch.inf))
        return action, memory, ActionInfo(action_value=worth, value=worth.max(-1))

    def _judged(
        self, observation: Any, memory: Memory, episode_start: Bool[Tensor, "1 batch"], deterministic: bool
    ) -> tuple[Int[Tensor, "1 batch"], Memory, Float[Tensor, "1 batch action"]]:
        """Return actions, the memory to go on with, and the values of all actions."""
        self.policy.quiet(deterministic)
        if not deterministic:
            self.policy.draw_noise(self.noise)
        values, memory = self.policy(observation, memory, episode_start)
        self.policy.quiet(False)
        action = self.policy.best(values, observation)
        if not deterministic and not self.config.noisy:
            random = self.rng.random(action.shape) < self.config.exploration_final_eps
            random, drawn = self.on_device((random, self._random(tree_map(lambda leaf: leaf[0], observation))))
            action = torch.where(random, drawn, action)
        return action, memory, values

    def experience(self) -> dict[str, np.ndarray]:
        priorities = {} if self.priorities is None else self.priorities.state()
        return super().experience() | {f"priorities.{name}": array for name, array in priorities.items()}

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        super().load_experience(tensors)
        if self.replay is not None and self.config.prioritized:
            self.priorities = self._new_priorities()
            self.priorities.load_state({name: tensors[f"priorities.{name}"] for name in self.priorities.state()})

    def _new_priorities(self) -> PrioritizedSampler:
        assert self.replay is not None
        return PrioritizedSampler(self.replay, self.config.priority_exponent, self.length)

    def _steps(self, count: int) -> None:
        """Take `count` gradient steps on rows drawn together."""
        found, drawn = self._draw(count)
        self.policy.draw_noise(self.noise)
        self.target.module.draw_noise(self.noise)
        with torch.no_grad():
            following = self.target.module.atoms(found.next_observation, found.next_start)
        for step in range(count):
            part = slice(step * self.batch, (step + 1) * self.batch)
            rows, after = tree_map(lambda leaf, part=part: leaf if leaf is None else leaf[:, part], (found, following))
            metrics = self.learner.step(self._batch(rows, after))
            if self.priorities is not None:
                self.priorities.update(drawn, metrics["surprise"].cpu().numpy())

    def _draw(self, count: int) -> tuple[Transitions, Rows]:
        """Draw the rows of `count` gradient steps."""
        assert self.replay is not None
        if self.priorities is None:
            rows = self.replay.sample(count * self.batch, self.rng, self.length)
            return self.look_up(rows), rows
        rows, probability = self.priorities.sample(self.batch, self.rng)
        episode_start = self.config.importance_exponent
        weight = importance(probability, episode_start + self.progress * (1 - episode_start))
        found = self.look_up(rows)
        return found._replace(weight=found.weight * torch.from_numpy(weight).to(self.device)), rows

    @torch.no_grad()
    def _batch(self, rows: Transitions, following: Float[Tensor, "longer batch action atom"]) -> Batch:
        """Return what to learn of `rows`, given what the target network says of the rows that they lead to."""
        policy, first = self.policy, self.burn_in
        judge = policy.atoms(rows.next_observation, rows.next_start) if self.config.double else following
        best = taken(following, policy.best(policy.head.values(judge), rows.next_observation))
        if rows.ahead is not None:
            best = best.gather(0, rows.ahead[..., None].expand(*rows.ahead.shape, best.shape[-1]))
        reward, discount = rows.reward[first:], rows.discount[first:]
        if self.config.distribution == "c51":
            target = project(best[first:].exp(), reward, discount, policy.head.support)
        else:
            target = td_target(reward, discount, best[first:])
        weight = rows.weight[first:] / self.config.batch_size
        return Batch(rows.observation, rows.episode_start, rows.action[first:], target, weight)

    def _random(self, observation: Observation) -> np.ndarray:
        """Draw a legal action for each row."""
        mask, actions = self.policy.preprocessor.mask(self.on_device(observation)), self.policy.choice.actions
        if mask is None:
            return self.rng.integers(actions, size=len(next(tree_leaves(observation))))
        return np.where(mask.cpu().numpy(), self.rng.random(mask.shape), -1.0).argmax(-1)
