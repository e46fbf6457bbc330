"""Films of agents at play."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from sandlot.agents.base import Agent
from sandlot.envs import Act, EnvSpec, Frame, frames_per_second, render_episode, run_headless, tree_map
from sandlot.tracking import write_video

from .episode_frames import Reel
from .grid import split_sequences


class Take(NamedTuple):
    """An episode to film."""

    agent: Agent
    seed: int
    """Seed of the environment."""
    label: str = ""
    """What is written above it; nothing is if this is empty."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a film looks."""

    columns: int = 1
    """Episodes side by side."""
    rows: int = 1
    """Such lines of episodes, one above the other."""
    overlay: bool = False
    """Show what the agents think."""

    @property
    def cells(self) -> int:
        """Episodes that are shown at a time."""
        return self.columns * self.rows


def film(
    takes: Sequence[Take],
    env_spec: EnvSpec,
    path: Path,
    *,
    look: Look | None = None,
    deterministic: bool = True,
    seconds: float | None = None,
) -> list[float]:
    """Film `takes`, in `env_spec`, into the mp4 file `path`, and return their returns.

    As many as the `look` has room for play at a time. `seconds` is how long one may take (see `envs.render_episode`).
    """
    look = look or Look()
    run_headless()
    stages = [env_spec.single(render=True) for _ in range(min(look.cells, len(takes)))]
    totals: list[float] = []
    try:
        with takes[0].agent.thread_context():
            frames = _frames(takes, stages, look, deterministic, seconds, totals)
            write_video(path, frames, frames_per_second(stages[0]))
    finally:
        for stage in stages:
            stage.close()
    return totals


def _frames(
    takes: Sequence[Take],
    stages: Sequence[gymnasium.Env],
    look: Look,
    deterministic: bool,
    seconds: float | None,
    totals: list[float],
) -> Iterator[Frame]:
    """Yield the pictures of the film, and append each take's return to `totals`."""
    for first in range(0, len(takes), look.cells):
        reels = []
        for stage, take in zip(stages, takes[first : first + look.cells], strict=False):
            players = getattr(stage.unwrapped, "num_rows", 1)
            overlay = look.overlay and players == 1
            act = _acting_for_all(take.agent, deterministic, players) if players > 1 else None
            shots = render_episode(stage, act or _acting(take.agent, deterministic, overlay), take.seed, seconds)
            reels.append(Reel(stage, shots, take.label, overlay=overlay))
        yield from split_sequences(reels, look.columns, look.rows)
        totals += [reel.total for reel in reels]


def _acting(agent: Agent, deterministic: bool, thinking: bool) -> Act:
    """Return what plays an episode, with or without telling its thoughts."""
    memory: Any = None

    def act(observation: Any, episode_start: bool) -> tuple[Any, Any]:
        nonlocal memory
        batch = (
            tree_map(lambda leaf: np.asarray(leaf)[None], observation),
            memory,
            np.array([episode_start]),
            deterministic,
        )
        action_info = None
        if thinking:
            action, memory, thoughts = agent.explain(*batch)
            action_info = thoughts.row(0)
        else:
            action, memory = agent.select_action(*batch)
        return action[0].item() if action.ndim == 1 else action[0], action_info

    return act


def _acting_for_all(agent: Agent, deterministic: bool, players: int) -> Act:
    """Return what plays an episode of a game in which several players move at once."""
    memory: Any = None

    def act(observation: Any, episode_start: bool) -> tuple[Any, Any]:
        nonlocal memory
        action, memory = agent.select_action(observation, memory, np.full(players, episode_start), deterministic)
        return action, None

    return act
