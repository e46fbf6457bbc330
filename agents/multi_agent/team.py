"""Several agents that learn one game together, each with a network of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np
from gymnasium import spaces
from jaxtyping import Bool

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.base import Agent, Spaces
from sandlot.envs import EnvFactory, Observation, Step, space_from_json, tree_leaves
from sandlot.tracking import Checkpoint, SandlotError, derived_seed

FLAGS = ("reward", "terminated", "truncated", "valid", "episode_start")


class Team(Agent):
    """One agent, of the same class, for each group of players (see `envs.games`).

    Observations and actions are tuples with an entry for each group; the rows of a step are the groups' rows, one
    group after the other.
    """

    def __init__(
        self, kind: type[Agent], env: EnvFactory | Spaces, groups: Sequence[Sequence[str]], *, seed: int, config: Any
    ):
        self.kind, self.groups = kind, [list(group) for group in groups]
        self.name = kind.name
        super().__init__(env, seed=seed, config=config)

    def _build(self) -> None:
        observation_space, action_space = self.spaces
        assert isinstance(observation_space, spaces.Tuple)
        assert isinstance(action_space, spaces.Tuple)
        self.members = [
            self.kind(Spaces(*own), seed=derived_seed(self.seed, index), config=self.config)
            for index, own in enumerate(zip(observation_space, action_space, strict=True))
        ]
        self.labels = [label_of(group) for group in self.groups]
        self._players = sum(map(len, self.groups))

    def thread_context(self) -> AbstractContextManager[None]:
        return self.members[0].thread_context()

    def prepare(self, steps: int) -> None:
        for member, group in zip(self.members, self.groups, strict=True):
            member.prepare(steps * len(group) // self._players)

    def reset(self, observation: Observation, seed: int) -> None:
        for index, (member, seen) in enumerate(zip(self.members, observation, strict=True)):
            member.env_factory = self.env_factory
            member.reset(seen, derived_seed(seed, index))

    def exploration_action(self) -> Any:
        return tuple(member.exploration_action() for member in self.members)

    def observe(self, step: Step) -> Mapping[str, float] | None:
        found: dict[str, float] = {}
        sizes = [len(next(tree_leaves(seen))) for seen in step.observation]
        for index, (member, rows) in enumerate(zip(self.members, slices(sizes), strict=True)):
            own = self._rows_of(step, index, rows)
            member.env_step += int(own.valid.sum())
            member.progress = self.progress
            metrics = member.observe(own)
            if metrics is not None:
                found |= {f"{self.labels[index]}/{name}": value for name, value in metrics.items()}
        return found or None

    @staticmethod
    def _rows_of(step: Step, index: int, rows: slice) -> Step:
        """Return the part of a step that a member's group takes."""
        observation = step.observation[index]
        same = step.next_observation is step.observation
        next_observation = observation if same else step.next_observation[index]
        flags = {name: getattr(step, name)[rows] for name in FLAGS}
        return Step(observation, next_observation, **flags, episodes=None)

    def select_action(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[Any, Any]:
        chosen = [
            member.select_action(seen, own_memory, starts, deterministic)
            for member, seen, own_memory, starts in self._each(observation, memory, episode_start)
        ]
        return tuple(action for action, _ in chosen), tuple(own_memory for _, own_memory in chosen)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
        action_masks: np.ndarray | None = None,
    ) -> tuple[Any, Any]:
        """Return an action for each row of each group's `observation`, and the memory to pass next time."""
        if action_masks is not None:
            raise SandlotError(f"{self.name} obeys the action masks in its observations, and takes no others")
        rows = sum(len(next(tree_leaves(seen))) for seen in observation)
        episode_start = (
            np.zeros(rows, bool) if episode_start is None else np.broadcast_to(episode_start, rows).astype(bool)
        )
        return self.select_action(observation, state, episode_start, deterministic)

    def explain(
        self, observation: Observation, memory: Any, episode_start: Bool[np.ndarray, "batch"], deterministic: bool
    ) -> tuple[Any, Any, ActionInfo]:
        return *self.select_action(observation, memory, episode_start, deterministic), ActionInfo()

    def acting_copy(self) -> Agent:
        tensors = {name: np.array(array) for name, array in self.tensors().items()}
        return Team.restored(self.kind, Checkpoint(tensors, self.state()), None)

    def tensors(self) -> dict[str, np.ndarray]:
        return {
            f"{index}.{name}": array
            for index, member in enumerate(self.members)
            for name, array in member.tensors().items()
        }

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        for index, member in enumerate(self.members):
            member.load_tensors(of_member(tensors, index))

    def experience(self) -> dict[str, np.ndarray]:
        kept = {
            f"{index}.{name}": array
            for index, member in enumerate(self.members)
            for name, array in member.experience().items()
        }
        return {**kept, "members.env_step": np.array([member.env_step for member in self.members])}

    def load_experience(self, tensors: Mapping[str, np.ndarray]) -> None:
        for index, member in enumerate(self.members):
            member.load_experience(of_member(tensors, index))
            if "members.env_step" in tensors:
                member.env_step = int(tensors["members.env_step"][index])

    def state(self) -> dict[str, Any]:
        return {**super().state(), "groups": self.groups}

    @classmethod
    def restored(cls, kind: type[Agent], checkpoint: Checkpoint, env_factory: EnvFactory | None) -> Self:
        """Return the team in `checkpoint`; with `env_factory`, if it goes on learning."""
        state = checkpoint.state
        spaces = Spaces(space_from_json(state["observation_space"]), space_from_json(state["action_space"]))
        team = cls(kind, env_factory or spaces, state["groups"], seed=state["seed"], config=kind.config_from(state))
        team.env_step = state["env_step"]
        team.load_tensors(checkpoint.tensors)
        return team

    def _each(
        self, observation: Observation, memory: Any, episode_start: np.ndarray
    ) -> Iterator[tuple[Agent, Any, Any, Any]]:
        sizes = [len(next(tree_leaves(seen))) for seen in observation]
        memories = [None] * len(sizes) if memory is None else memory
        starts = [episode_start[rows] for rows in slices(sizes)]
        return zip(self.members, observation, memories, starts, strict=True)


def slices(sizes: Sequence[int]) -> Iterator[slice]:
    """Yield the rows of each group, which lie one group after the other."""
    first = 0
    for size in sizes:
        yield slice(first, first + size)
        first += size


def label_of(group: Sequence[str]) -> str:
    """Return a name for the players of a group: what their names share before the number."""
    kinds = {name.rstrip("_0123456789") for name in group}
    return kinds.pop() if len(kinds) == 1 < len(group) else "-".join(group)


def of_member(tensors: Mapping[str, np.ndarray], index: int) -> dict[str, np.ndarray]:
    """Return the tensors of a member."""
    prefix = f"{index}."
    return {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
