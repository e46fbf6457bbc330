"""PettingZoo's turn-based environments side by side, as they are."""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from sandlot.envs.tree import tree_stack
from sandlot.tracking import SandlotError

from .base import Games, Rows


class AecGames(Games):
    """Copies of an environment in which one agent acts after the other (PettingZoo's AEC interface)."""

    def __init__(self, envs: list[Any], name: str):
        self.envs, self.names = envs, list(envs[0].possible_agents)
        super().__init__(len(envs), len(self.names))
        seen = [(envs[0].observation_space(agent), envs[0].action_space(agent)) for agent in self.names]
        if any(spaces != seen[0] for spaces in seen):
            raise SandlotError(f"the players of {name} have different spaces, so none can be another's opponent")
        self.observation_space, self.action_space = seen[0]
        self.fps = float(envs[0].metadata.get("render_fps") or 2)
        self._seat = {agent: seat for seat, agent in enumerate(self.names)}

    def play(self, games: Rows, action: np.ndarray) -> None:
        for game, move in zip(games.tolist(), action, strict=True):
            env = self.envs[game]
            env.step(move.item() if np.ndim(move) == 0 else move)
            for agent, reward in env.rewards.items():
                self.score[game, self._seat[agent]] += reward
            self._look(game)

    def observe(self, games: Rows, seats: Rows) -> Any:
        seen = [self.envs[game].observe(self.names[seat]) for game, seat in zip(games, seats, strict=True)]
        return tree_stack(seen)

    def render(self) -> UInt8[np.ndarray, "height width 3"] | None:
        return self.envs[0].render()

    def close(self) -> None:
        for env in self.envs:
            env.close()

    def _restart(self, games: Rows, seed: int | None) -> None:
        for game in games.tolist():
            self.envs[game].reset(seed=None if seed is None else seed + game)
            self._look(game)

    def _look(self, game: int) -> None:
        """Note who is out and whose turn it is, past those who are out."""
        env = self.envs[game]
        for agent in env.agents:
            self.terminated[game, self._seat[agent]] = env.terminations[agent]
            self.truncated[game, self._seat[agent]] = env.truncations[agent]
        if self.out[game].all():
            return
        while env.terminations[env.agent_selection] or env.truncations[env.agent_selection]:
            env.step(None)
        self.turn[game] = self._seat[env.agent_selection]
