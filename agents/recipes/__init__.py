"""Tuned hyperparameters: a TOML file an algorithm, a table an environment."""

from typing import Any, TypeVar

from sandlot.tracking.common import recipes as reading

Config = TypeVar("Config")


def recipes(agent: str) -> dict[str, dict[str, Any]]:
    """Return the recipes of the algorithm `agent`, by environment id."""
    return reading.recipes(__name__, agent)


def recipe(agent: str, env: str | None) -> dict[str, Any]:
    """Return the recipe of `agent` for the environment `env`, empty if there is none."""
    return reading.recipe(__name__, agent, env)


def recipe_config(agent: str, config: type[Config], env: str | None) -> Config:
    """Return a `config` with the recipe's hyperparameters in place of the defaults."""
    return reading.applied(config, recipe(agent, env))
