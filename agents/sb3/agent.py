"""A Stable-Baselines3 model as an agent of ours."""

import dataclasses
import inspect
import math
from collections.abc import Mapping
from contextlib import suppress
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

from .config import arguments, policy_for
from .envs import Unplayable, Watched, counts_from_zero, make_envs, split_mask, without_mask
from .explain import action_info_of
from .state import arrays_of, cut_episodes, load_arrays, load_transitions, replay_buffer, transitions_of


class SB3Agent(Agent):
    """Learn by Stable-Baselines3's `algorithm`, in its own loop, a segment of our loop at a time.

    A segment starts as all of ours do, in new environments with new seeds, and ends between two of the
    algorithm's updates. `agents.sb3.sb3_agent` makes the class for an algorithm.
    """

    has_own_loop = True
    algorithm: ClassVar[type[BaseAlgorithm]]

    @classmethod
    def make_env_factory(cls, env: Any, config: Any) -> EnvFactory:  # noqa: ARG003
        if not isinstance(env, str | EnvSpec):
            raise SandlotError(f"{cls.name} trains in environments that it makes from an id, not in {env}")
        return EnvFactory(env, 1)

    def _build(self) -> None:
        require(self.config.num_envs >= 1, "num_envs must be at least 1", self.config.num_envs)
        for space in self.spaces:
            if not counts_from_zero(space):
                raise SandlotError(f"Stable-Baselines3 knows only choices that count from 0, not {space}")
        seen = without_mask(self.spaces.observation)
        policy = policy_for(self.config.policy, self.algorithm, seen)
        self.config = dataclasses.replace(self.config, policy=policy)
        given = arguments(self.config, self.algorithm, self.spaces.action)
        if self.env_factory is None and "buffer_size" in given:
            given["buffer_size"] = 1  # it only plays
        thunk = lambda: Unplayable(seen, self.spaces.action)  # noqa: E731
        try:
            envs = DummyVecEnv([thunk] * self.config.num_envs)
            self.model: BaseAlgorithm = self.algorithm(env=envs, seed=self.seed, **given)
        except (AssertionError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise SandlotError(f"{self.name} can't be made so: {_first(error)}") from error
        self._masked = has_mask(self.spaces.observation)
        self._takes_mask = "action_masks" in inspect.signature(self.algorithm.predict).parameters

    def prepare(self, steps: int) -> None:
        pass

    def train_segment(self, training: Training, end: int) -> None:
        assert self.env_factory is not None
        assert self.env_factory.env_spec is not None
        envs = make_envs(self.config.vec_env, self.config.num_envs, self.env_factory.env_spec)
        latest = LatestValues()
        try:
            self._begin(Watched(envs, training.episodes), latest)
            with suppress(SegmentOver):
                segment = Segment(end, training, latest)
                self.model.learn(training.steps - self.env_step, callback=segment, reset_num_timesteps=False)
        except (AssertionError, ValueError) as error:
            raise SandlotError(f"{self.name} failed at env step {self.model.num_timesteps}: {_first(error)}") from error
        finally:
            self.env_step = self.model.num_timesteps
            envs.close()

    def _begin(self, envs: Watched, latest: "LatestValues") -> None:
        """Set the model before `envs`, with nothing left of the segment before that no checkpoint keeps."""
        self.model.set_env(envs)
        self.model.set_random_seed(derived_seed(self.seed, self.env_step))
        self.model.set_logger(Logger(None, [latest]))
        self.model.ep_info_buffer = None
        buffer = replay_buffer(self.model)
        if buffer is not None:
            cut_episodes(buffer)

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
        """Return what the model sees, and the options that tell it what is legal."""
        if not self._masked:
            return observation, {}
        observation, mask = split_mask(observation)
        return observation, {"action_masks": mask} if self._takes_mask else {}

    def tensors(self) -> dict[str, np.ndarray]:
        return arrays_of(self.model)

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        load_arrays(self.model, tensors)

    def experience(self) -> dict[str, np.ndarray]:
        buffer = replay_buffer(self.model)
        return {} if buffer is None else transitions_of(buffer)

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        buffer = replay_buffer(self.model)
        if buffer is not None and tensors:
            load_transitions(buffer, tensors)


class SegmentOver(Exception):  # noqa: N818
    """Thrown through Stable-Baselines3's loop between two updates, where it has no other way out."""


class LatestValues(KVWriter):
    """The latest of each value that Stable-Baselines3 logged."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        self.values.update(key_values)

    def close(self) -> None:
        pass


class Segment(BaseCallback):
    """Write the rows that are due, and end `learn` at env step `end` or when it is to stop."""

    def __init__(self, end: int, training: Training, latest: LatestValues):
        super().__init__()
        self.end, self.training, self.latest = end, training, latest
        self.begin = 0

    def _on_training_start(self) -> None:
        self.begin = self.model.num_timesteps

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps > self.begin:
            self._write()
        if self.model.num_timesteps >= self.end:
            raise SegmentOver

    def _on_step(self) -> bool:
        if self.training.stopped:
            raise SegmentOver
        return True

    def _on_training_end(self) -> None:
        self._write()

    def _write(self) -> None:
        values = {**self.latest.values, **self.logger.name_to_value}
        numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float | np.number)}
        finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
        lost = [name for name in numbers if name.endswith("loss") and name not in finite]
        if lost:
            raise SandlotError(f"{lost[0]} became NaN or infinite by env step {self.model.num_timesteps}")
        self.training.agent.env_step = self.model.num_timesteps
        self.training.record_update(self.model.num_timesteps, finite)


def _first(error: Exception) -> str:
    """Return the first line of what `error` says, or its kind if it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)
