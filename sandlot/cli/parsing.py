"""Parse command-line arguments into dataclasses of options."""

import dataclasses
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import tyro

from sandlot.tracking.common.errors import SandlotError, nearest
from sandlot.tracking.common.foreign_names import foreign_hint


def parse_options(kind: type, args: Sequence[str], program: str) -> Any:
    """Parse `args` into the dataclass `kind`, or print its help, which is made of its fields' docstrings."""
    args = translated([kind], args)
    _make_ready([kind], args)
    return tyro.cli(kind, args=args, prog=program)


def parse_together(parts: Sequence[tuple[str, type, Any]], args: Sequence[str], program: str, description: str) -> Any:
    """Parse several dataclasses of options at once: a name, a class and its defaults each, returned as attributes."""
    if not {"-h", "--help"}.isdisjoint(args):
        from .short_help import short_help

        print(short_help(parts, program, description), end="", flush=True)
        raise SystemExit(0)
    args = ["--help" if arg == "--help-all" else arg for arg in args]
    args = translated([kind for _, kind, _ in parts], args)
    _make_ready([kind for _, kind, _ in parts], args)
    fields = [(name, kind, dataclasses.field(default=value)) for name, kind, value in parts]
    together = tyro.conf.OmitArgPrefixes[dataclasses.make_dataclass("Together", fields)]
    return tyro.cli(together, args=args, prog=program, description=description)


def translated(kinds: Sequence[type], args: Sequence[str]) -> list[str]:
    """Return `args` with numbers such as 1e5 and 2M in digits, where an option is a whole number.

    Raises `SandlotError` for an option that has another name here.
    """
    fields = {_flag(field): field.type for kind in kinds for field in dataclasses.fields(kind)}
    flags = {*fields, "--help", *(f"--no-{flag.removeprefix('--')}" for flag in fields)}
    said, whole = [], False
    for word in args:
        flag, equals, value = word.partition("=")
        flag = flag.replace("_", "-") if flag.startswith("--") else flag
        if flag.startswith("--") and flag not in flags:
            if found := foreign_hint(flag):
                raise SandlotError(f"there is no option {flag}; {found}")
            if near := nearest(flag, flags):
                raise SandlotError(f"there is no option {flag}; did you mean {near}?")
        if equals and _is_whole(fields.get(flag)):
            said.append(f"{flag}={digits(value)}")
            continue
        said.append(digits(word) if whole else word)
        whole = not equals and _is_whole(fields.get(flag))
    return said


def digits(text: str) -> str:
    """Return a whole number that is written as 1e5, 1_000_000, 50k or 2M in digits; anything else as it is."""
    found = re.fullmatch(r"([\d_]*\.?\d+(?:[eE][+]?\d+)?)([kKmM]?)", text)
    if found is None or text.isdigit():
        return text
    value = Decimal(found[1].replace("_", "")) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2].lower()]
    return str(int(value)) if value == int(value) else text


def _flag(field: dataclasses.Field[Any]) -> str:
    named = [arg.name for arg in getattr(field.type, "__metadata__", ()) if getattr(arg, "name", None)]
    return "--" + (named[0] if named else field.name).replace("_", "-")


def _is_whole(hint: Any) -> bool:
    return hint is int or hint == int | None


def _make_ready(kinds: Sequence[type], args: Sequence[str]) -> None:
    """Join the lines of the fields' docstrings for `--help`, since tyro keeps the line breaks of the source."""
    if {"-h", "--help"}.isdisjoint(args):
        return
    import docstring_parser

    for owner in {owner for kind in kinds for owner in kind.__mro__ if "__dataclass_fields__" in vars(owner)}:
        for said in docstring_parser.parse_from_object(owner).params:
            if "\n" in (text := said.description or ""):
                paragraph = tyro.conf.arg(help=" ".join(text.split()))
                owner.__annotations__[said.arg_name] = Annotated[owner.__annotations__[said.arg_name], paragraph]
