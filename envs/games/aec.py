"""PettingZoo's turn-based environments, run one after the other."""

import warnings
from typing import Any

import numpy as np
from jaxtyping import UInt8

from sandlot.envs.action_masks import MASK
from sandlot.envs.tree import tree_stack
from sandlot.envs.wrappers import NONE, Wrappers
from sandlot.tracking import SandlotError

from .base import Games, Rows
from .observed import PlayerView


class AecGames(Games):
    """Copies of an environment in which one agent acts after the other (PettingZoo's AEC interface)."""

    def __init__(self, envs: list[Any], name: str, wrappers: Wrappers = NONE):
        self.envs, self.names = envs, list(envs[0].possible_agents)
        super().__init__(len(envs), len(self.names))
        seen = [(envs[0].observation_space(agent), envs[0].action_space(agent)) for agent in self.names]
        if any(spaces != seen[0] for spaces in seen):
            raise SandlotError(f"the players of {name} have different spaces, so they can't play each other")
        with warnings.catch_warnings(action="ignore"):
            envs[0].reset(seed=0)
        masked = any(MASK in (envs[0].infos.get(agent) or {}) for agent in self.names)
        self._views = [[PlayerView(*seen[0], masked, wrappers) for _ in self.names] for _ in envs]
        self.observation_space, self.action_space = self._views[0][0].space, seen[0][1]
        self.fps = float(envs[0].metadata.get("render_fps") or 2)
        self._player = {agent: player for player, agent in enumerate(self.names)}

    def play(self, games: Rows, action: np.ndarray) -> None:
        for game, move in zip(games.tolist(), action, strict=True):
            env = self.envs[game]
            self._see(game, int(self.turn[game]), keep=True)
            env.step(move.item() if np.ndim(move) == 0 else move)
            for agent, reward in env.rewards.items():
                self.score[game, self._player[agent]] += reward
            self._update(game)

    def observe(self, games: Rows, players: Rows) -> Any:
        return tree_stack([self._see(int(game), int(player)) for game, player in zip(games, players, strict=True)])

    def _see(self, game: int, player: int, *, keep: bool = False) -> Any:
        """Return what a player observes; `keep` it for later stacks, as that at the player's turn."""
        env, agent = self.envs[game], self.names[player]
        over = bool(self.out[game, player]) or agent != env.agent_selection
        return self._views[game][player].see(env.observe(agent), env.infos.get(agent), over, keep=keep)

    def render(self) -> UInt8[np.ndarray, "height width 3"] | None:
        return self.envs[0].render()

    def close(self) -> None:
        for env in self.envs:
            env.close()

    def _restart(self, games: Rows, seed: int | None) -> None:
        for game in games.tolist():
            self.envs[game].reset(seed=None if seed is None else seed + game)
            for view in self._views[game]:
                view.reset()
            self._update(game)

    def _update(self, game: int) -> None:
        """Read who is out and whose turn it is, skipping players who are out."""
        env = self.envs[game]
        for agent in env.agents:
            self.terminated[game, self._player[agent]] = env.terminations[agent]
            self.truncated[game, self._player[agent]] = env.truncations[agent]
        if self.out[game].all():
            return
        while env.terminations[env.agent_selection] or env.truncations[env.agent_selection]:
            env.step(None)
        self.turn[game] = self._player[env.agent_selection]
