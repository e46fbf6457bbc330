"""Frozen config dataclasses."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .errors import SandlotError, hint
from .extensions import reference_to


def with_options(config: Any, options: Mapping[str, Any]) -> Any:
    """Return `config` with some fields replaced; classes and functions become their `module:Name`.

    Raises `SandlotError` for names it doesn't have.
    """
    names = [field.name for field in dataclasses.fields(config)]
    for option in options:
        if option not in names:
            raise SandlotError(f"there is no option {option!r}; {hint(option, names)}")
    values = {name: reference_to(value) if callable(value) else value for name, value in options.items()}
    return dataclasses.replace(config, **values)


def options_from_json(kind: type, values: Mapping[str, Any]) -> Any:
    """Build the config `kind` from saved `values`, without names it no longer has."""
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: _tupled(value) for name, value in values.items() if name in known})


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
