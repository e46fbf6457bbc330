"""Films of episodes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np

from sandlot.envs import Act, EnvSpec, Frame, frames_per_second, render_episode, run_headless, tree_map
from sandlot.tracking import write_video

from .episode_frames import EpisodeFrames
from .grid import grid_frames

if TYPE_CHECKING:
    from sandlot.agents.base import Agent


class Clip(NamedTuple):
    """An episode to film."""

    agent: "Agent"
    seed: int
    """Seed of the environment."""
    label: str = ""
    """Caption above the picture; none if empty."""


@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """What a film shows, and how it is laid out."""

    columns: int = 1
    """Columns of the grid of episodes."""
    rows: int = 1
    """Rows of the grid of episodes."""
    overlay: bool = False
    """Show step, reward, return, and the agent's action probabilities or values."""
    deterministic: bool = True
    """Take the best actions instead of sampling them."""
    seconds: float | None = None
    """The longest that an episode may play (see `envs.render_episode`)."""

    @property
    def cells(self) -> int:
        """Episodes shown at a time."""
        return self.columns * self.rows


class FilmedEpisode(NamedTuple):
    """How a filmed episode went."""

    total: float
    """Its return, or what it had returned when it was cut."""
    steps: int
    over: bool
    """False if the film was cut before the episode ended."""
    problem: str | None
    """What is wrong with its frames, if they show nothing."""


def film_episodes(
    clips: Sequence[Clip], env_spec: EnvSpec, path: Path, options: FilmOptions | None = None
) -> list[FilmedEpisode]:
    """Play `clips` in `env_spec`, film them into the mp4 file `path`, and return how they went.

    They play as many at a time as the grid of `options` has cells.
    """
    options = options or FilmOptions()
    run_headless()
    envs = [env_spec.single(render=True) for _ in range(min(options.cells, len(clips)))]
    filmed: list[FilmedEpisode] = []
    try:
        with clips[0].agent.thread_context():
            write_video(path, _frames(clips, envs, options, filmed), frames_per_second(envs[0]))
    finally:
        for env in envs:
            env.close()
    return filmed


def _frames(
    clips: Sequence[Clip], envs: Sequence[gymnasium.Env], options: FilmOptions, filmed: list[FilmedEpisode]
) -> Iterator[Frame]:
    """Yield the frames of the film, and append how each episode went to `filmed`."""
    for first in range(0, len(clips), options.cells):
        episodes = []
        for env, clip in zip(envs, clips[first : first + options.cells], strict=False):
            num_players = getattr(env.unwrapped, "num_rows", 1)
            overlay = options.overlay and num_players == 1
            if num_players > 1:
                act = _multi_player_act(clip.agent, options.deterministic, num_players)
            else:
                act = _single_player_act(clip.agent, options.deterministic, overlay)
            moments = render_episode(env, act, clip.seed, options.seconds)
            episodes.append(EpisodeFrames(env, moments, clip.label, overlay=overlay))
        yield from grid_frames(episodes, options.columns, options.rows)
        filmed += [FilmedEpisode(one.total, one.steps, one.over, one.contents.problem) for one in episodes]


def _single_player_act(agent: "Agent", deterministic: bool, explain: bool) -> Act:
    """Return a function that acts in an episode, with or without the `ActionInfo` of each action."""
    memory: Any = None

    def act(observation: Any, episode_start: bool) -> tuple[Any, Any]:
        nonlocal memory
        batch = tree_map(lambda leaf: np.asarray(leaf)[None], observation)
        arguments = (batch, memory, np.array([episode_start]), deterministic)
        action_info = None
        if explain:
            action, memory, action_infos = agent.explain(*arguments)
            action_info = action_infos.row(0)
        else:
            action, memory = agent.select_action(*arguments)
        return action[0].item() if action.ndim == 1 else action[0], action_info

    return act


def _multi_player_act(agent: "Agent", deterministic: bool, num_players: int) -> Act:
    """Return a function that acts for all players of a game in which they move at the same time."""
    memory: Any = None

    def act(observation: Any, episode_start: bool) -> tuple[Any, Any]:
        nonlocal memory
        action, memory = agent.select_action(observation, memory, np.full(num_players, episode_start), deterministic)
        return action, None

    return act
