"""Games in which all players act at once, with a row for each player."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import Space, spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, create_empty_array

from sandlot.envs.action_masks import MASK
from sandlot.envs.tree import tree_map
from sandlot.envs.vector import TRANSITION_INFO, TransitionInfo
from sandlot.envs.wrappers import NONE, Wrappers
from sandlot.tracking import SandlotError

from .observed import PlayerView

Group = tuple[str, ...]


class ParallelGames(VectorEnv):
    """Copies of a PettingZoo parallel environment, with a row for each player of each copy.

    Rows are sorted by group, then by game. With one group, observations and actions are arrays over its rows; with
    several they are tuples with an entry for each group. A player who is out waits with `valid` false until the game
    ends; all rows of a game start the next one together.
    """

    def __init__(self, envs: list[Any], groups: Sequence[Group], *, autoreset: bool = True, wrappers: Wrappers = NONE):
        self.envs, self.groups, self.autoreset = envs, list(groups), autoreset
        self.num_games = len(envs)
        self.sizes = [self.num_games * len(group) for group in groups]
        """Number of rows of each group."""
        self.num_envs = sum(self.sizes)
        firsts = np.cumsum([0, *self.sizes[:-1]])
        self._group = {agent: index for index, group in enumerate(groups) for agent in group}
        self._place = {agent: place for group in groups for place, agent in enumerate(group)}
        self._rows = [
            {agent: int(firsts[g]) + game * len(group) + p for g, group in enumerate(groups)
             for p, agent in enumerate(group)}
            for game in range(self.num_games)
        ]  # fmt: skip
        self.game = np.concatenate([np.repeat(np.arange(self.num_games), len(group)) for group in groups])
        with warnings.catch_warnings(action="ignore"):
            info = envs[0].reset(seed=0)[1]
        self._views = [
            {agent: PlayerView(envs[0].observation_space(agent), envs[0].action_space(agent),
                               shows_mask(info.get(agent)), wrappers) for group in groups for agent in group}
            for _ in envs
        ]  # fmt: skip
        seen = [self._views[0][group[0]].space for group in groups]
        done = [envs[0].action_space(group[0]) for group in groups]
        self.single_observation_space = self._join_spaces(seen)
        self.single_action_space = self._join_spaces(done)
        self.observation_space = self._join_spaces([batch_space(s, n) for s, n in zip(seen, self.sizes, strict=True)])
        self.action_space = self._join_spaces([batch_space(s, n) for s, n in zip(done, self.sizes, strict=True)])
        self._observation = [create_empty_array(s, n) for s, n in zip(seen, self.sizes, strict=True)]
        self.metadata = {
            "autoreset_mode": AutoresetMode.SAME_STEP,
            "render_fps": float(envs[0].metadata.get("render_fps") or 10),
        }
        self._alive = np.zeros(self.num_envs, bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        for game in range(self.num_games):
            self._start(game, None if seed is None else seed + game)
        return self._joined_observation(), {}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        parts = actions if len(self.groups) > 1 else (actions,)
        reward, valid = np.zeros(self.num_envs), self._alive.copy()
        terminated, truncated = np.zeros(self.num_envs, bool), np.zeros(self.num_envs, bool)
        ended = []
        for game, (env, rows) in enumerate(zip(self.envs, self._rows, strict=True)):
            moves = {agent: self._move(parts, game, agent) for agent in env.agents if self._alive[rows[agent]]}
            seen, rewards, terminations, truncations, infos = env.step(moves)
            for agent in moves:
                row = rows[agent]
                reward[row] = rewards[agent]
                terminated[row], truncated[row] = terminations[agent], truncations[agent]
                self._put(game, agent, seen[agent], infos.get(agent), bool(terminated[row] or truncated[row]))
            # Some games leave `agents` filled at their end; one without a player who goes on is over all the same.
            if not env.agents or all((terminated | truncated)[rows[agent]] for agent in moves):
                ended.append(game)
        self._alive &= ~(terminated | truncated)
        final = observation = self._joined_observation()
        episode_start = np.isin(self.game, ended)
        if ended and self.autoreset:
            for game in ended:
                self._start(game, None)
            observation = self._joined_observation()
        info = {TRANSITION_INFO: TransitionInfo(final, valid, episode_start)}
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        return self.envs[0].render()

    def close_extras(self, **kwargs: Any) -> None:
        for env in self.envs:
            env.close()

    def _start(self, game: int, seed: int | None) -> None:
        env = self.envs[game]
        seen, infos = env.reset(seed=seed)
        for agent in env.agents:
            self._views[game][agent].reset()
            self._put(game, agent, seen[agent], infos.get(agent), over=False)
            self._alive[self._rows[game][agent]] = True

    def _move(self, parts: Sequence[np.ndarray], game: int, agent: str) -> Any:
        group = self._group[agent]
        move = parts[group][game * len(self.groups[group]) + self._place[agent]]
        return move.item() if np.ndim(move) == 0 else move

    def _put(self, game: int, agent: str, seen: Any, info: Any, over: bool) -> None:
        seen = self._views[game][agent].see(seen, info, over, keep=True)
        group = self._group[agent]
        row = game * len(self.groups[group]) + self._place[agent]

        def put(array: np.ndarray, value: Any) -> None:
            array[row] = value

        tree_map(put, self._observation[group], seen)

    def _joined_observation(self) -> Any:
        copies: Any = tuple(tree_map(np.array, part) for part in self._observation)
        return copies if len(self.groups) > 1 else copies[0]

    def _join_spaces(self, parts: Sequence[Space]) -> Space:
        return spaces.Tuple(parts) if len(parts) > 1 else parts[0]


def shows_mask(info: Any) -> bool:
    """Return whether a player's info has an action mask."""
    return isinstance(info, dict) and info.get(MASK) is not None


def groups_of(env: Any, separate: bool, name: str) -> list[Group]:
    """Return the players of a parallel environment, grouped by equal spaces; with `separate`, each on its own."""
    agents = getattr(env, "possible_agents", None)
    if not agents:
        raise SandlotError(f"{name} does not declare possible_agents, which a row for each player needs")
    if separate:
        return [(agent,) for agent in agents]
    kinds: list[tuple[tuple[Space, Space], list[str]]] = []
    for agent in agents:
        kind = (env.observation_space(agent), env.action_space(agent))
        alike = next((members for known, members in kinds if known == kind), None)
        if alike is None:
            kinds.append((kind, [agent]))
        else:
            alike.append(agent)
    return [tuple(members) for _, members in kinds]
