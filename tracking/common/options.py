"""Frozen dataclasses of options."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .errors import SandlotError


def with_options(config: Any, options: Mapping[str, Any]) -> Any:
    """Return `config` with some fields replaced. Raises `SandlotError` for names it doesn't have."""
    names = [field.name for field in dataclasses.fields(config)]
    for option in options:
        if option not in names:
            raise SandlotError(f"there is no option {option!r}; there are {', '.join(names)}")
    return dataclasses.replace(config, **options)


def options_from_json(kind: type, values: Mapping[str, Any]) -> Any:
    """Return the `kind` of config that was written as `values`; names it does not have any more are left out."""
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: _tupled(value) for name, value in values.items() if name in known})


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
