"""Write `keywords.py`: the hyperparameters of each agent as keyword arguments that editors and type checkers know.

    python -m sandlot.agents.keyword_generator

Each hyperparameter is written once, in a config dataclass; for each such class there is a `TypedDict` of the same
fields and parents. An agent takes them by

    def __init__(self, env: EnvLike, *, seed: int = 0, config: PPOConfig | None = None, **options: Unpack[PPOKeywords]):
        super().__init__(env, seed=seed, config=config, **options)
"""

import dataclasses
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sandlot.agents import AGENTS

from .registry import agent_class

TARGET = Path(__file__).with_name("keywords.py")
HEAD = '''"""The hyperparameters of each agent as keyword arguments, for editors and type checkers.

Generated from the config dataclasses by `python -m sandlot.agents.keyword_generator`: edit those instead.
"""

from collections.abc import Callable
from typing import Any, Literal, TypedDict
'''
WIDER = {"network": "str | Callable[..., Any]"}
"""What agents take beyond the type of the field."""


def generate() -> str:
    """Return the text of `keywords.py`."""
    configs: dict[type, None] = {}
    for name in AGENTS:
        configs |= dict.fromkeys(reversed(list(dataclasses_above(agent_class(name).Config))))
    return HEAD + "".join(map(typed_dict, configs))


def dataclasses_above(config: type) -> Iterator[type]:
    """Yield a config class and its parents, all of which are dataclasses."""
    return (owner for owner in config.__mro__ if "__dataclass_fields__" in vars(owner))


def typed_dict(config: Any) -> str:
    """Return the definition of the keyword arguments that a config class adds to those of its parents."""
    parents: list[Any] = [parent for parent in config.__bases__ if dataclasses.is_dataclass(parent)]
    known = {field.name for parent in parents for field in dataclasses.fields(parent)}
    hints = get_type_hints(config)
    own = [field.name for field in dataclasses.fields(config) if field.name not in known]
    bases = ", ".join(map(keywords_name, parents)) or "TypedDict"
    lines = [f"    {name}: {WIDER.get(name) or annotation(hints[name])}\n" for name in own]
    body = "".join(lines) or "    pass\n"
    return f"\n\nclass {keywords_name(config)}({bases}, total=False):\n{body}"


def keywords_name(config: type) -> str:
    """Return the name of the keyword arguments of a config class."""
    return f"{config.__name__.removesuffix('Config')}Keywords"


def annotation(hint: Any) -> str:
    """Return a type as it is written."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]".replace("'", '"')
    if origin in (Union, types.UnionType):
        return " | ".join(map(annotation, arguments))
    if origin is not None:
        inner = ", ".join("..." if argument is Ellipsis else annotation(argument) for argument in arguments)
        return f"{origin.__name__}[{inner}]"
    return "None" if hint is type(None) else hint.__name__


if __name__ == "__main__":
    TARGET.write_text(generate(), encoding="utf-8")
