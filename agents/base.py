"""What every agent can do: learn, predict, save and load."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Bool

from sandlot.envs import (
    EnvFactory,
    EnvSpec,
    Observation,
    Step,
    check_num_envs,
    newest_version,
    space_from_json,
    space_to_json,
)
from sandlot.tracking import (
    Checkpoint,
    Run,
    SandlotError,
    options_from_json,
    read_checkpoint,
    require,
    with_options,
    write_checkpoint,
)
from sandlot.tracking.common.extensions import is_from_outside

from .action_info import ActionInfo
from .callbacks.base import CallbackList, Callbacks
from .loop import train, train_segment
from .memory import build_in_memory
from .prediction import predict
from .presentation import agent_html, agent_text, check_positional, film_agent
from .recipes import recipe_config
from .run_config import recorded, total_steps
from .spaces.given import EnvLike as EnvLike
from .spaces.given import Spaces as Spaces
from .spaces.given import fitting
from .training import Progress, Training


class Agent(ABC):
    """An algorithm with what it has learned: the one interface of everything that acts.

    A subclass needs a `Config`, and `_build`, `prepare`, `reset`, `exploration_action`, `observe`, `select_action`,
    `tensors` and `load_tensors`; the rest has defaults. `tests/user_code/my_agents.py` is a whole one.
    """

    name: str
    """What the command line and the record call it; `module:Name` for a class of the user's own."""
    has_own_loop: ClassVar[bool] = False
    """Whether it trains in a loop of its own (Stable-Baselines3's do), instead of a step at a time by `observe`."""
    memory_axis: ClassVar[int] = 0
    """The axis of its memory's arrays that counts observations."""
    samples_actions: ClassVar[bool] = False
    """Whether its policy is a distribution that it samples from, so that the likeliest actions may do worse."""
    Config: ClassVar[Any]
    """Its frozen dataclass of hyperparameters, which has a field `num_envs`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if is_from_outside(cls):
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    def __new__(cls, *positional: Any, **_: Any) -> Self:
        check_positional(cls.__name__, positional)
        return super().__new__(cls)

    def __init__(self, env: EnvLike, *, seed: int = 0, config: Any = None, **hyperparameters: Any):
        """Make an untrained agent.

        Args:
            env: An environment's id, an `EnvSpec`, an environment or vector environment, or only its spaces.
            seed: Seed of everything random.
            config: Its hyperparameters; by default those of the recipe for the id, if there is one.
            hyperparameters: Fields of the config by name, which beat `config` and the recipe.
        """
        env = newest_version(env) if isinstance(env, str) else env
        if config is None:
            env_id = EnvSpec.of(env).id if isinstance(env, str | EnvSpec) else None
            config = recipe_config(self.name, self.Config, env_id)
        self.config = with_options(config, hyperparameters)
        require(seed >= 0, "seed must be at least 0", seed)
        check_num_envs(env, hyperparameters.get("num_envs"))
        self.seed, self.training_progress = seed, Progress()
        self.run: Run | None = None  # the record of its latest training
        self.env_factory: EnvFactory | None = None
        if isinstance(env, Spaces):
            self.spaces = env
        else:
            self.env_factory = env if isinstance(env, EnvFactory) else self.make_env_factory(env, self.config)
            self.spaces = Spaces(self.env_factory.observation_space, self.env_factory.action_space)
        build_in_memory(self)

    @property
    def env_step(self) -> int:
        """Env steps that it has been trained for."""
        return self.training_progress.env_step

    @env_step.setter
    def env_step(self, value: int) -> None:
        self.training_progress.env_step = value

    @property
    def progress(self) -> float:
        """The fraction of the training that is done; the loop keeps it."""
        return self.training_progress.fraction

    @progress.setter
    def progress(self, value: float) -> None:
        self.training_progress.fraction = value

    @classmethod
    def make_env_factory(cls, env: Any, config: Any) -> EnvFactory:
        """Return the factory of the environments for training."""
        return EnvFactory(env, config.num_envs)

    @abstractmethod
    def _build(self) -> None:
        """Make networks, optimizers and buffers for `self.spaces`, `self.config` and `self.seed`."""

    def thread_context(self) -> AbstractContextManager[None]:
        """Return a context with as many CPU threads as the agent is worth."""
        return nullcontext()

    @abstractmethod
    def prepare(self, steps: int) -> None:
        """Get ready to train until `steps` env steps in all."""

    def train_segment(self, training: Training, end: int) -> None:
        """Train in new environments up to the first update at or after env step `end`, or until the training ends."""
        train_segment(self, training, end)

    def reset(self, observation: Observation, seed: int) -> None:
        """Start with the first observations of new environments, and with random generators seeded by `seed`."""
        raise NotImplementedError(f"{self.name} trains in a loop of its own")

    def exploration_action(self) -> np.ndarray:
        """Return an exploring action for each training environment."""
        raise NotImplementedError(f"{self.name} trains in a loop of its own")

    def observe(self, step: Step) -> Mapping[str, float] | None:
        """Learn from a step. Return metrics after an update, or after several small ones."""
        raise NotImplementedError(f"{self.name} trains in a loop of its own")

    @abstractmethod
    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        """Return an action for each row of `observation`, and the memory to pass with the next."""

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, ActionInfo]:
        """Return what `select_action` does, and the probabilities or values behind it; none by default.

        Switch between the two only between episodes: `select_action` keeps in memory only what it needs itself.
        """
        return *self.select_action(observation, memory, episode_start, deterministic), ActionInfo()

    @abstractmethod
    def tensors(self) -> dict[str, np.ndarray]:
        """Return all that was learned, by name."""

    @abstractmethod
    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Load what `tensors` returned."""

    def experience(self) -> dict[str, np.ndarray]:
        """Return what only further learning needs, by name: the contents of a replay buffer."""
        return {}

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:  # noqa: B027 (most have none)
        """Load what `experience` returned."""

    def metrics(self) -> dict[str, float]:
        """Return what is known of its quality without an evaluation, as "group/name"."""
        return {}

    def plot(self, path: Path) -> bool:
        """Plot what was learned into the PNG file `path`, if it can be plotted, and tell whether it was."""
        return False

    def describe(self) -> dict[str, str]:
        """Return what the agent consists of, in words, if that is not networks."""
        return {}

    def acting_copy(self) -> "Agent":
        """Return an agent that acts as this one does, with random generators of its own, and can't learn."""
        tensors = {name: np.array(array) for name, array in self.tensors().items()}
        return self.restore(Checkpoint(tensors, self.state()), learning=False)

    def learn(
        self,
        steps: int | None = None,
        callback: Callbacks = None,
        record: Run | str | Path | None = None,
        progress: bool = False,
        checkpoint_every: int | None = None,
        *,
        until: int | None = None,
        **unknown: Any,
    ) -> Self:
        """Train the agent for `steps` more env steps, or until it has `until` in all, and return it.

        Args:
            steps: Env steps to add to those that it has been trained for.
            callback: A `Callback`, or several, which are called in this order.
            record: The folder to create a run in, such as "runs": the run that `sandlot train` would make, for all
                commands, with its evaluation and films. Or a `Run` that is open already. `agent.run` is it.
            progress: Whether to show a progress bar.
            checkpoint_every: Env steps between the run's checkpoints; by default what the run says, or 50,000.
            until: Env steps in all, from the start of its training; a call that finds them done does nothing.
            unknown: Nothing; other libraries' names are answered with ours.
        """
        total = total_steps(self.env_step, steps, until, unknown)
        if total <= self.env_step and until is not None:
            return self
        if self.env_factory is None:
            how = f"load it with one, as in {type(self).__name__}.load(folder, env)"
            raise SandlotError(f"this {self.name} has no environment to learn in; {how}")
        with recorded(self, record, total, checkpoint_every, progress) as (run, every, recording):
            self.run, callbacks = run, [*recording, *CallbackList(callback).callbacks]
            train(self, total, run=run, callback=callbacks, checkpoint_every=every)
        return self

    film, __repr__, _repr_html_ = film_agent, agent_text, agent_html  # pyright: ignore[reportAssignmentType]

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Return the action for one observation, or for each of a batch, and the memory to pass next time.

        The signature is that of Stable-Baselines3 and sb3-contrib, so their tools work on our agents.

        Args:
            observation: One observation, or a batch of them.
            state: The memory that the last call returned; None before the first step.
            episode_start: For each observation, whether an episode starts with it.
            deterministic: Whether to take the likeliest action in place of sampling one.
            action_masks: The legal actions, for each observation or for all; they beat those that observations show.
        """
        return predict(self, observation, state, episode_start, deterministic, action_masks)

    def masked(self, action_masks: Bool[np.ndarray, "batch choice"]) -> AbstractContextManager[None]:
        """Return a context in which `select_action` obeys these masks. Raises `SandlotError` if it can't."""
        raise SandlotError(f"{self.name} can't obey action masks that its environment does not show")

    def save(self, folder: str | Path) -> None:
        """Write the agent to `folder`, as safetensors and JSON."""
        write_checkpoint(Path(folder), self.tensors(), self.state())

    @classmethod
    def load(cls, folder: str | Path, env: EnvLike | None = None, **hyperparameters: Any) -> Self:
        """Return the agent that `save` wrote to `folder`, to learn on in `env`, or in the one it was trained in.

        Fields of its config can be changed, as in `PPO.load(folder, learning_rate=1e-4)`, if its networks stay.
        """
        checkpoint = read_checkpoint(Path(folder))
        if checkpoint.state.get("agent") != cls.name:
            raise SandlotError(f"{folder} holds the agent {checkpoint.state.get('agent')!r}, not {cls.name!r}")
        return cls.restore(checkpoint, env, learning=True, **hyperparameters)

    @classmethod
    def restore(cls, checkpoint: Checkpoint, env: EnvLike | None = None, *, learning: bool, **options: Any) -> Self:
        """Return the agent in `checkpoint`: with environments if it goes on `learning`."""
        state = checkpoint.state
        spaces = Spaces(space_from_json(state["observation_space"]), space_from_json(state["action_space"]))
        if env is None and learning and state["env"] is not None:
            env = EnvSpec.from_json(state["env"])
        agent = cls(spaces if env is None else env, seed=state["seed"], config=cls.config_from(state), **options)
        if agent.spaces != spaces:
            raise SandlotError(f"the agent was trained with other spaces than those of this environment: {spaces}")
        agent.env_step = state["env_step"]
        with fitting(options):
            agent.load_tensors(checkpoint.tensors)
        return agent

    @classmethod
    def config_from(cls, state: Mapping[str, Any]) -> Any:
        """Return the hyperparameters in a checkpoint's `state`."""
        return options_from_json(cls.Config, state["config"])

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs beside the tensors."""
        return {
            "agent": self.name,
            "env": self.env_factory.env_spec.to_json() if self.env_factory and self.env_factory.env_spec else None,
            "seed": self.seed,
            "env_step": self.env_step,
            "config": dataclasses.asdict(self.config),
            "observation_space": space_to_json(self.spaces.observation),
            "action_space": space_to_json(self.spaces.action),
        }
