"""Environments of other interfaces than Gymnasium's, through the adapters that Shimmy has."""

import importlib
import sys
from typing import Any

import gymnasium
from gymnasium.wrappers import TimeLimit

from sandlot.tracking import SandlotError

from .objects import as_vector

SHIMMY = 'Shimmy adapts it: pip install "sandlot[shimmy]"'
OLD_GYM = "gym"
ADAPTERS = {
    "gym.core.Env": "old Gym",
    "dm_env._environment.Environment": "DmControlCompatibilityV0",
    "open_spiel.python.rl_environment.Environment": "OpenSpielCompatibilityV0",
    "pyspiel.State": "OpenSpielCompatibilityV0",
    "pyspiel.Game": "OpenSpielCompatibilityV0",
}
"""For base classes of other libraries, the adapter of Shimmy's."""


def make_old_gym(env: str, options: dict[str, Any], *, time_limit: int = 0, render: bool = False) -> Any:
    """Return the environment that an id of the old Gym names, adapted; None if there is none.

    It is made from its entry point, without Gym's own wrappers, which differ between its versions.
    """
    if OLD_GYM not in sys.modules:
        return None
    registration = importlib.import_module("gym.envs.registration")
    specs = getattr(registration.registry, "env_specs", registration.registry)
    spec = specs.get(env.rpartition(":")[2])
    if spec is None:
        return None
    make = spec.entry_point if callable(spec.entry_point) else registration.load(spec.entry_point)
    kwargs = {**getattr(spec, "kwargs", getattr(spec, "_kwargs", {})), **options}
    kwargs.pop("render_mode", None)
    adapted = adapt_old_gym(make(**kwargs), env, render=render)
    limit = time_limit or spec.max_episode_steps
    return TimeLimit(adapted, limit) if limit else adapted


def adapt_old_gym(env: Any, name: str, *, render: bool = False) -> gymnasium.Env:
    """Return an environment of the old Gym in Shimmy's adapter for its interface, of before or after 0.26."""
    try:
        shimmy: Any = importlib.import_module("shimmy.openai_gym_compatibility")
    except ImportError as error:
        raise SandlotError(f"{name} is an environment of the old Gym; {SHIMMY}") from error
    seen = env.reset()
    if isinstance(seen, tuple) and len(seen) == 2 and isinstance(seen[1], dict):
        return shimmy.GymV26CompatibilityV0(env=env)
    return _old_adapter()(env=env, render_mode="rgb_array" if render else None)


def adapted(env: Any) -> Any:
    """Return `env` as a Gymnasium environment, if Shimmy can adapt it. Raises `SandlotError` for other objects."""
    if isinstance(env, gymnasium.Env | gymnasium.vector.VectorEnv):
        return env
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(env).__mro__]
    name = type(env).__name__
    vector = as_vector(env, kinds)
    if vector is not None:
        return vector
    if "gym.core.Env" in kinds:
        return adapt_old_gym(env, name)
    adapter = next((ADAPTERS[kind] for kind in kinds if kind in ADAPTERS), None)
    if adapter == "DmControlCompatibilityV0":
        try:
            return importlib.import_module("shimmy.dm_control_compatibility").DmControlCompatibilityV0(env)
        except ImportError as error:
            raise SandlotError(f"{name} has DeepMind's interface; {SHIMMY}") from error
    if adapter is not None:
        raise SandlotError(f"{name} is OpenSpiel's; give it to shimmy.{adapter}, which makes a PettingZoo environment "
                           'of it (pip install "shimmy[openspiel]"), and train on that as module:name')  # fmt: skip
    if any(kind.startswith("envpool.") for kind in kinds) or "envpool" in str(type(getattr(env, "spec", None))):
        raise SandlotError("an EnvPool object can't be given; give its id, and the backend: "
                           'EnvSpec("Pong-v5", backend="envpool")')  # fmt: skip
    raise SandlotError(f"{_what(env)} is no environment: give an id, an EnvSpec, or an object with Gymnasium's "
                       "interface (a gymnasium.Env or gymnasium.vector.VectorEnv)")  # fmt: skip


def _what(env: Any) -> str:
    if isinstance(env, type):
        return f"the class {env.__name__}, which is not an instance,"
    return f"a {type(env).__module__}.{type(env).__qualname__}"


def _old_adapter() -> type:
    from shimmy.openai_gym_compatibility import GymV21CompatibilityV0  # pyright: ignore[reportMissingImports]

    class OldGymEnv(GymV21CompatibilityV0):
        """Shimmy's adapter, for environments that have no `seed`, and draw without being told how."""

        def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
            seed = seed if hasattr(self.gym_env, "seed") else None
            return super().reset(seed=seed, options=options)

        def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
            mode, self.render_mode = self.render_mode, None  # Shimmy's draws in each step, for nothing
            try:
                return super().step(action)
            finally:
                self.render_mode = mode

        def render(self) -> Any:
            try:
                return self.gym_env.render(mode="rgb_array")
            except TypeError:
                return self.gym_env.render()

    return OldGymEnv
