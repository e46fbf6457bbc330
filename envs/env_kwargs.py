"""Keyword arguments of environments as JSON, so that runs can record them.

A function or class is written `{"callable": "module:name"}`.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import load_reference, reference_to

CALLABLE = "callable"


def as_json(env: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return `kwargs` with plain numbers for NumPy's, and callables by name.

    Raises `SandlotError` about what can't be written as JSON.
    """
    return {name: _as_json(value, f"{name!r} of {env}") for name, value in kwargs.items()}


def made(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return `kwargs` as the environment takes them, with the callables that are named."""
    return {name: _made(value) for name, value in kwargs.items()}


def _as_json(value: Any, what: str) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _as_json(entry, what) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_as_json(entry, what) for entry in value) if type(value) in (list, tuple) else value
    if callable(value):
        return {CALLABLE: _reference(value, what)}
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        raise SandlotError(
            f"the option {what} is a {kind}, which can't be recorded: options are numbers, texts, lists and dicts "
            'of them, or functions and classes that can be imported ({"callable": "module:name"} in JSON)'
        ) from None
    return value


def _reference(value: Any, what: str) -> str:
    reference = reference_to(value)
    if "<" in reference or reference.startswith("__main__:"):
        raise SandlotError(
            f"the option {what} is {reference}, which other processes can't import; "
            "define it at the top level of a module"
        )
    return reference


def _made(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {CALLABLE} and isinstance(value[CALLABLE], str):
            return load_reference(value[CALLABLE])
        return {key: _made(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_made, value))
    return value
