import numpy as np
import pytest

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.films.episode_frames import DIMMED, EpisodeFrames, FilmContents
from sandlot.agents.films.grid import GAP, grid_frames
from sandlot.envs import EpisodeFrame, run_headless
from tests.environments import Match


def moments(length, shape=(40, 60), action_info=None, reward=1.0):
    """Yield an episode whose frames are as bright as the step is late."""
    for step in range(length + 1):
        frame = np.full((*shape, 3), 10 * step, np.uint8)
        over = step == length
        action = (None, None) if over else (0, action_info or ActionInfo())
        yield EpisodeFrame(frame, step, reward if step else 0.0, reward * step, *action)


def test_without_caption_and_overlay_frames_are_those_of_the_env():
    frames = list(EpisodeFrames(Match(), moments(3, (300, 60))))
    assert [frame[0, 0, 0] for frame in frames] == [0, 10, 20, 30]
    assert frames[0].shape == (300, 60, 3)


def test_small_frames_are_enlarged_by_a_whole_factor():
    tiny = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    (frame,) = EpisodeFrames(Match(), iter([EpisodeFrame(tiny, 0, 0.0, 0.0, None, None)]))
    assert frame.shape == (260, 260, 3)
    np.testing.assert_array_equal(frame[::26, ::26], tiny)
    np.testing.assert_array_equal(frame[25::26, 25::26], tiny)


def test_frames_of_another_size_are_fitted_to_the_first():
    shapes = [(300, 400), (150, 200), (301, 399)]
    seen = [EpisodeFrame(np.full((*shape, 3), 7, np.uint8), 0, 0.0, 0.0, None, None) for shape in shapes]
    assert [frame.shape for frame in EpisodeFrames(Match(), iter(seen))] == [(300, 400, 3)] * 3


@pytest.mark.parametrize(
    ("colours", "problem"),
    [([0, 0, 0], "one colour"), ([9, 9, 9], "one colour"), ("same", "all frames are the same"), ([0, 1, 0], None)],
)
def test_a_film_that_shows_nothing_is_told(colours, problem):
    if colours == "same":
        frames = [np.arange(12, dtype=np.uint8).reshape(2, 2, 3)] * 3
    else:
        frames = [np.full((4, 4, 3), colour, np.uint8) for colour in colours]
    contents = FilmContents()
    for frame in frames:
        contents.add(frame)
    assert (problem in contents.problem) if problem else contents.problem is None


@pytest.mark.parametrize("shape", [(40, 60), (210, 160), (400, 600), (500, 500), (240, 720)])
def test_the_overlay_does_not_cover_the_picture(shape):
    run_headless()
    action_info = ActionInfo(probability=np.array([0.25, 0.75]), value=np.float32(3.0))
    episode = EpisodeFrames(Match(), moments(3, shape, action_info), "100 env steps", overlay=True)
    frames = [frame.copy() for frame in episode]
    scale = episode.picture.shape[0] // shape[0]
    assert episode.picture.shape == (scale * shape[0], scale * shape[1], 3)
    assert episode.picture.shape[1] >= 400
    assert episode.picture.size + episode.panel_area.size + episode.caption.size == frames[0].size
    assert (episode.picture == 30).all(), "the picture is not drawn on"
    assert episode.panel.font_size * 400 / frames[0].shape[1] > 9, "text is readable where the film is 400 pixels wide"
    assert (frames[0] != frames[1]).any()
    assert frames[-1].std() > 0


def test_the_last_frame_is_dimmed_and_its_caption_stays():
    episode = EpisodeFrames(Match(), moments(3, action_info=ActionInfo(value=np.float32(1.0))), "a", overlay=True)
    caption = list(episode)[-1][: episode.caption.shape[0]].copy()
    dimmed = episode.dimmed()
    assert (episode.picture == int(30 * DIMMED)).all()
    np.testing.assert_array_equal(dimmed[: len(caption)], caption)


def test_episodes_in_a_grid():
    grid = [picture.copy() for picture in grid_frames([EpisodeFrames(Match(), moments(n)) for n in (1, 4, 2)], 2, 2)]
    assert len(grid) == 5
    assert grid[0].shape == (2 * 200 + GAP, 2 * 300 + GAP, 3)
    corners = [[int(frame[y, x, 0]) for y, x in ((0, 0), (0, 304), (204, 0))] for frame in grid]
    dimmed = [int(DIMMED * 10), int(DIMMED * 20)]
    assert corners == [
        [0, 0, 0],
        [10, 10, 10],
        [dimmed[0], 20, 20],
        [dimmed[0], 30, dimmed[1]],
        [dimmed[0], 40, dimmed[1]],
    ]
    assert (grid[-1][204:, 304:] == grid[0][204:, 304:]).all(), "the fourth cell is empty"
