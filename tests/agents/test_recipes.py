"""Recipes: their options exist, and the quick ones reach their return. `benchmarks.returns` runs more seeds."""

import pytest

from sandlot.agents.recipes import recipe_config, recipes
from sandlot.agents.registry import agent_class
from tests.commands import in_a_folder_of_its_own, learned_apart  # noqa: F401 (a fixture)

AGENTS = (
    "a2c",
    "ddpg",
    "double-q-learning",
    "dqn",
    "expected-sarsa",
    "ppo",
    "q-learning",
    "reinforce",
    "sac",
    "sarsa",
    "td3",
)


@pytest.mark.parametrize("name", AGENTS)
def test_every_option_of_every_recipe_exists(name: str):
    config_type = agent_class(name).Config
    for env, options in recipes(name).items():
        config = recipe_config(name, config_type, env)
        assert options["steps"] > 0
        for option in options.keys() - {"steps"}:
            assert hasattr(config, option), f"{name} has no option {option}, but its recipe for {env} sets it"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "env", "lowest"),
    [("ppo", "CartPole-v1", 475), ("a2c", "CartPole-v1", 400), ("sarsa", "FrozenLake-v1", 0.6)],
)
def test_a_recipe_reaches_its_return(name: str, env: str, lowest: float):
    assert learned_apart(name, env) >= lowest
