"""A Stable-Baselines3 model as an agent."""

import dataclasses
import inspect
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import DummyVecEnv

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import Agent
from sandlot.agents.training import Training
from sandlot.envs import EnvFactory, EnvSpec, Observation, has_mask
from sandlot.tracking import SandlotError, derived_seed, require

from .config import constructor_arguments, resolve_policy
from .envs import LoggedVecEnv, SpacesOnlyEnv, counts_from_zero, has_empty_shape, make_envs, split_mask, without_mask
from .explain import action_info_of
from .state import (
    end_open_episodes,
    load_model_arrays,
    load_replay_arrays,
    model_arrays,
    replay_arrays,
    replay_buffer,
)


class SB3Agent(Agent):
    """Train a model of Stable-Baselines3's `algorithm` in its own loop, one segment at a time.

    As with every agent, a segment starts in new environments with new seeds; it ends between two updates of the
    algorithm. `sb3_agent` makes the subclass for an algorithm.
    """

    has_own_loop = True
    memory_axis = 1
    algorithm: ClassVar[type[BaseAlgorithm]]
    _given_mask: Any = None

    @classmethod
    def make_env_factory(cls, env: Any, config: Any) -> EnvFactory:  # noqa: ARG003
        if not isinstance(env, str | EnvSpec):
            raise SandlotError(f"{cls.name} makes its environments from an id or an EnvSpec, not from {env}")
        return EnvFactory(env, 1)

    def _build(self) -> None:
        require(self.config.num_envs >= 1, "num_envs must be at least 1", self.config.num_envs)
        for space in self.spaces:
            if not counts_from_zero(space):
                raise SandlotError(f"Stable-Baselines3 needs discrete spaces that start at 0, not {space}")
        observation_space = without_mask(self.spaces.observation)
        if has_empty_shape(observation_space):
            raise SandlotError(
                f"Stable-Baselines3 reads Boxes of at least one axis and one number, not {observation_space}; "
                "ppo, dqn and sac without sb3: read bare numbers"
            )
        policy = resolve_policy(self.config.policy, self.algorithm, observation_space)
        self.config = dataclasses.replace(self.config, policy=policy)
        arguments = constructor_arguments(self.config, self.algorithm, self.spaces.action)
        if self.env_factory is None and "buffer_size" in arguments:
            arguments["buffer_size"] = 1  # it acts, but does not learn
        try:
            envs = DummyVecEnv([partial(SpacesOnlyEnv, observation_space, self.spaces.action)] * self.config.num_envs)
            self.model: BaseAlgorithm = self.algorithm(env=envs, seed=self.seed, **arguments)
        except (AssertionError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise SandlotError(f"{self.name} can't be built with these options: {_first_line(error)}") from error
        self._masked = has_mask(self.spaces.observation)
        self._accepts_mask = "action_masks" in inspect.signature(self.algorithm.predict).parameters

    def prepare(self, steps: int) -> None:
        pass

    def train_segment(self, training: Training, end: int) -> None:
        assert self.env_factory is not None
        assert self.env_factory.env_spec is not None
        envs = make_envs(self.config.vec_env, self.config.num_envs, self.env_factory.env_spec)
        latest = LatestLogWriter()
        try:
            self._start_segment(LoggedVecEnv(envs, training.episodes), latest)
            with suppress(SegmentEnd):
                callback = SegmentCallback(end, training, latest)
                self.model.learn(training.steps - self.env_step, callback=callback, reset_num_timesteps=False)
        except (AssertionError, ValueError) as error:
            raise SandlotError(
                f"{self.name} failed at env step {self.model.num_timesteps}: {_first_line(error)}"
            ) from error
        finally:
            self.env_step = self.model.num_timesteps
            envs.close()

    def _start_segment(self, envs: LoggedVecEnv, latest: "LatestLogWriter") -> None:
        """Give the model `envs`, and clear what no checkpoint keeps of the segment before."""
        self.model.set_env(envs)
        self.model.set_random_seed(derived_seed(self.seed, self.env_step))
        self.model.set_logger(Logger(None, [latest]))
        self.model.ep_info_buffer = None
        buffer = replay_buffer(self.model)
        if buffer is not None:
            end_open_episodes(buffer)

    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        observation, options = self._split(observation)
        return self.model.predict(observation, memory, episode_start, deterministic, **options)

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, ActionInfo]:
        action, memory = self.select_action(observation, memory, episode_start, deterministic)
        observation, options = self._split(observation)
        return action, memory, action_info_of(self.model, observation, action, options)

    def _split(self, observation: Observation) -> tuple[Observation, dict[str, Any]]:
        """Return the observation without its action mask, and the mask as a keyword argument if the model takes it."""
        mask = None
        if self._masked:
            observation, mask = split_mask(observation)
        mask = mask if self._given_mask is None else self._given_mask
        return observation, {"action_masks": mask} if self._accepts_mask and mask is not None else {}

    @contextmanager
    def masked(self, action_masks: Bool[np.ndarray, "batch choice"]) -> Iterator[None]:
        if not self._accepts_mask:
            raise SandlotError(f"{self.name} can't obey action masks; sb3:maskable-ppo can")
        self._given_mask = action_masks
        try:
            yield
        finally:
            self._given_mask = None

    def tensors(self) -> dict[str, np.ndarray]:
        return model_arrays(self.model)

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        load_model_arrays(self.model, tensors)

    def experience(self) -> dict[str, np.ndarray]:
        buffer = replay_buffer(self.model)
        return {} if buffer is None else replay_arrays(buffer)

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        buffer = replay_buffer(self.model)
        if buffer is not None and tensors:
            load_replay_arrays(buffer, tensors)


class SegmentEnd(Exception):  # noqa: N818
    """Raised to leave Stable-Baselines3's loop between two updates, where a callback can't stop it otherwise."""


class LatestLogWriter(KVWriter):
    """Keep the latest value of everything that Stable-Baselines3 logs."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        self.values.update(key_values)

    def close(self) -> None:
        pass


class SegmentCallback(BaseCallback):
    """Log the metrics that are due, and end `learn` at env step `end` or on a stop signal."""

    def __init__(self, end: int, training: Training, latest: LatestLogWriter):
        super().__init__()
        self.end, self.training, self.latest = end, training, latest
        self.start = 0

    def _on_training_start(self) -> None:
        self.start = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps > self.start:
            self._log()
        if self.model.num_timesteps >= self.end:
            raise SegmentEnd

    def _on_step(self) -> bool:
        if self.training.stopped:
            raise SegmentEnd
        return True

    def _on_training_end(self) -> None:
        self._log()

    def _log(self) -> None:
        values = {**self.latest.values, **self.logger.name_to_value}
        metrics = {name: float(value) for name, value in values.items() if isinstance(value, int | float | np.number)}
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        diverged = [name for name in metrics if name.endswith("loss") and name not in finite]
        if diverged:
            raise SandlotError(f"{diverged[0]} became NaN or infinite by env step {self.model.num_timesteps}")
        self.training.agent.env_step = self.model.num_timesteps
        self.training.record_update(self.model.num_timesteps, finite)


def _first_line(error: Exception) -> str:
    """Return the first line of the message of `error`, or its type if it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)
