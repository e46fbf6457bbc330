"""Play a board game against an agent."""

import time
from typing import Any

import numpy as np

from sandlot.agents.action_info import ActionInfo
from sandlot.cli.target import ResolvedTarget
from sandlot.envs import MASK, tree_map
from sandlot.envs.games import games_of
from sandlot.envs.games.boards import RowGame
from sandlot.tracking import SandlotError

from .messages import Go, Message, Move, Side
from .session import Session, action_info_to_json, explain

AGENT_SECONDS = 0.45
"""Seconds before the agent's move."""
ONE = np.zeros(1, np.int64)


class BoardSession(Session):
    """Games of the viewer against the agent."""

    kind = "board"

    def __init__(self, found: ResolvedTarget, seed: int, *, deterministic: bool):
        super().__init__(found, seed, deterministic=deterministic)
        games = games_of(found.env_spec, 1)
        assert isinstance(games, RowGame)
        self.games = games
        self.seat = 0
        """The viewer's seat."""
        self.tally = {"won": 0, "drawn": 0, "lost": 0}
        self.moves: list[int] = []
        self._counted = False
        self._due = 0.0

    def hello(self) -> dict[str, Any]:
        game = self.games
        falls = game.actions < game.cells
        return {**super().hello(), "rows": game.rows, "columns": game.columns, "length": game.length, "falls": falls}

    def state(self) -> dict[str, Any]:
        games = self.games
        pieces = games.pieces[0]
        cells = ((pieces[:, None] & games.bits) != 0).astype(int)
        winner = next((seat for seat in range(2) if games.wins(pieces[seat : seat + 1])[0]), None)
        line = [] if winner is None else self._winning_cells(winner)
        legal = [] if self.over else np.flatnonzero(self._seen()[MASK]).tolist()
        return {
            **super().state(),
            "cells": (cells[0] + 2 * cells[1]).tolist(),
            "legal": legal,
            "turn": None if self.over else int(games.turn[0]),
            "seat": self.seat,
            "over": self.over,
            "winner": winner,
            "line": line,
            "moves": self.moves,
            "tally": self.tally,
            "action_info": action_info_to_json(self.action_info),
            "considers": self.considers,
        }

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return bool(self.games.out[0].all())

    def begin(self) -> None:
        self._new()

    def present(self) -> None:
        self.show()

    def end(self) -> None:
        self.games.close()

    def advance(self) -> float:
        if self.over or self.games.turn[0] == self.seat:
            return 1.0
        left = self._due - time.perf_counter()
        if left <= 0:
            self._play(int(self.action))
            self.show()
            return 0.0
        return left

    def hear(self, message: Message) -> None:
        match message:
            case Move():
                if self.over or self.games.turn[0] != self.seat:
                    raise SandlotError("it is not your turn")
                if not self._seen()[MASK][message.action : message.action + 1].any():
                    raise SandlotError("that move is not possible")
                self._play(message.action)
            case Go(kind="new"):
                self._new()
            case Go(kind="undo"):
                self._undo()
            case Side():
                self.seat = message.seat
                self._new()
            case _:
                return
        self.show()

    def rethink(self) -> None:
        self._think()
        self.show()

    def _new(self) -> None:
        self._set_up([])
        self._counted = False

    def _set_up(self, moves: list[int]) -> None:
        """Replay `moves` from the start."""
        self.games.restart(ONE)
        for move in moves:
            self.games.play(ONE, np.array([move]))
        self.moves = list(moves)
        self._think()
        self._due = time.perf_counter() + AGENT_SECONDS

    def _undo(self) -> None:
        """Undo the viewer's last move and what followed."""
        moves = self.moves
        ours = [index for index in range(len(moves)) if index % 2 == self.seat]
        if not ours:
            raise SandlotError("there is no move to take back")
        self._set_up(moves[: ours[-1]])

    def _play(self, action: int) -> None:
        self.games.play(ONE, np.array([action]))
        self.moves.append(action)
        self._due = time.perf_counter() + AGENT_SECONDS
        if not self.over:
            self._think()
        elif not self._counted:
            self._counted = True  # a game that goes on after it was taken back counts once
            score = self.games.score[0, self.seat]
            self.tally["won" if score > 0 else "lost" if score < 0 else "drawn"] += 1

    def _think(self) -> None:
        """Evaluate the position with the agent, whoever is to move.

        An agent with a memory sees it without what went before, as in a position that it is shown.
        """
        self.action_info, self.action, self.considers = ActionInfo(), -1, int(self.games.turn[0])
        if not self.over:
            self.action, _, self.action_info = explain(self.agent, self._seen(), None, True, self.deterministic)

    def _seen(self) -> Any:
        return tree_map(lambda leaf: leaf[0], self.games.observe(ONE, self.games.turn))

    def _winning_cells(self, seat: int) -> list[int]:
        games = self.games
        mine = games.pieces[0, seat]
        won = [line for line in games.lines if mine & line == line]
        return np.flatnonzero([any(line & bit for line in won) for bit in games.bits]).tolist()
