"""Films: what is played, what is drawn, how it is set side by side, and what is left in the record."""

import numpy as np
import pytest
from gymnasium import spaces
from PIL import Image

from sandlot.agents import PPO, SAC, QLearning
from sandlot.agents.action_info import ActionInfo
from sandlot.agents.films import Look, Take, film
from sandlot.agents.films.actions import Bars, Gauges, actions_for
from sandlot.agents.films.chart import STEPS, Chart
from sandlot.agents.films.drawing import BAR, CHOSEN, TRACK, Box, letters_of, short
from sandlot.agents.films.episode_frames import FADED, Reel
from sandlot.agents.films.grid import GAP, split_sequences
from sandlot.envs import EnvSpec, EpisodeFrame, action_names, chosen, render_episode, run_headless
from sandlot.tracking import SandlotError
from tests.video_file import decode, probe
from tests.worlds import HORIZON, Endless, Match

SMALL = {"hidden": (8,)}
BOX = Box(0, 0, 200, 100)


def shots(length, shape=(40, 60), action_info=None, reward=1.0):
    """Yield an episode of frames whose brightness tells the step."""
    for step in range(length + 1):
        frame = np.full((*shape, 3), 10 * step, np.uint8)
        over = step == length
        thinks = (None, None) if over else (0, action_info or ActionInfo())
        yield EpisodeFrame(frame, step, reward if step else 0.0, reward * step, *thinks)


class TestPlaying:
    def test_an_episode_is_shown_from_its_first_picture_to_its_last(self):
        env = EnvSpec("CartPole-v1").single(render=True)
        played = list(
            render_episode(env, lambda observation, episode_start: (int(observation[2] > 0), episode_start), seed=1)
        )
        assert [shot.step for shot in played] == list(range(len(played)))
        assert [shot.total for shot in played] == list(range(len(played)))
        assert [shot.action_info for shot in played[:-1]] == [True] + [False] * (len(played) - 2)
        assert (played[-1].action, played[-1].action_info) == (None, None)
        assert played[0].frame.shape == (400, 600, 3)
        again = list(render_episode(env, lambda observation, episode_start: (int(observation[2] > 0), None), seed=1))
        np.testing.assert_array_equal(again[-1].frame, played[-1].frame)

    def test_an_episode_without_end_is_cut(self, monkeypatch):
        monkeypatch.setattr("sandlot.envs.frames.SECONDS_WITHOUT_LIMIT", 3)
        env = EnvSpec("CliffWalking-v1").single(render=True)
        env.spec.max_episode_steps = None
        stuck = sum(1 for _ in render_episode(env, lambda *_: (0, None), seed=0))
        assert stuck == 3 * env.metadata["render_fps"] + 1
        assert (
            sum(1 for _ in render_episode(env, lambda *_: (0, None), seed=0, seconds=2))
            == 2 * env.metadata["render_fps"] + 1
        )

    def test_without_pictures_there_is_a_sentence(self):
        with pytest.raises(SandlotError, match="draws no pictures"):
            next(render_episode(Endless(), lambda *_: (0, None), seed=0))


class TestActions:
    @pytest.mark.parametrize(
        ("space", "action", "taken"),
        [
            (spaces.Discrete(3), 1, [0, 1, 0]),
            (spaces.Discrete(3, start=5), np.int64(7), [0, 0, 1]),
            (spaces.MultiDiscrete([2, 3]), np.array([1, 2]), [0, 1, 0, 0, 1]),
            (spaces.MultiDiscrete([2, 2], start=[3, 0]), np.array([3, 1]), [1, 0, 0, 1]),
            (spaces.MultiBinary(3), np.array([1, 0, 1]), [1, 0, 1]),
        ],
    )
    def test_which_choice_was_made(self, space, action, taken):
        np.testing.assert_array_equal(chosen(space, action), np.array(taken, bool))

    @pytest.mark.parametrize(
        ("env", "names"),
        [
            ("CartPole-v1", ("left", "right")),
            ("Taxi-v4", ("south", "north", "east", "west", "pick up", "drop off")),
            ("Pendulum-v1", ("torque",)),
        ],
    )
    def test_actions_have_names(self, env, names):
        assert action_names(EnvSpec(env).single()) == names

    def test_actions_without_names_are_numbered(self):
        assert action_names(Match(action="multi-discrete")) == ("0", "1", "2", "3")
        assert action_names(Match(action="box")) == ("0",)

    def test_every_env_has_as_many_names_as_actions(self):
        for env in ("Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0", "FrozenLake-v1", "CliffWalking-v1"):
            single = EnvSpec(env).single()
            assert not {"0", "1"} & set(action_names(single)), env

    def test_bars_are_as_long_as_probabilities(self):
        bars = Bars(spaces.Discrete(2), ("a", "b"), BOX, 20)
        picture = Image.new("RGB", (200, 100))
        bars.prepare(picture)
        bars.draw(picture, 1, ActionInfo(probability=np.array([0.25, 0.75])))
        assert widths(picture, bars) == [(BAR, 50), (CHOSEN, 150)]

    def test_bars_of_values_compare_with_the_best(self):
        bars = Bars(spaces.Discrete(3), ("a", "b", "c"), BOX, 20)
        picture = Image.new("RGB", (200, 100))
        bars.prepare(picture)
        bars.draw(picture, 0, ActionInfo(action_value=np.array([-1.0, -3.0, -np.inf])))
        assert widths(picture, bars) == [(CHOSEN, 200), (BAR, 20), (TRACK, 200)]
        bars.draw(picture, 0, ActionInfo(action_value=np.array([7.0, 6.0, -np.inf])))
        assert widths(picture, bars)[1] == (BAR, 110), "half the difference there was, so half of the way down"

    def test_gauges_show_the_action_and_the_spread(self):
        gauges = Gauges(spaces.Box(-2.0, 2.0, (1,)), ("x",), BOX, 20)
        picture = Image.new("RGB", (200, 100))
        gauges.prepare(picture)
        gauges.draw(picture, np.array([1.0]), ActionInfo(mean=np.array([0.0]), std=np.array([1.0])))
        row = np.asarray(picture)[gauges.boxes[0].top + 1]
        assert np.flatnonzero((row == BAR).all(1))[[0, -1]].tolist() == [50, 149]
        assert np.flatnonzero((row == CHOSEN).all(1))[0] == 150

    @pytest.mark.parametrize("count", [1, 2, 6, 18, 40, 400])
    def test_rows_stay_in_their_box_and_apart(self, count):
        bars = Bars(spaces.Discrete(count), tuple(map(str, range(count))), Box(10, 10, 260, 140), 22)
        assert len(bars.boxes) == count
        for box in bars.boxes:
            assert box.left >= 10
            assert box.right <= 260
            assert box.top >= 10
            assert box.bottom <= 140
        if count <= 40:
            assert all(box.height > 0 for box in bars.boxes)
            assert len({(box.left, box.top) for box in bars.boxes}) == count

    def test_both_kinds_are_found(self):
        assert isinstance(actions_for(Match(action="discrete"), BOX, 20), Bars)
        assert isinstance(actions_for(Match(action="box"), BOX, 20), Gauges)


def widths(picture, rows):
    """Return the colour and the length of each bar, along its upper edge, where there are no letters."""
    pixels = np.asarray(picture)
    found = []
    for box in rows.boxes:
        line = pixels[box.top, box.left : box.right]
        found.append((tuple(line[0].tolist()), int((line == line[0]).all(1).sum())))
    return found


class TestWriting:
    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0.0, "0"),
            (1.0, "1"),
            (-1.0, "−1"),
            (0.125, "0.12"),
            (-0.001, "0.00"),
            (12.34, "12.3"),
            (-123.4, "−123"),
            (1234.5, "1,234"),
            (123456.0, "123k"),
            (-np.inf, "–"),
        ],
    )
    def test_numbers_are_short(self, number, text):
        assert short(number) == text

    def test_letters_are_drawn(self):
        assert np.asarray(letters_of("left", 20, True)).max() == 255

    def test_a_chart_keeps_the_last_steps_and_the_whole_scale(self):
        chart, picture = Chart(Box(0, 0, 300, 100), 20), Image.new("RGB", (300, 100))
        for step in range(3 * STEPS):
            chart.add(100.0 if step == 0 else float(step % 7))
        chart.draw(picture)
        assert (len(chart.numbers), chart.high, chart.low) == (STEPS, 100.0, 0.0)
        assert np.asarray(picture).any()


class TestReels:
    def test_a_plain_reel_is_the_env_pictures(self):
        frames = list(Reel(Match(), shots(3)))
        assert [frame[0, 0, 0] for frame in frames] == [0, 10, 20, 30]
        assert frames[0].shape == (40, 60, 3)

    @pytest.mark.parametrize("shape", [(40, 60), (210, 160), (400, 600), (500, 500), (240, 720)])
    def test_an_overlay_lies_outside_of_the_picture(self, shape):
        run_headless()
        action_info = ActionInfo(probability=np.array([0.25, 0.75]), value=np.float32(3.0))
        reel = Reel(Match(), shots(3, shape, action_info), "100 env steps", overlay=True)
        frames = [frame.copy() for frame in reel]
        scale = reel.picture.shape[0] // shape[0]
        assert reel.picture.shape == (scale * shape[0], scale * shape[1], 3)
        assert reel.picture.shape[1] >= 400
        assert reel.picture.size + reel.beside.size + reel.caption.size == frames[0].size
        assert (reel.picture == 30).all(), "the picture is not drawn on"
        assert reel.panel.unit * 400 / frames[0].shape[1] > 9, "letters can be read where the film is 400 pixels wide"
        assert (frames[0] != frames[1]).any()
        assert frames[-1].std() > 0

    def test_what_has_ended_fades_and_what_is_written_stays(self):
        reel = Reel(Match(), shots(3, action_info=ActionInfo(value=np.float32(1.0))), "a", overlay=True)
        written = list(reel)[-1][: reel.caption.shape[0]].copy()
        faded = reel.faded()
        assert (reel.picture == int(30 * FADED)).all()
        np.testing.assert_array_equal(faded[: len(written)], written)

    def test_reels_side_by_side(self):
        grid = [picture.copy() for picture in split_sequences([Reel(Match(), shots(n)) for n in (1, 4, 2)], 2, 2)]
        assert len(grid) == 5
        assert grid[0].shape == (2 * 40 + GAP, 2 * 60 + GAP, 3)
        corners = [[int(frame[y, x, 0]) for y, x in ((0, 0), (0, 64), (44, 0))] for frame in grid]
        faded = [int(FADED * 10), int(FADED * 20)]
        assert corners == [
            [0, 0, 0],
            [10, 10, 10],
            [faded[0], 20, 20],
            [faded[0], 30, faded[1]],
            [faded[0], 40, faded[1]],
        ]
        assert (grid[-1][44:, 64:] == grid[0][44:, 64:]).all(), "the fourth place is empty"


class TestFilms:
    def test_episodes_one_after_the_other(self, tmp_path):
        agent = PPO("tests/Match-v0", seed=0, **SMALL)
        returns = film([Take(agent, 1), Take(agent, 2)], EnvSpec("tests/Match-v0"), tmp_path / "film.mp4")
        assert len(returns) == 2
        assert probe(tmp_path / "film.mp4") == ((48, 34), True, 10.0, 2 * (HORIZON + 1))

    def test_more_episodes_than_places_come_in_turns(self, tmp_path):
        agent = PPO("tests/Match-v0", seed=0, **SMALL)
        takes = [Take(agent, seed) for seed in range(3)]
        returns = film(takes, EnvSpec("tests/Match-v0"), tmp_path / "film.mp4", look=Look(columns=2))
        assert len(returns) == 3
        assert probe(tmp_path / "film.mp4") == ((98, 34), True, 10.0, 2 * (HORIZON + 1))

    def test_the_overlay_changes_nothing_that_is_played(self, tmp_path):
        agent = PPO("CartPole-v1", seed=0, network="lstm", hidden=(8,), memory_size=8)
        takes, env_spec = [Take(agent, 5)], EnvSpec("CartPole-v1")
        plain = film(takes, env_spec, tmp_path / "plain.mp4")
        assert film(takes, env_spec, tmp_path / "overlay.mp4", look=Look(overlay=True)) == plain
        size, _, rate, count = probe(tmp_path / "overlay.mp4")
        assert (size, rate, count) == ((600, 616), 50.0, plain[0] + 1)
        frames = decode(tmp_path / "overlay.mp4")
        assert np.abs(frames[:, :390].astype(int) - decode(tmp_path / "plain.mp4")[:, :390]).mean() < 2
        assert (frames[1:, 400:] != frames[:-1, 400:]).any((1, 2, 3)).all(), "the panel goes with the episode"

    @pytest.mark.parametrize(
        ("kind", "env"), [(QLearning, "FrozenLake-v1"), (QLearning, "Taxi-v4"), (SAC, "Pendulum-v1")]
    )
    def test_whatever_thinks_can_be_shown(self, tmp_path, kind, env):
        agent = kind(env, seed=0)
        film([Take(agent, 0)], EnvSpec(env), tmp_path / "film.mp4", look=Look(overlay=True), seconds=1)
        size, playable, _, count = probe(tmp_path / "film.mp4")
        assert playable
        assert count > 1
        assert size[0] > 500

    def test_checkpoints_are_labelled(self, tmp_path):
        agent = PPO("tests/Match-v0", seed=0, **SMALL)
        film([Take(agent, 0, "7 env steps")], EnvSpec("tests/Match-v0"), tmp_path / "film.mp4")
        plain = decode(tmp_path / "film.mp4")[0]
        assert plain[:20].max() > 200, "white letters above the picture"
