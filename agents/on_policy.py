"""What agents share that learn from what they have just done, and then forget it."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from envs import Observation, Step, tree_leaves, tree_map
from supervised import Learner, one_thread
from supervised.networks import Memory, RunningNorm
from tracking import SandlotError

from .actor_critic import ActorCritic
from .advantage import discounted_sums, gae
from .network_agent import NetworkAgent, Stateful
from .rollout import Experience, Rollout


class OnPolicyAgent(NetworkAgent):
    """Act with an actor-critic until the rollout is full, judge it, learn from it.

    Subclasses say what to learn: `loss` and `update`.
    """

    policy: ActorCritic

    @abstractmethod
    def loss(self, policy: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and what to log of it."""

    @abstractmethod
    def update(self, experience: Experience) -> None:
        """Take gradient steps."""

    def _build(self) -> None:
        config = self.config
        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.policy = ActorCritic(self.spaces.observation, self.spaces.action, config, self.name).eval()
        self.learner = Learner(self.policy, self.loss, config)
        self.device = self.learner.device
        self.action_noise = torch.Generator(self.device).manual_seed(self.seed)
        self.shuffling = torch.Generator().manual_seed(self.seed)
        self.reward_norm = RunningNorm(1) if config.normalize_rewards else None

    def at_work(self) -> AbstractContextManager[None]:
        return self.learner.threads()

    def prepare(self, steps: int) -> None:
        self.learner.prepare(max(0, steps - self.env_step) // self.config.rows * self.config.updates)

    def begin(self, observation: Observation, seed: int) -> None:
        num_envs = len(next(tree_leaves(observation)))
        head = self.policy.head
        self.rollout = Rollout(self.config.num_steps, num_envs, head.shape, head.dtype)
        self.rollout.begin(observation)
        self._observation = tree_map(torch.from_numpy, self.rollout.observation)
        self._start = torch.from_numpy(self.rollout.start)
        self._discounted = np.zeros(num_envs, np.float32)
        self.memory = self.first_memory = self.policy.initial_memory(num_envs)
        self.action_noise.manual_seed(seed)
        self.shuffling.manual_seed(seed)

    @torch.inference_mode()
    def act(self) -> np.ndarray:
        t = self.rollout.length
        observation = tree_map(lambda array: array[t : t + 1].to(self.device), self._observation)
        distribution, self.memory = self.policy.act(observation, self.memory, self._start[t : t + 1].to(self.device))
        self._action = distribution.sample(self.action_noise)[0].cpu().numpy()
        return self.policy.head.to_env(self._action)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        self.rollout.add(self._action, step)
        if not self.rollout.full:
            return None
        self._check_finite()
        self.learner.anneal(self.progress)
        experience, memory = self._judge()
        self.policy.train()
        self.update(experience)
        self.policy.eval()
        metrics = self.learner.metrics()
        metrics["value/explained_variance"] = _explained_variance(experience)
        self.policy.update_statistics(experience.observation, experience.weight.flatten().nonzero().squeeze(-1))
        self.rollout.go_on()
        self.memory = self.first_memory = memory
        return metrics

    @torch.inference_mode()
    def choose(
        self, observation: Observation, memory: Memory, start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Memory]:
        memory = self.policy.initial_memory(len(start)) if memory is None else memory
        inputs = tree_map(lambda array: torch.as_tensor(array)[None].to(self.device), observation)
        distribution, memory = self.policy.act(inputs, memory, torch.as_tensor(start)[None].to(self.device))
        action = distribution.mode() if deterministic else distribution.sample(self.action_noise)
        return self.policy.head.to_env(action[0].cpu().numpy()), memory

    def parts(self) -> dict[str, Stateful]:
        norm = {} if self.reward_norm is None else {"reward_norm": self.reward_norm}
        return {"policy": self.policy, "learner": self.learner, **norm}

    @torch.no_grad()
    def _judge(self) -> tuple[Experience, Memory]:
        """Return the rollout with log-probabilities, values and advantages under the policy that acted.

        With it comes the memory after the rollout, which the next one begins with.
        """
        rollout, config = self.rollout, self.config
        observation, start = tree_map(lambda array: array.to(self.device), (self._observation, self._start))
        now = tree_map(lambda array: array[:-1], observation)
        action = torch.from_numpy(rollout.action).to(self.device)
        distribution, value, memory = self.policy(now, self.first_memory, start[:-1])
        last = self.policy(tree_map(lambda array: array[-1:], observation), memory, start[-1:]).value
        values = torch.cat([value, last]).float().cpu().numpy()
        next_value = values[1:].copy()
        for t, rows, final in rollout.finals:
            next_value[t, rows] = self._final_value(now, start, t, rows, final)
        ends = (rollout.terminated, rollout.truncated)
        advantage = gae(self._rewards(), values[:-1], next_value, *ends, config.gamma, config.gae_lambda)
        columns = (advantage, advantage + values[:-1], rollout.acted.astype(np.float32))
        judged = (distribution.log_prob(action).float(), value.float())
        experience = Experience(
            now, start[:-1], action, *judged, *(torch.from_numpy(c).to(self.device) for c in columns)
        )
        return experience, memory

    def _final_value(
        self, now: Observation, start: Bool[Tensor, "time env"], t: int, rows: np.ndarray, final: Observation
    ) -> Float[np.ndarray, "row"]:
        """Return the values of the final observations that the environments `rows` had after step `t`."""
        memory = tree_map(lambda leaf: leaf[rows], self.first_memory)
        if self.policy.has_memory:
            _, _, memory = self.policy(tree_map(lambda leaf: leaf[: t + 1, rows], now), memory, start[: t + 1, rows])
        observation = tree_map(lambda leaf: torch.as_tensor(leaf)[None].to(self.device), final)
        return self.policy(observation, memory, start.new_zeros(1, len(rows))).value[0].float().cpu().numpy()

    def _rewards(self) -> Float[np.ndarray, "time env"]:
        """Return the rewards to learn from: as they were, or divided by the returns' standard deviation."""
        rollout = self.rollout
        if self.reward_norm is None:
            return rollout.reward
        done = rollout.terminated | rollout.truncated
        sums, self._discounted = discounted_sums(rollout.reward, done, self._discounted, self.config.gamma)
        self.reward_norm.update(torch.from_numpy(sums[rollout.acted])[:, None])
        scale = float((self.reward_norm.variance + self.reward_norm.epsilon).rsqrt())
        return np.clip(rollout.reward * scale, -self.reward_norm.clip, self.reward_norm.clip)

    def _check_finite(self) -> None:
        named = [("reward", self.rollout.reward)]
        named += [("observation", leaf) for leaf in tree_leaves(self.rollout.observation)]
        for what, array in named:
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                name = self.source.name if self.source else "the environment"
                raise SandlotError(f"{name} gave a {what} that is NaN or infinite before env step {self.env_step}")


def _explained_variance(experience: Experience) -> float:
    """Return the share of the returns' variance that the values explain: 1 at best, 0 if they explain nothing."""
    rows = experience.weight > 0
    value, target = experience.value[rows], experience.target[rows]
    variance = target.var(correction=0)
    return float(1 - (target - value).var(correction=0) / variance) if variance > 0 else 0.0
