"""Tuned hyperparameters: a TOML file for each algorithm, in it a table for each environment."""

from typing import Any, TypeVar

from sandlot.tracking.common import recipes as toml_recipes

Config = TypeVar("Config")


def recipes(agent: str) -> dict[str, dict[str, Any]]:
    """Return the recipes of the algorithm `agent`, by environment id."""
    return toml_recipes.recipes(__name__, agent)


def recipe(agent: str, env: str | None) -> dict[str, Any]:
    """Return the recipe of `agent` for the environment id `env`, or an empty one if there is none."""
    return toml_recipes.recipe(__name__, agent, env)


def recipe_config(agent: str, config: type[Config], env: str | None) -> Config:
    """Return a `config` with the hyperparameters of the recipe in place of the defaults."""
    return toml_recipes.applied(config, recipe(agent, env))
