"""Parse command-line arguments into dataclasses of options."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

import tyro


def parse_options(kind: type, args: Sequence[str], program: str) -> Any:
    """Parse `args` into the dataclass `kind`, or print its help, which is made of its fields' docstrings."""
    _make_ready([kind], args)
    return tyro.cli(kind, args=args, prog=program)


def parse_together(parts: Sequence[tuple[str, type, Any]], args: Sequence[str], program: str, description: str) -> Any:
    """Parse several dataclasses of options at once: a name, a class and its defaults each, returned as attributes."""
    _make_ready([kind for _, kind, _ in parts], args)
    fields = [(name, kind, dataclasses.field(default=value)) for name, kind, value in parts]
    together = tyro.conf.OmitArgPrefixes[dataclasses.make_dataclass("Together", fields)]
    return tyro.cli(together, args=args, prog=program, description=description)


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
