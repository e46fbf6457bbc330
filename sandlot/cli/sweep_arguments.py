"""Words of a W&B sweep's agent, which writes options as Python does: `--flag=True`, `--hidden=[64, 64]`."""

import ast
import dataclasses
import json
import re
import typing
from collections.abc import Sequence
from typing import Any

ASSIGNMENT = re.compile(r"(?P<dashes>-{0,2}|\+{1,2})(?P<name>[A-Za-z_][\w.-]*)=(?P<value>.*)", re.DOTALL)
POSITIONAL = ("env", "data")
"""What stands first on the command line, and may be a parameter of a sweep like any other."""
FLAG = re.compile(r"--(?P<name>[A-Za-z_][\w.-]*)")


def from_sweep(words: Sequence[str], kinds: Sequence[type]) -> list[str]:
    """Return `words` as tyro reads them, for options that are fields of the dataclasses `kinds`.

    What `wandb agent` puts in for `${args}`, `${args_no_hyphens}`, `${args_no_boolean_flags}`, `${args_no_equals}`
    and `${args_json}` is taken; other words are left as they are.
    """
    types = {name: hint for kind in kinds for name, hint in _types(kind).items()}
    written = _all_written(words, types)
    for option in POSITIONAL:
        if f"--{option}" in written and option in types:
            place = written.index(f"--{option}")
            written = [written[place + 1], *written[:place], *written[place + 2 :]]
    return written


def _all_written(words: Sequence[str], types: dict[str, Any]) -> list[str]:
    found: list[str] = []
    words = list(words)
    while words:
        word = words.pop(0)
        values = None if found and found[-1].startswith("--") else _json_object(word)
        if values and all(_known(name, types, dashes="--") for name in values):
            for name, value in _flat(values):
                found += _written(name, value, types)
        elif (match := ASSIGNMENT.fullmatch(word)) and _known(match["name"], types, dashes=match["dashes"]):
            for name, value in _flat({match["name"]: _value(match["value"])}):
                found += _written(name, value, types)
        elif (flag := FLAG.fullmatch(word)) and words and _is_written_as_python(flag["name"], words[0], types):
            found += _written(flag["name"], _value(words.pop(0)), types)
        else:
            found.append(word)
    return found


def _types(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _field(name: str) -> str:
    """Return the field that a sweep's parameter names, which may be nested: `config.learning-rate`."""
    return name.rpartition(".")[2].replace("-", "_")


def _known(name: str, types: dict[str, Any], *, dashes: str) -> bool:
    return _field(name) in types or (dashes == "--" and "." in name)


def _is_written_as_python(name: str, value: str, types: dict[str, Any]) -> bool:
    """Return whether an option and the word after it are written as Python, or the sweep, does and tyro doesn't."""
    kind = types.get(_field(name))
    if kind is None:
        return False
    truth = kind is bool and value in ("True", "False", "true", "false")
    whole = kind in (int, int | None) and re.fullmatch(r"-?\d+\.0+", value)
    return truth or bool(whole) or "." in name or value.startswith("[")


def _json_object(word: str) -> dict[str, Any] | None:
    if not word.startswith("{"):
        return None
    try:
        value = json.loads(word)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _value(text: str) -> Any:
    """Return what Python's, or JSON's, way of writing a value means; text that is neither is left as it is."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text) if text[:1] in "[({TF" else text
    except (ValueError, SyntaxError):
        return text


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested parameters by their own names, but leave options whose value is a JSON object."""
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and _field(name) != "env_kwargs":
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _written(name: str, value: Any, types: dict[str, Any]) -> list[str]:
    field = _field(name)
    option, kind = field.replace("_", "-"), types.get(field)
    match value:
        case bool() if kind is bool or kind is None:
            return [f"--{option}" if value else f"--no-{option}"]
        case list() | tuple():
            return [f"--{option}", *map(str, value)]
        case dict():
            return [f"--{option}", json.dumps(value)]
        case _:
            text = str(value)
            whole = kind in (int, int | None) and re.fullmatch(r"-?\d+\.0+", text)
            return [f"--{option}", text.partition(".")[0] if whole else text]
