"""What every agent can do: learn, predict, save and load."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from gymnasium import Space, spaces
from jaxtyping import Bool

from sandlot.envs import (
    EnvFactory,
    EnvSpec,
    Observation,
    Step,
    space_from_json,
    space_to_json,
    tree_leaves,
    tree_map,
    with_mask,
)
from sandlot.tracking import (
    Checkpoint,
    Run,
    SandlotError,
    StopSignals,
    options_from_json,
    read_checkpoint,
    with_options,
    write_checkpoint,
)

from .action_info import ActionInfo
from .loop import EpisodeLogger, train, train_segment
from .recipes import recipe_config

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.vector import VectorEnv

    from sandlot.envs import EnvBatch


class Spaces(NamedTuple):
    """What an agent sees and does, for one that is loaded without its environment."""

    observation: Space
    action: Space


class Agent(ABC):
    """An algorithm with what it has learned: the one interface of everything that acts."""

    name: ClassVar[str]
    """What the command line calls it."""
    has_own_loop: ClassVar[bool] = False
    """Whether it trains in a loop of its own (Stable-Baselines3's do), instead of a step at a time by `observe`."""
    Config: ClassVar[Any]
    """Its frozen dataclass of hyperparameters, which has a field `num_envs`."""

    def __init__(
        self,
        env: "str | EnvSpec | gymnasium.Env | VectorEnv | EnvBatch | EnvFactory | Spaces",
        *,
        seed: int = 0,
        config: Any = None,
        **options: Any,
    ):
        """Make an untrained agent for `env`: an id, a world, an environment object, or only its spaces.

        Hyperparameters are those of `config`, or of the recipe for the id, or the defaults; `options`
        (fields of the config by name) beat all three.
        """
        if config is None:
            config = recipe_config(
                self.name, self.Config, EnvSpec.of(env).id if isinstance(env, str | EnvSpec) else None
            )
        self.config = with_options(config, options)
        self.seed = seed
        self.env_step = 0
        self.progress = 0.0
        """The fraction of the training that is done; the loop keeps it."""
        self.env_factory: EnvFactory | None = None
        if isinstance(env, Spaces):
            self.spaces = env
        else:
            self.env_factory = env if isinstance(env, EnvFactory) else self.make_env_factory(env, self.config)
            self.spaces = Spaces(self.env_factory.observation_space, self.env_factory.action_space)
        self._build()

    @classmethod
    def make_env_factory(cls, env: Any, config: Any) -> EnvFactory:
        """Return where the environments for training come from."""
        return EnvFactory(env, config.num_envs)

    @abstractmethod
    def _build(self) -> None:
        """Make networks, optimizers and buffers for `self.spaces`, `self.config` and `self.seed`."""

    def thread_context(self) -> AbstractContextManager[None]:
        """Return a context in which the process is set up for this agent."""
        return nullcontext()

    @abstractmethod
    def prepare(self, steps: int) -> None:
        """Get ready to train until `steps` env steps in all."""

    def train_segment(self, steps: int, end: int, metric_logger: EpisodeLogger, stop: StopSignals) -> None:
        """Train in new environments up to the first update at or after env step `end`, or until `steps`."""
        train_segment(self, steps, end, metric_logger, stop)

    def reset(self, observation: Observation, seed: int) -> None:
        """Start from the first observations of new environments, with random generators seeded by `seed`."""
        raise NotImplementedError(f"{self.name} trains in a loop of its own")

    def exploration_action(self) -> np.ndarray:
        """Return an action for each training environment, to explore with."""
        raise NotImplementedError(f"{self.name} trains in a loop of its own")

    def observe(self, step: Step) -> Mapping[str, float] | None:
        """Take in what the last actions led to. Return metrics if the agent learned from it."""
        raise NotImplementedError(f"{self.name} trains in a loop of its own")

    @abstractmethod
    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        """Return an action for each row of `observation`, and the memory to pass with the next."""

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[np.ndarray, Any, ActionInfo]:
        """Return what `select_action` does, and the thoughts behind it, which take time; by default there are none.

        Take turns with `select_action` only between episodes: what it doesn't need to know, it doesn't keep in memory.
        """
        return *self.select_action(observation, memory, episode_start, deterministic), ActionInfo()

    @abstractmethod
    def tensors(self) -> dict[str, np.ndarray]:
        """Return all that was learned, by name."""

    @abstractmethod
    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Take up what `tensors` returned."""

    def experience(self) -> dict[str, np.ndarray]:
        """Return what is needed to go on learning, but not to act, by name: a replay memory."""
        return {}

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:  # noqa: B027 (most have none)
        """Take up what `experience` returned."""

    def metrics(self) -> dict[str, float]:
        """Return what is known of how well it plays without playing, as "group/name"; nothing by default."""
        return {}

    def draw(self, path: Path) -> bool:
        """Draw what was learned into the PNG file `path`, if it can be drawn, and tell whether it was."""
        return False

    def describe(self) -> dict[str, str]:
        """Return what the agent is made of, in words, if that is not networks."""
        return {}

    def learn(self, steps: int, run: Run | None = None) -> Self:
        """Train until `steps` env steps in all, and record it in `run` if one is given."""
        train(self, steps, run=run)
        return self

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Return the action for one observation, or one for each of a batch, and the memory to pass next time.

        The signature is Stable-Baselines3's (and, with `action_masks`, sb3-contrib's), so their tools work on
        our agents. Masks that the observations show need not be given again.
        """
        observation = with_mask(self.spaces.observation, observation, action_masks)
        single = self._is_single(observation)
        if single:
            observation = tree_map(lambda array: np.asarray(array)[None], observation)
        count = len(next(tree_leaves(observation)))
        episode_start = (
            np.zeros(count, bool) if episode_start is None else np.broadcast_to(episode_start, count).astype(bool)
        )
        action, memory = self.select_action(observation, state, episode_start, deterministic)
        return (action.squeeze(0) if single else action), memory

    def save(self, folder: str | Path) -> None:
        """Write the agent to `folder`, as safetensors and JSON."""
        write_checkpoint(Path(folder), self.tensors(), self.state())

    @classmethod
    def load(cls, folder: str | Path, env: "str | gymnasium.Env | VectorEnv | EnvBatch | None" = None) -> Self:
        """Return the agent that `save` wrote to `folder`, in the environment `env` or the one it was trained in."""
        checkpoint = read_checkpoint(Path(folder))
        if checkpoint.state.get("agent") != cls.name:
            raise SandlotError(
                f"{folder} holds an agent of the kind {checkpoint.state.get('agent')!r}, not {cls.name!r}"
            )
        return cls.restore(checkpoint, env, learning=True)

    @classmethod
    def restore(cls, checkpoint: Checkpoint, env: Any = None, *, learning: bool) -> Self:
        """Return the agent in `checkpoint`; unless it goes on `learning`, without environments."""
        state = checkpoint.state
        config = cls.config_from(state)
        spaces = Spaces(space_from_json(state["observation_space"]), space_from_json(state["action_space"]))
        if env is None and learning and state["env"] is not None:
            env = EnvSpec.from_json(state["env"])
        agent = cls(spaces if env is None else env, seed=state["seed"], config=config)
        if agent.spaces != spaces:
            raise SandlotError(f"the agent was trained with other spaces than those of this environment: {spaces}")
        agent.env_step = state["env_step"]
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

    def _is_single(self, observation: Any) -> bool:
        space = self.spaces.observation
        while isinstance(space, spaces.Dict | spaces.Tuple):
            key: Any = next(iter(space.keys())) if isinstance(space, spaces.Dict) else 0
            space, observation = space[key], observation[key]
        shape = np.shape(observation)
        single, batch = space.shape or (), (None, *(space.shape or ()))
        if shape == single:
            return True
        if len(shape) == len(batch) and shape[1:] == single:
            return False
        raise SandlotError(f"an observation of this agent has the shape {single}, and this one {shape}")
