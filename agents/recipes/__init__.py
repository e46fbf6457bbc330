"""Tuned hyperparameters: a TOML file an algorithm, a table an environment."""

import dataclasses
import tomllib
from functools import cache
from importlib import resources
from typing import Any, TypeVar

Config = TypeVar("Config")


@cache
def recipes(agent: str) -> dict[str, dict[str, Any]]:
    """Return the recipes of the algorithm `agent`, by environment id."""
    file = resources.files(__name__) / f"{agent.replace(':', '-')}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def recipe(agent: str, env: str | None) -> dict[str, Any]:
    """Return the recipe of `agent` for the environment `env`, empty if there is none."""
    found = recipes(agent).get(env or "", {})
    return {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}


def recipe_config(agent: str, config: type[Config], env: str | None) -> Config:
    """Return a `config` with the recipe's hyperparameters in place of the defaults."""
    names = {field.name for field in dataclasses.fields(config)}  # pyright: ignore[reportArgumentType]
    return config(**{key: value for key, value in recipe(agent, env).items() if key in names})
