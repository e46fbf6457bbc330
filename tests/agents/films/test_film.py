from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from PIL import Image

from sandlot.agents import PPO, SAC, QLearning
from sandlot.agents.films import Clip, FilmOptions, film_episodes
from sandlot.envs import EnvSpec, render_episode, render_frame
from sandlot.tracking import SandlotError
from tests.environments import HORIZON, Endless
from tests.video_file import decode, probe

SMALL = {"hidden": (8,)}


def test_an_episode_is_rendered_from_its_first_frame_to_its_last():
    env = EnvSpec("CartPole-v1").single(render=True)
    played = list(
        render_episode(env, lambda observation, episode_start: (int(observation[2] > 0), episode_start), seed=1)
    )
    assert [moment.step for moment in played] == list(range(len(played)))
    assert [moment.total for moment in played] == list(range(len(played)))
    assert [moment.action_info for moment in played[:-1]] == [True] + [False] * (len(played) - 2)
    assert (played[-1].action, played[-1].action_info) == (None, None)
    assert played[0].frame.shape == (400, 600, 3)
    again = list(render_episode(env, lambda observation, episode_start: (int(observation[2] > 0), None), seed=1))
    np.testing.assert_array_equal(again[-1].frame, played[-1].frame)


def test_an_endless_episode_is_cut_off(monkeypatch):
    monkeypatch.setattr("sandlot.envs.frames.SECONDS_WITHOUT_LIMIT", 3)
    env = EnvSpec("CliffWalking-v1").single(render=True)
    env.spec.max_episode_steps = None
    stuck = sum(1 for _ in render_episode(env, lambda *_: (0, None), seed=0))
    assert stuck == 3 * env.metadata["render_fps"] + 1
    assert (
        sum(1 for _ in render_episode(env, lambda *_: (0, None), seed=0, seconds=2))
        == 2 * env.metadata["render_fps"] + 1
    )


def test_an_env_that_renders_nothing_is_an_error():
    with pytest.raises(SandlotError, match="draws no pictures"):
        next(render_episode(Endless(), lambda *_: (0, None), seed=0))


def test_episodes_one_after_the_other(tmp_path):
    agent = PPO("tests/Match-v0", seed=0, **SMALL)
    returns = film_episodes([Clip(agent, 1), Clip(agent, 2)], EnvSpec("tests/Match-v0"), tmp_path / "film.mp4")
    assert len(returns) == 2
    assert probe(tmp_path / "film.mp4") == ((282, 198), True, 10.0, 2 * (HORIZON + 1))


def test_more_episodes_than_cells_take_turns(tmp_path):
    agent = PPO("tests/Match-v0", seed=0, **SMALL)
    clips = [Clip(agent, seed) for seed in range(3)]
    returns = film_episodes(clips, EnvSpec("tests/Match-v0"), tmp_path / "film.mp4", FilmOptions(columns=2))
    assert len(returns) == 3
    assert probe(tmp_path / "film.mp4") == ((568, 198), True, 10.0, 2 * (HORIZON + 1))


def test_the_overlay_does_not_change_the_episode(tmp_path):
    agent = PPO("CartPole-v1", seed=0, network="lstm", hidden=(8,), memory_size=8)
    clips, env_spec = [Clip(agent, 5)], EnvSpec("CartPole-v1")
    plain = film_episodes(clips, env_spec, tmp_path / "plain.mp4")
    assert film_episodes(clips, env_spec, tmp_path / "overlay.mp4", FilmOptions(overlay=True)) == plain
    size, _, rate, count = probe(tmp_path / "overlay.mp4")
    assert (size, rate, count) == ((600, 616), 50.0, plain[0].total + 1)
    frames = decode(tmp_path / "overlay.mp4")
    assert np.abs(frames[:, :390].astype(int) - decode(tmp_path / "plain.mp4")[:, :390]).mean() < 2
    assert (frames[1:, 400:] != frames[:-1, 400:]).any((1, 2, 3)).all(), "the panel changes with every step"


@pytest.mark.parametrize(("kind", "env"), [(QLearning, "FrozenLake-v1"), (QLearning, "Taxi-v4"), (SAC, "Pendulum-v1")])
def test_agents_with_tables_and_networks_have_an_overlay(tmp_path, kind, env):
    agent = kind(env, seed=0)
    film_episodes([Clip(agent, 0)], EnvSpec(env), tmp_path / "film.mp4", FilmOptions(overlay=True, seconds=1))
    size, playable, _, count = probe(tmp_path / "film.mp4")
    assert playable
    assert count > 1
    assert size[0] > 500


def test_labels_are_drawn_above_the_picture(tmp_path):
    agent = PPO("tests/Match-v0", seed=0, **SMALL)
    film_episodes([Clip(agent, 0, "7 env steps")], EnvSpec("tests/Match-v0"), tmp_path / "film.mp4")
    plain = decode(tmp_path / "film.mp4")[0]
    assert plain[:20].max() > 200, "white text above the picture"


class Painter(Endless):
    """Shows what it is told to, and may fail while it draws or steps."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, picture: Any = None, fails: str = "", render_mode: str | None = None):
        super().__init__(horizon=5)
        self.picture, self.fails, self.render_mode = picture, fails, render_mode

    def step(self, action):
        if self.fails == "step":
            raise RuntimeError("no\nwheels")
        return super().step(action)

    def render(self):
        if self.fails == "render":
            raise OSError("no display")
        if self.fails == "dark":
            return np.zeros((9, 9, 3), np.uint8)
        return self.picture


HALF = np.zeros((4, 6, 3))
HALF[0, 0] = 1.0
BYTES = (255 * HALF).astype(np.uint8)


@pytest.mark.parametrize(
    "picture",
    [
        BYTES,
        HALF,
        HALF.astype(np.float32),
        BYTES.astype(np.int64),
        BYTES.astype(np.float64),
        HALF.astype(bool),
        HALF[:, :, 0],
        BYTES[:, :, :1],
        np.concatenate([BYTES, BYTES[:, :, :1]], 2),
        np.moveaxis(BYTES, 2, 0),
        np.moveaxis(HALF, 2, 0),
        [BYTES, BYTES],
        Image.fromarray(BYTES),
        torch.from_numpy(BYTES),
    ],
    ids=lambda picture: f"{type(picture).__name__}-{getattr(picture, 'dtype', '')}-{getattr(picture, 'shape', '')}",
)
def test_pictures_of_any_usual_form_are_converted(picture):
    frame = render_frame(Painter(picture))
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, BYTES)


@pytest.mark.parametrize("picture", [None, "ascii art", np.zeros((5, 6, 7)), np.zeros(3), [], {}])
def test_what_is_no_picture_gets_a_sentence(picture):
    with pytest.raises(SandlotError, match="Painter draws no pictures"):
        render_frame(Painter(picture))


@pytest.mark.parametrize("fails", ["render", "step"])
def test_an_env_that_fails_while_it_is_filmed_gets_a_sentence(fails):
    said = {
        "render": r"Painter can't be drawn: OSError: no display \(.*test_film.py:\d+\)",
        "step": r"Painter failed: RuntimeError: no \(.*\), at step 1 after a reset with seed 3",
    }
    with pytest.raises(SandlotError, match=said[fails]):
        list(render_episode(Painter(BYTES, fails), lambda *_: (0, None), seed=3))


def test_films_tell_whether_they_were_cut_and_what_is_wrong(tmp_path):
    agent = PPO("tests/Endless-v0", seed=0, **SMALL)
    gymnasium.register("tests/Painter-v0", entry_point=Painter, disable_env_checker=True)
    env_spec = EnvSpec("tests/Painter-v0", {"fails": "dark"})
    (whole,) = film_episodes([Clip(agent, 0)], env_spec, tmp_path / "film.mp4")
    assert (whole.total, whole.steps, whole.over) == (5.0, 5, True)
    assert "one colour" in whole.problem
    (cut,) = film_episodes([Clip(agent, 0)], env_spec, tmp_path / "film.mp4", FilmOptions(seconds=0.3))
    assert (cut.total, cut.steps, cut.over) == (3.0, 3, False)


def test_an_env_that_takes_no_render_mode_gets_a_sentence():
    with pytest.raises(SandlotError, match="tests/Endless-v0 takes no render_mode, so it draws no pictures"):
        EnvSpec("tests/Endless-v0").single(render=True)
