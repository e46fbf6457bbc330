"""Show the options of a training that matter most, on one screen."""

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

import docstring_parser

MATTER = (
    "steps", "epochs", "seed", "num_envs", "batch_size", "learning_rate", "gamma", "network", "hidden", "latent_size",
    "wandb", "runs_dir", "video_every",
)  # fmt: skip
"""The options that most trainings are changed by."""
WIDTH, MOST, LINES_EACH = 80, 11, 3


def short_help(parts: Sequence[tuple[str, type, Any]], program: str, description: str) -> str:
    """Return a page on the options that matter, each with its default, at most 40 lines in all."""
    found = {}
    for _, kind, values in parts:
        said = {param.arg_name: param.description or "" for param in _documented(kind)}
        for field in dataclasses.fields(kind):
            found.setdefault(field.name, (said.get(field.name, ""), getattr(values, field.name, None)))
    shown = [name for name in MATTER if name in found][:MOST]
    thing = "ENV" if "env" in found else "DATA"
    lines = [f"usage: {program} {thing} [options]", *textwrap.wrap(description, WIDTH), ""]
    for name in shown:
        what, value = found[name]
        written = " ".join(map(str, value)) if isinstance(value, tuple) else value
        text = " ".join(what.split()).split(". ")[0].rstrip(".")
        flag = f"--{name.replace('_', '-')} {written}"
        head = f"  {flag:25} "
        lines += textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * 28)[:LINES_EACH]
    rest = len(found) - len(shown) - 1
    return "\n".join(
        [*lines, "", f"{rest} more options with --help-all. What stands behind an option is its default.", ""]
    )


def _documented(kind: type) -> list[Any]:
    owners = [owner for owner in kind.__mro__ if "__dataclass_fields__" in vars(owner)]
    return [param for owner in reversed(owners) for param in docstring_parser.parse_from_object(owner).params]
