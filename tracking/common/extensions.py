"""Load a user's own agents, tasks and networks by `module:Name` or entry point."""

import re
import sys
import sysconfig
import traceback
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import SandlotError

REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_<]\S*")
AGENTS, TASKS, NETWORKS = "sandlot.agents", "sandlot.tasks", "sandlot.networks"
"""Groups of entry points."""
_OWN_PREFIXES = ("sb3:", "sklearn:")
"""Prefixes of our own names that contain a colon."""
_OURS = Path(__file__).parents[2]
_UNNAMED: dict[str, Any] = {}
"""Objects of this process that can't be imported by name: lambdas and local definitions."""


def add_working_folder() -> None:
    """Add the current folder to the end of the import path."""
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.append(folder)


def is_reference(name: str) -> bool:
    """Return whether `name` has the form `module:Name`."""
    return REFERENCE.fullmatch(name) is not None and not name.startswith(_OWN_PREFIXES)


def is_from_outside(cls: type) -> bool:
    """Return whether a class is defined outside Sandlot."""
    return cls.__module__.partition(".")[0] != "sandlot"


def reference_to(thing: Any) -> str:
    """Return a `module:Name` by which `load_reference` finds `thing`, at least in this process."""
    module = getattr(thing, "__module__", None) or type(thing).__module__
    name = getattr(thing, "__qualname__", f"<{type(thing).__qualname__}>")
    reference = f"{module}:{name}"
    if _attribute(sys.modules.get(module), name) is not thing:
        for suffix in ("", *(f"#{number}" for number in range(2, 1_000_000))):
            if _UNNAMED.setdefault(reference + suffix, thing) is thing:
                return reference + suffix
    return reference


def entry_points(group: str) -> dict[str, str]:
    """Return the entry points of installed packages in `group`: name to `module:Name`."""
    return {point.name: point.value for point in metadata.entry_points(group=group)}


def resolve(name: str, group: str) -> str | None:
    """Return `name` as `module:Name`, if it has that form or is an entry point; else None."""
    return name if is_reference(name) else entry_points(group).get(name)


def load_reference(reference: str) -> Any:
    """Import the object that `module:Name` refers to.

    Raises `SandlotError`: in one sentence if there is no such module or name, or with the traceback of a module
    that fails while it is imported, cut to the user's own lines.
    """
    if reference in _UNNAMED:
        return _UNNAMED[reference]
    module, _, name = reference.partition(":")
    if module == "__main__" and (found := _attribute(sys.modules[module], name)) is not None:
        return found
    if module == "__main__" or "<" in name:
        raise SandlotError(
            f"{reference!r} can't be loaded here: it was defined in a script or inside a function; "
            "define it at the top level of a module of its own"
        )
    found = _attribute(import_user_module(module), name)
    if found is None:
        raise SandlotError(f"the module {module!r} has no {name!r}")
    return found


def load_class(reference: str, base: type) -> Any:
    """Import the class that `module:Name` refers to, a subclass of `base`."""
    found = load_reference(reference)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise SandlotError(f"{reference} is {kind_of(found)}, and must be a subclass of {reference_to(base)}")
    return found


def import_user_module(module: str) -> Any:
    """Import a user's module; see `load_reference` for its errors."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise SandlotError(
                f"there is no module {error.name!r}, neither in the current folder nor installed"
            ) from error
        raise _import_failure(module, error) from error
    except SandlotError:
        raise
    except Exception as error:
        raise _import_failure(module, error) from error


def kind_of(thing: Any) -> str:
    """Describe `thing` as text."""
    if isinstance(thing, type):
        parents = ", ".join(parent.__name__ for parent in thing.__bases__)
        return "a plain class" if thing.__bases__ == (object,) else f"a subclass of {parents}"
    return "a function" if isinstance(thing, Callable) and hasattr(thing, "__code__") else f"a {type(thing).__name__}"


def _import_failure(module: str, error: Exception) -> SandlotError:
    lines = [line for frame in user_frames(error.__traceback__) for line in traceback.format_list([frame])]
    said = "".join([*lines, *traceback.format_exception_only(error)]).rstrip()
    return SandlotError(f"the module {module!r} can't be imported:\n{said}")


def user_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """Return the frames of a traceback that are neither ours nor in Python's or installed libraries."""
    libraries = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    foreign = [*libraries, *(_OURS / name for name in ("agents", "envs", "generative", "sandlot", "supervised")),
               _OURS / "tracking"]  # fmt: skip
    frames = traceback.extract_tb(trace)
    return [
        frame for frame in frames
        if not frame.filename.startswith("<")
        and not {"site-packages", "dist-packages"}.intersection(Path(frame.filename).parts)
        and not any(Path(frame.filename).is_relative_to(f) for f in foreign)
    ]  # fmt: skip


def _attribute(thing: Any, path: str) -> Any:
    for name in path.split("."):
        thing = getattr(thing, name, None)
    return thing
