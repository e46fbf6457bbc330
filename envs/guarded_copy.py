"""Copies of an environment, as vector environments run them."""

import inspect
from typing import Any

import gymnasium

from .env_errors import CopyError, describe_error

NEEDED_INFO = ("lives", "is_success", "success")
"""What training may read of an environment's infos; the rest never leaves the copy, so it can be anything."""


class GuardedCopy(gymnasium.Wrapper):
    """A copy whose infos hold only what training needs, and whose errors name the user's own line.

    Vector environments join the infos of their copies in arrays, and send infos and errors between processes; few
    things survive that.
    """

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        try:
            observation, info = checked(self.env.reset(seed=seed, options=options))
        except Exception as error:
            raise self._error(error, "reset") from error
        return observation, needed(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        try:
            observation, reward, terminated, truncated, info = self.env.step(action)
        except Exception as error:
            raise self._error(error, "step") from error
        return observation, reward, terminated, truncated, needed(info)

    def _error(self, error: Exception, method: str) -> Exception:
        return CopyError(describe_error(error, definition(self.env, method)))


def checked(result: Any) -> tuple[Any, Any]:
    """Return what a reset gave, which must be an observation and an info."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise ValueError(f"reset() must return an observation and an info, and returned a {type(result).__name__}")
    return result


def needed(info: Any) -> dict[str, Any]:
    """Return what training needs of `info`."""
    return {key: info[key] for key in NEEDED_INFO if key in info} if isinstance(info, dict) else {}


def definition(env: gymnasium.Env, method: str) -> str:
    """Return the file and line in which the innermost environment defines `method`; empty if that is unknown."""
    try:
        code = getattr(type(env.unwrapped), method).__code__
        return f"{inspect.getfile(code)}:{code.co_firstlineno}"
    except (AttributeError, TypeError):
        return ""
