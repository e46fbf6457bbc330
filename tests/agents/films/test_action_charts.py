import numpy as np
import pytest
from gymnasium import spaces
from PIL import Image

from sandlot.agents.action_info import ActionInfo
from sandlot.agents.films.action_charts import ActionBars, ActionGauges, make_action_chart
from sandlot.agents.films.drawing import BAR, CHOSEN, TRACK, Box
from sandlot.envs import EnvSpec, action_names, chosen
from tests.environments import Match

BOX = Box(0, 0, 200, 100)


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
def test_chosen_actions(space, action, taken):
    np.testing.assert_array_equal(chosen(space, action), np.array(taken, bool))


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ("CartPole-v1", ("left", "right")),
        ("Taxi-v4", ("south", "north", "east", "west", "pick up", "drop off")),
        ("Pendulum-v1", ("torque",)),
    ],
)
def test_known_actions_have_names(env, names):
    assert action_names(EnvSpec(env).single()) == names


def test_actions_without_names_are_numbered():
    assert action_names(Match(action="multi-discrete")) == ("0", "1", "2", "3")
    assert action_names(Match(action="box")) == ("0",)


def test_classic_envs_have_names_for_all_actions():
    for env in ("Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0", "FrozenLake-v1", "CliffWalking-v1"):
        single = EnvSpec(env).single()
        assert not {"0", "1"} & set(action_names(single)), env


def test_bars_are_as_long_as_probabilities():
    bars = ActionBars(spaces.Discrete(2), ("a", "b"), BOX, 20)
    image = Image.new("RGB", (200, 100))
    bars.prepare(image)
    bars.draw(image, 1, ActionInfo(probability=np.array([0.25, 0.75])))
    assert widths(image, bars) == [(BAR, 50), (CHOSEN, 150)]


def test_bars_of_action_values_are_relative_to_the_best():
    bars = ActionBars(spaces.Discrete(3), ("a", "b", "c"), BOX, 20)
    image = Image.new("RGB", (200, 100))
    bars.prepare(image)
    bars.draw(image, 0, ActionInfo(action_value=np.array([-1.0, -3.0, -np.inf])))
    assert widths(image, bars) == [(CHOSEN, 200), (BAR, 20), (TRACK, 200)]
    bars.draw(image, 0, ActionInfo(action_value=np.array([7.0, 6.0, -np.inf])))
    assert widths(image, bars)[1] == (BAR, 110), "half the largest difference so far, so halfway to the shortest bar"


def test_gauges_show_the_action_and_the_standard_deviation():
    gauges = ActionGauges(spaces.Box(-2.0, 2.0, (1,)), ("x",), BOX, 20)
    image = Image.new("RGB", (200, 100))
    gauges.prepare(image)
    gauges.draw(image, np.array([1.0]), ActionInfo(mean=np.array([0.0]), std=np.array([1.0])))
    row = np.asarray(image)[gauges.boxes[0].top + 1]
    assert np.flatnonzero((row == BAR).all(1))[[0, -1]].tolist() == [50, 149]
    assert np.flatnonzero((row == CHOSEN).all(1))[0] == 150


@pytest.mark.parametrize("count", [1, 2, 6, 18, 40, 400])
def test_rows_stay_in_their_box_and_do_not_overlap(count):
    bars = ActionBars(spaces.Discrete(count), tuple(map(str, range(count))), Box(10, 10, 260, 140), 22)
    assert len(bars.boxes) == count
    for box in bars.boxes:
        assert box.left >= 10
        assert box.right <= 260
        assert box.top >= 10
        assert box.bottom <= 140
    if count <= 40:
        assert all(box.height > 0 for box in bars.boxes)
        assert len({(box.left, box.top) for box in bars.boxes}) == count


def test_the_chart_fits_the_action_space():
    assert isinstance(make_action_chart(Match(action="discrete"), BOX, 20), ActionBars)
    assert isinstance(make_action_chart(Match(action="box"), BOX, 20), ActionGauges)


def widths(image, chart):
    """Return the colour and the length of each bar, along its upper edge, where there is no text."""
    pixels = np.asarray(image)
    found = []
    for box in chart.boxes:
        line = pixels[box.top, box.left : box.right]
        found.append((tuple(line[0].tolist()), int((line == line[0]).all(1).sum())))
    return found
