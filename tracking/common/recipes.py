"""Recipes (tuned hyperparameters): a TOML file per agent or task, a table per environment or data set."""

import dataclasses
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, TypeVar

Config = TypeVar("Config")


@cache
def recipes(package: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the recipes of the agent or task `name` in `package`, by environment or data set."""
    file = resources.files(package) / f"{name.replace(':', '-')}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def recipe(package: str, name: str, env_spec: str | None) -> dict[str, Any]:
    """Return the recipe of `name` for an environment or data set, empty if there is none."""
    found = recipes(package, name).get(env_spec or "", {})
    return {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}


def applied(config: type[Config], found: Mapping[str, Any]) -> Config:
    """Return `config` with the values of the recipe `found`."""
    names = {field.name for field in dataclasses.fields(config)}  # pyright: ignore[reportArgumentType]
    return config(**{key: value for key, value in found.items() if key in names})
