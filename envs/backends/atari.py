"""Atari games: one by one with pictures, or many at once in ALE's own vector env.

The preprocessing is the field's standard (Mnih et al., 2015; Machado et al., 2018): up to 30 no-ops at the start,
FIRE where a game waits for it, an action for 4 frames of which the last 2 are pooled, and then the wrappers:
84×84 grey, 4 of them stacked. Sticky actions are those of the id: 0.25 for `ALE/Pong-v5`, 0 for `PongNoFrameskip-v4`.
"""

from typing import TYPE_CHECKING, Any

import gymnasium
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation, TimeLimit

from sandlot.envs.wrappers import Wrappers
from sandlot.tracking import require

if TYPE_CHECKING:
    from sandlot.envs.spec import EnvSpec

ENTRY_POINT = "ale_py.env:AtariEnv"
FRAME_SKIP = 4
WIDTH, HEIGHT = 160, 210
NATIVE_OPTIONS = {"frameskip", "full_action_space"}
"""Options that an id and ALE's vector env both take."""


def is_atari(env: str) -> bool:
    """Tell whether the id `env`, which is registered, names a game for the standard preprocessing."""
    spec = gymnasium.registry.get(env)
    return spec is not None and spec.entry_point == ENTRY_POINT and isinstance(spec.kwargs["frameskip"], int)


def quiet(ale_py: Any) -> None:
    """Keep ALE from greeting each game."""
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)


def standard_wrappers(env: str) -> Wrappers:
    """Return the wrappers that the field uses for the game with the id `env`."""
    sticky = gymnasium.spec(env).kwargs["repeat_action_probability"]
    return Wrappers(sticky_actions=sticky, grey=True, resize=84, frame_stack=4, reward_clip=1.0, life_loss=True)


class FireReset(gymnasium.Wrapper):
    """Begin with FIRE, where the game may wait for it: as ALE's vector env does."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        meanings = self.unwrapped.get_action_meanings()  # pyright: ignore[reportAttributeAccessIssue]
        if "FIRE" in meanings:
            observation, *_, info = self.env.step(meanings.index("FIRE"))
        return observation, info


def make_atari(env_spec: "EnvSpec", options: dict[str, Any]) -> gymnasium.Env:
    """Return one game, made with `options`, which may ask for pictures."""
    wrappers, skip = env_spec.resolved_wrappers, options.pop("frameskip", FRAME_SKIP)
    _check(env_spec)
    options |= {"frameskip": 1, "repeat_action_probability": wrappers.sticky_actions}
    env = gymnasium.make(env_spec.id, **options)
    size = wrappers.resize if wrappers.resize else (WIDTH, HEIGHT)
    env = AtariPreprocessing(env, frame_skip=skip, screen_size=size, grayscale_obs=wrappers.grey)
    env = FireReset(env)
    if wrappers.time_limit:
        env = TimeLimit(env, wrappers.time_limit)
    # Black frames before the first, as in ALE's vector env.
    return env if wrappers.frame_stack == 1 else FrameStackObservation(env, wrappers.frame_stack, padding_type="zero")


def atari_vector(env_spec: "EnvSpec", num_envs: int) -> VectorEnv | None:
    """Return `num_envs` games in ALE's own vector env, if it can do what the wrappers ask for."""
    wrappers = env_spec.resolved_wrappers
    native = Wrappers(
        sticky_actions=wrappers.sticky_actions,
        grey=wrappers.grey,
        resize=wrappers.resize,
        frame_stack=wrappers.frame_stack,
    )
    if wrappers.inside != native or wrappers.frame_stack == 1 or not NATIVE_OPTIONS.issuperset(env_spec.kwargs):
        return None
    from ale_py.vector_env import AtariVectorEnv

    _check(env_spec)
    spec = gymnasium.spec(env_spec.id).kwargs
    return AtariVectorEnv(
        spec["game"],
        num_envs,
        repeat_action_probability=wrappers.sticky_actions,
        grayscale=wrappers.grey,
        img_height=wrappers.resize or HEIGHT,
        img_width=wrappers.resize or WIDTH,
        stack_num=wrappers.frame_stack,
        reward_clipping=False,
        max_num_frames_per_episode=spec["max_num_frames_per_episode"],
        **{"frameskip": FRAME_SKIP, **env_spec.kwargs},
    )


def _check(env_spec: "EnvSpec") -> None:
    given = "repeat_action_probability" in env_spec.kwargs
    require(not given, "Atari's sticky actions are the option sticky_actions, not repeat_action_probability", given)
    unfit = (
        env_spec.resolved_wrappers.hide_velocities
        or env_spec.resolved_wrappers.hide_entries
        or env_spec.resolved_wrappers.rescale_actions
    )
    require(not unfit, "hidden entries and rescaled actions are not for Atari", unfit)
