import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents.tabular.state_index import StateIndex

pytestmark = pytest.mark.shapes


@pytest.mark.parametrize(
    ("space", "observation", "expected"),
    [
        (spaces.Discrete(4, start=3), np.array([3, 6]), [0, 3]),
        (spaces.MultiDiscrete([2, 3], start=[1, 0]), np.array([[1, 2], [2, 1]]), [2, 4]),
        (spaces.MultiBinary(3), np.array([[0, 1, 1], [1, 0, 0]], np.int8), [3, 4]),
        (
            spaces.Tuple((spaces.Discrete(3), spaces.MultiDiscrete([2, 2]))),
            (np.array([0, 2]), np.array([[1, 1], [0, 1]])),
            [3, 9],
        ),
    ],
    ids=str,
)
def test_observations_are_numbered(space, observation, expected):
    index = StateIndex(space, "test")
    assert index.encode(observation)[0].tolist() == expected
    samples = [space.sample() for _ in range(300)]
    batch = (
        tuple(np.array(entry) for entry in zip(*samples, strict=True))
        if isinstance(space, spaces.Tuple)
        else np.array(samples)
    )
    assert set(index.encode(batch)[0].tolist()) == set(range(index.num_states)), "each state has a number of its own"


def test_a_mask_that_allows_nothing_allows_everything():
    mask = spaces.Box(0, 1, (2,), np.int8)
    index = StateIndex(spaces.Dict({"observation": spaces.Discrete(5), "action_mask": mask}), "test")
    _, mask = index.encode({"observation": np.array([1, 2]), "action_mask": np.array([[0, 0], [0, 1]], np.int8)})
    assert mask.tolist() == [[True, True], [False, True]]
