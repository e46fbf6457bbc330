"""What checks the annotations while the tests run."""

from typing import Any, Self

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""To which an int is a float, as it is to type checkers."""


def check(function: Any) -> Any:
    """Return `function` with its arguments and result checked, unless it returns Self, which beartype can't see."""
    if Self in getattr(function, "__annotations__", {}).values():
        return function
    return _beartype(function)
