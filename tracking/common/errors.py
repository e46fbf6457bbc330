"""Errors that are reported to the user as one sentence."""

import difflib
from collections.abc import Iterable

DEBUG = "SANDLOT_DEBUG"
"""If this is in the environment, unforeseen errors are raised as they are instead of being put into a sentence."""


class SandlotError(Exception):
    """A mistake of the user. The command line prints its sentence and exits with status 2."""


def require(condition: bool, rule: str, value: object) -> None:
    """Raise a `SandlotError` that states `rule` and the offending value, unless `condition` holds."""
    if not condition:
        raise SandlotError(f"{rule}, not {value}")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the nearest of `names` to an unknown `name`, if one is close."""
    return next(iter(difflib.get_close_matches(name.lower(), names, n=1)), None)


def hint(name: str, names: Iterable[str]) -> str:
    """Return a hint for an unknown `name`: the nearest of `names`, or all of them."""
    names = list(names)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"there are {', '.join(names)}"
