"""Options of environments are recorded as JSON, and refused at construction where that is not possible."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sandlot.envs import EnvSpec
from sandlot.tracking import SandlotError


class Takes(gymnasium.Env):
    """Takes an option of any kind."""

    observation_space, action_space = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)

    def __init__(self, gain=None):
        self.gain = gain

    def reset(self, *, seed=None, options=None):
        return np.zeros(2, np.float32), {}


gymnasium.register("tests/Takes-v0", entry_point=Takes, disable_env_checker=True)


@pytest.mark.parametrize(
    "gain", [0.5, "a:b", [1, 2], {"a": {"b": None}}, (1, 2), np.float32(0.5), np.int64(3), abs, dict]
)
def test_what_json_holds_reaches_the_environment(gain):
    env_spec = EnvSpec("tests/Takes-v0", {"gain": gain})
    again = EnvSpec.from_json(json.loads(json.dumps(env_spec.to_json())))
    for one in (env_spec, again):
        got = one.single().unwrapped.gain
        assert got == gain or got == list(gain)


def test_a_callable_can_be_given_by_name():
    assert EnvSpec("tests/Takes-v0", {"gain": {"callable": "builtins:abs"}}).single().unwrapped.gain is abs
    with pytest.raises(SandlotError, match="no 'nothing'"):
        EnvSpec("tests/Takes-v0", {"gain": {"callable": "builtins:nothing"}}).single()


@pytest.mark.parametrize(
    ("gain", "message"),
    [
        (np.array([1, 2]), "'gain' of tests/Takes-v0 is a numpy.ndarray, which can't be recorded"),
        ({1, 2}, "is a set, which can't be recorded"),
        (lambda: 1, "which other processes can't import"),
        (object(), "is a object, which can't be recorded"),
    ],
)
def test_other_options_get_a_sentence_at_construction(gain, message):
    with pytest.raises(SandlotError, match=message):
        EnvSpec("tests/Takes-v0", {"gain": gain})
