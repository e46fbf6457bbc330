"""Wrappers of the user's own, or of other packages, named `module:Class`, each with options as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import is_reference, load_reference, reference_to


def wrapper_words(wrapper: Any) -> tuple[str, ...]:
    """Return the user's wrappers as words; a class stands for its `module:Name`."""
    if isinstance(wrapper, str) or callable(wrapper):
        wrapper = (wrapper,)
    return tuple(
        json.dumps(word) if isinstance(word, dict) else reference_to(word) if callable(word) else word
        for word in wrapper
    )


def parse_wrappers(words: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the `module:Class` of each wrapper in `words`, with the options that may follow it as a JSON object."""
    found: list[tuple[str, dict[str, Any]]] = []
    for word in words:
        if word.lstrip().startswith("{"):
            if not found or found[-1][1]:
                raise SandlotError(f"the options {word} must follow the wrapper that they are for")
            found[-1] = (found[-1][0], _options(word))
        elif is_reference(word):
            found.append((word, {}))
        else:
            raise SandlotError(
                f"a wrapper is named module:Class, such as gymnasium.wrappers:TimeAwareObservation, not {word!r}; "
                "its options follow as JSON: '{\"size\": 3}'"
            )
    return found


def apply_wrappers(env: Any, words: Sequence[str]) -> Any:
    """Return `env` in the wrappers that `words` name, from the innermost on."""
    for reference, options in parse_wrappers(words):
        make = load_reference(reference)
        if not callable(make):
            raise SandlotError(f"{reference} is a {type(make).__name__}, and must be a wrapper: a class or function")
        try:
            env = make(env, **options)
        except SandlotError:
            raise
        except Exception as error:
            given = f" with {json.dumps(options)}" if options else ""
            message = next(iter(str(error).splitlines()), "")
            raise SandlotError(f"the wrapper {reference} fails{given}: {type(error).__name__}: {message}") from error
        if not hasattr(env, "reset"):
            raise SandlotError(f"the wrapper {reference} returned a {type(env).__name__}, which is no environment")
    return env


def _options(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SandlotError(f"the options of a wrapper must be JSON, like '{{\"size\": 3}}', not {text!r}") from error
