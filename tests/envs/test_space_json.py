import json

import gymnasium
import pytest

from sandlot.envs import space_from_json, space_to_json
from sandlot.tracking import SandlotError
from tests.environments import ACTIONS, OBSERVATIONS


@pytest.mark.parametrize("space", [space for space, _ in [*OBSERVATIONS.values(), *ACTIONS.values()]], ids=str)
def test_spaces_survive_json(space):
    assert space_from_json(json.loads(json.dumps(space_to_json(space)))) == space


def test_an_unsupported_space_is_an_error():
    with pytest.raises(SandlotError, match="Text spaces are not supported"):
        space_to_json(gymnasium.spaces.Text(3))
