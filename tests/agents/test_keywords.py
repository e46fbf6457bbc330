"""The keyword arguments of each agent, as editors know them."""

import dataclasses
from typing import get_type_hints

import pytest

from sandlot.agents import AGENTS, PPO, keywords
from sandlot.agents.keyword_generator import TARGET, annotation, generate, keywords_name
from sandlot.agents.registry import agent_class
from sandlot.tracking import SandlotError


def test_they_are_up_to_date():
    assert TARGET.read_text() == generate(), "regenerate them: python -m sandlot.agents.keyword_generator"


@pytest.mark.parametrize("name", AGENTS)
def test_each_hyperparameter_is_one(name):
    config = agent_class(name).Config
    told = get_type_hints(getattr(keywords, keywords_name(config)))
    assert told.keys() == {field.name for field in dataclasses.fields(config)}


def test_types_are_written_as_they_are():
    assert annotation(tuple[int, ...] | None) == "tuple[int, ...] | None"


def test_a_mistyped_hyperparameter_suggests_the_near_name():
    with pytest.raises(SandlotError, match=r"^there is no option 'gama'; did you mean gamma\?$"):
        PPO("CartPole-v1", gama=0.9)
