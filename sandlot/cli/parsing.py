"""From the command line's words to options, which are dataclasses."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

import tyro


def parse_options(kind: type, words: Sequence[str], program: str) -> Any:
    """Return the `kind` of options that `words` give, or show its help, where the docstrings of fields stand."""
    _make_ready([kind], words)
    return tyro.cli(kind, args=words, prog=program)


def parse_together(parts: Sequence[tuple[str, type, Any]], words: Sequence[str], program: str, description: str) -> Any:
    """Return several kinds of options, each a name, a dataclass and its defaults, as the attributes of one object."""
    _make_ready([kind for _, kind, _ in parts], words)
    fields = [(name, kind, dataclasses.field(default=value)) for name, kind, value in parts]
    together = tyro.conf.OmitArgPrefixes[dataclasses.make_dataclass("Together", fields)]
    return tyro.cli(together, args=words, prog=program, description=description)


def _make_ready(kinds: Sequence[type], words: Sequence[str]) -> None:
    """Make paragraphs of the fields' docstrings if they are to be shown: tyro breaks lines where the source does."""
    if {"-h", "--help"}.isdisjoint(words):
        return
    import docstring_parser

    for owner in {owner for kind in kinds for owner in kind.__mro__ if "__dataclass_fields__" in vars(owner)}:
        for said in docstring_parser.parse_from_object(owner).params:
            if "\n" in (text := said.description or ""):
                paragraph = tyro.conf.arg(help=" ".join(text.split()))
                owner.__annotations__[said.arg_name] = Annotated[owner.__annotations__[said.arg_name], paragraph]
