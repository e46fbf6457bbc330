"""Environments in a user's own Python file, which a run finds again from anywhere.

`my_env.py:Mine`, `./envs/my_env.py:make_env` and `my_env:Mine-v0` name a class, a function or a registered id in a
file. A run keeps the file's path and checksum.
"""

import hashlib
import importlib.util
import logging
import re
import sys
import sysconfig
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium

from sandlot.tracking import SandlotError

IN_FILE = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_][\w./-]*)")
log = logging.getLogger("sandlot")


class UserFile(NamedTuple):
    """A file that has an environment."""

    path: str
    """Where it is, from the root on."""
    sha256: str
    """Checksum of what it says."""

    @classmethod
    def of(cls, path: Path) -> "UserFile":
        """Return the file at `path` as it is now."""
        return cls(str(path), hashlib.sha256(path.read_bytes()).hexdigest())

    @classmethod
    def from_json(cls, record: Any) -> "UserFile":
        """Return the file that a run recorded, which must be named from the root on."""
        path = record.get("path") if isinstance(record, dict) else None
        if not isinstance(path, str) or not Path(path).is_absolute():
            raise SandlotError(f"the environment's file must be recorded with its whole path, not {record}")
        return cls(path, str(record.get("sha256")))


class UserFileFinder:
    """Finds the modules that runs and users name by their files, before any of the same name."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how to import the module `name`, if it is one of the files."""
        file = self.files.get(name)
        if file is None:
            return None
        if not file.is_file():
            raise SandlotError(f"the environment's file {file} is not there any more")
        if str(file.parent) not in sys.path:
            sys.path.append(str(file.parent))  # for what the file imports from beside it
        return importlib.util.spec_from_file_location(name, file)


FINDER = UserFileFinder()


def plain_id(env: str) -> str:
    """Return the id `env` as `module:name`, if it names a file, which is found by that from then on."""
    match = IN_FILE.fullmatch(env)
    if match is None:
        return env
    path = Path(match["path"]).expanduser().resolve()
    if not path.is_file():
        raise SandlotError(f"there is no file {match['path']}, in which {env!r} should be")
    return f"{_module_at(path)}:{match['name']}"


def find_again(env: str, file: UserFile) -> None:
    """Let the module of the id `env` be found in `file`, and tell if that has changed."""
    module, path = env.partition(":")[0], Path(file.path)
    if "." in module:  # a module in a folder: what counts is where that folder lies
        root = str(path.parents[module.count(".")]) if len(path.parents) > module.count(".") else ""
        if root and root not in sys.path:
            sys.path.append(root)
    else:
        _install(module, path)
    if path.is_file():
        _tell_changes(env, file, UserFile.of(path).sha256)


def file_of(env: str) -> UserFile | None:
    """Return the user's file that has the environment `env`, if it is one's own and not an installed package's."""
    module, colon, _ = env.partition(":")
    if not colon:
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    path = Path(spec.origin) if spec is not None and spec.origin is not None and spec.has_location else None
    if path is None or path.suffix != ".py" or module.partition(".")[0] == "sandlot":
        return None
    libraries = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    installed = {"site-packages", "dist-packages"}.intersection(path.parts)
    return None if installed or any(path.is_relative_to(one) for one in libraries) else UserFile.of(path.resolve())


def register_name(env: str) -> None:
    """Register the class or function that `module:name` names, if `name` is no registered id."""
    module, _, name = env.partition(":")
    found = getattr(sys.modules.get(module), name, None) if name.isidentifier() else None
    if not callable(found):
        return
    known = gymnasium.registry.get(name)
    if known is not None and known.entry_point is found:
        return
    if known is not None and _is_of_user(known.entry_point):
        del gymnasium.registry[name]  # of another file, or of this one before it was imported again
    if name not in gymnasium.registry and not any(spec.name == name for spec in gymnasium.registry.values()):
        gymnasium.register(name, entry_point=found, disable_env_checker=True)  # pyright: ignore[reportArgumentType]


def _is_of_user(entry_point: Any) -> bool:
    return callable(entry_point)


def _module_at(path: Path) -> str:
    """Return the name that the file at `path` is imported by: its own, unless that is another module's."""
    for name, file in FINDER.files.items():
        if file == path:
            return name
    name = path.stem
    loaded = getattr(sys.modules.get(name), "__file__", None)
    taken = name in sys.stdlib_module_names or not name.isidentifier() or name in FINDER.files
    if taken or (name in sys.modules and (loaded is None or Path(loaded).resolve() != path)):
        name = f"{re.sub(r'[^0-9A-Za-z_]', '_', name)}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    _install(name, path)
    return name


def _install(module: str, path: Path) -> None:
    FINDER.files[module] = path
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)  # pyright: ignore[reportArgumentType]


@cache
def _tell_changes(env: str, file: UserFile, now: str) -> None:
    if now != file.sha256:
        log.warning("%s: %s has changed since this was trained", env, file.path)
