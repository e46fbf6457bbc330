"""The one kind of error that is told to the user in a sentence."""

import difflib
from collections.abc import Iterable


class SandlotError(Exception):
    """Something the user can put right. The command line prints the sentence and exits with status 2."""


def require(condition: bool, rule: str, value: object) -> None:
    """Raise a `SandlotError` that states `rule` and the offending value, unless `condition` holds."""
    if not condition:
        raise SandlotError(f"{rule}, not {value}")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return which of `names` was meant by a `name` that is none of them, if one is like it."""
    return next(iter(difflib.get_close_matches(name.lower(), names, n=1)), None)


def hint(name: str, names: Iterable[str]) -> str:
    """Return the end of a sentence about a `name` that is none of `names`: the one that was meant, or all."""
    names = list(names)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"there are {', '.join(names)}"
