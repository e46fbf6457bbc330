"""The one kind of error that is told to the user in a sentence."""


class SandlotError(Exception):
    """Something the user can put right. The command line prints the sentence and exits with status 2."""


def require(condition: bool, rule: str, value: object) -> None:
    """Raise a `SandlotError` that states `rule` and the offending value, unless `condition` holds."""
    if not condition:
        raise SandlotError(f"{rule}, not {value}")
