"""Finding environments by name: the package that an id is from, ids like a mistaken one, and all there are."""

import contextlib
import difflib
import importlib
import importlib.util
import io
import re
import sys
from functools import cache
from importlib import metadata
from typing import Any, NamedTuple

import gymnasium

from sandlot.tracking import SandlotError
from sandlot.tracking.common.extensions import import_user_module

GROUP = "gymnasium.envs"
"""The group of entry points by which packages register their environments."""


class Package(NamedTuple):
    """A package of environments: what pip calls it, what registers its ids, and how these begin."""

    pip: str
    module: str
    prefixes: tuple[str, ...]


PACKAGES = [
    Package("minigrid", "minigrid", ("MiniGrid-", "BabyAI-")),
    Package("MinAtar", "minatar.gym", ("MinAtar/",)),
    Package("highway-env", "highway_env", ("highway-", "merge-", "roundabout-", "parking-", "intersection-",
                                           "racetrack-", "exit-", "lane-keeping-", "two-way-", "u-turn-")),
    Package("mo-gymnasium", "mo_gymnasium", ("mo-", "deep-sea-treasure-", "resource-gathering-", "fruit-tree-",
                                             "breakable-bottles-", "fishwood-", "minecart-", "four-room-",
                                             "water-reservoir-")),
    Package("flappy-bird-gymnasium", "flappy_bird_gymnasium", ("FlappyBird-",)),
    Package("lbforaging", "lbforaging", ("Foraging-",)),
    Package("rware", "rware", ("rware-",)),
    Package("gym-pusht", "gym_pusht", ("gym_pusht/",)),
    Package("gym-xarm", "gym_xarm", ("gym_xarm/",)),
    Package("gym-aloha", "gym_aloha", ("gym_aloha/",)),
    Package("crafter", "crafter", ("CrafterReward-", "CrafterNoReward-")),
    Package("panda-gym", "panda_gym", ("PandaReach", "PandaPush", "PandaSlide", "PandaPickAndPlace", "PandaStack",
                                       "PandaFlip")),
    Package("gymnasium-robotics", "gymnasium_robotics", ("FetchReach", "FetchPush", "FetchSlide", "FetchPickAndPlace",
                                                         "HandReach", "HandManipulate", "AntMaze_", "PointMaze_",
                                                         "Adroit", "FrankaKitchen-")),
    Package("metaworld", "metaworld", ("Meta-World/",)),
    Package("gym-anytrading", "gym_anytrading", ("stocks-", "forex-")),
    Package("tetris-gymnasium", "tetris_gymnasium.envs", ("tetris_gymnasium/",)),
    Package("pogema", "pogema", ("Pogema-",)),
    Package("miniworld", "miniworld", ("MiniWorld-",)),
    Package("popgym", "popgym", ("popgym-",)),
    Package("slimevolleygym", "slimevolleygym", ("SlimeVolley",)),
    Package("vizdoom", "vizdoom.gymnasium_wrapper", ("Vizdoom",)),
    Package("shimmy[dm-control]", "shimmy", ("dm_control/",)),
    Package("shimmy[bsuite]", "shimmy", ("bsuite/",)),
    Package("miniwob", "miniwob", ("miniwob/",)),
    Package("safety-gymnasium", "safety_gymnasium", ("Safety",)),
    Package("PyFlyt", "PyFlyt.gym_envs", ("PyFlyt/",)),
    Package("sumo-rl", "sumo_rl", ("sumo-rl-",)),
    Package("memory-gym", "memory_gym", ("MortarMayhem", "MysteryPath", "SearingSpotlights", "Endless-Mortar")),
]  # fmt: skip
"""Well-known packages whose ids are found without naming their module."""


def find_bare(env: str) -> None:
    """Register the id `env`, which names no module, if an installed package has it.

    Raises `SandlotError` if it is one of a well-known package that is not installed.
    """
    if env in gymnasium.registry:
        return
    load_entry_points()
    package = package_of(env)
    if env in gymnasium.registry or package is None:
        return
    if not is_installed(package.module):
        raise SandlotError(f"{env} is in {package.pip}, which is not installed: pip install {package.pip}")
    import_user_module(package.module)
    register_all(package.module)


def find_in_module(env: str) -> None:
    """Import the module that the id `env`, written `module:id`, names, and let it register its environments.

    Raises `SandlotError` if there is no such module, with the one that was meant.
    """
    module, _, name = env.partition(":")
    if not module or not name or ":" in name:
        raise SandlotError(f"there is no environment {env!r}; an id is a name, or module:name")
    top = module.partition(".")[0]
    if not is_installed(top):
        if is_installed(underscored := top.replace("-", "_")) and underscored != top:
            raise SandlotError(f"there is no module {module!r}; did you mean {underscored}:{name}?")
        known = next((p for p in PACKAGES if top in (p.pip, p.pip.replace("-", "_"), p.module.partition(".")[0])), None)
        if known is not None:
            raise SandlotError(f"{env} needs {known.pip}, which is not installed: pip install {known.pip}")
    import_user_module(module)
    if name not in gymnasium.registry:
        register_all(module)


def register_all(module: str) -> None:
    """Call the function of `module` that registers its environments, where importing it is not enough."""
    register = getattr(sys.modules.get(module), "register_envs", None)
    if callable(register):
        with contextlib.suppress(TypeError):
            register()
    for name, point in entry_points().items():
        if point.partition(":")[0].partition(".")[0] == module.partition(".")[0]:
            _load(name)


@cache
def load_entry_points() -> None:
    """Register the environments of all installed packages that have an entry point for it."""
    for name in entry_points():
        _load(name)


def entry_points() -> dict[str, str]:
    """Return the entry points of installed packages of environments."""
    return {point.name: point.value for point in metadata.entry_points(group=GROUP)}


def package_of(env: str) -> Package | None:
    """Return the well-known package that an id is from, by how it begins."""
    return next((package for package in PACKAGES if env.startswith(package.prefixes)), None)


def is_installed(module: str) -> bool:
    """Return whether `module` can be found, without importing it (except for what it lies in)."""
    try:
        return module in sys.modules or importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def suggestions(env: str, pool: list[str]) -> str:
    """Return the end of a sentence on an id that there is none of: ids like it, which work as they are written.

    `pool` are those that only EnvPool has.
    """
    load_entry_points()
    module, _, name = env.rpartition(":")
    for package in PACKAGES:  # those whose ids begin much like this one
        if any(_alike(name[: len(prefix)], prefix) for prefix in package.prefixes) and is_installed(package.module):
            with contextlib.suppress(SandlotError), contextlib.redirect_stdout(io.StringIO()):
                import_user_module(package.module)
                register_all(package.module)
    pooled = {name: f"{name} with --backend envpool" for name in pool if name not in gymnasium.registry}
    known = {**pooled, **{known: _written(known, module) for known in gymnasium.registry}}
    known |= {f"{prefix}v0": f"{prefix}… of {p.pip} (pip install {p.pip})" for p in PACKAGES for prefix in p.prefixes
              if not is_installed(p.module.partition(".")[0])}  # fmt: skip
    stems: dict[str, list[str]] = {}
    for one in known:
        stems.setdefault(_stem(one), []).append(one)
    near = [one for stem in difflib.get_close_matches(_stem(name), stems, n=3, cutoff=0.7) for one in stems[stem]]
    if near:
        ranked = difflib.get_close_matches(name, near, n=3, cutoff=0.0) or near[:3]
        return f"; did you mean {', '.join(known[one] for one in ranked)}?"
    return "; `sandlot envs WORD` lists those with WORD in their names"


def listing(word: str = "") -> list[tuple[str, list[str]]]:
    """Return all known ids that contain `word`, by package; packages that are not installed come with how to."""
    word = word.lower()
    load_entry_points()
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        fits = not word or word in package.pip.lower() or any(
            prefix.lower().startswith(word) or word.startswith(prefix.lower()) for prefix in package.prefixes
        )  # fmt: skip
        if not is_installed(package.module.partition(".")[0]):
            if fits:
                examples = " ".join(f"{prefix}…" for prefix in package.prefixes[:4])
                found[f"{package.pip} (pip install {package.pip})"] = [examples]
        elif fits and word:
            with contextlib.suppress(SandlotError), contextlib.redirect_stdout(io.StringIO()):
                import_user_module(package.module)
                register_all(package.module)
    for env in sorted(gymnasium.registry):
        package = package_of(env)
        source = package.pip if package else _source(env)
        if word in env.lower() or word in source.lower():
            found.setdefault(source, []).append(env)
    return sorted(found.items())


def _source(env: str) -> str:
    entry = gymnasium.registry[env].entry_point
    module = entry.partition(":")[0] if isinstance(entry, str) else getattr(entry, "__module__", "")
    return module.partition(".")[0] or "gymnasium"


def _written(env: str, module: str) -> str:
    """Return `env` as it must be written: with the module that was asked for, if it is from there."""
    return f"{module}:{env}" if module and _source(env) == module.partition(".")[0] else env


def _alike(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio() > 0.8


def _stem(env: str) -> str:
    return re.sub(r"-v\d+$", "", env.lower())


def _load(name: str) -> None:
    """Call an entry point; packages that fail are none."""
    for point in metadata.entry_points(group=GROUP, name=name):
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            loaded: Any = point.load()
            if callable(loaded):
                loaded()
