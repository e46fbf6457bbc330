"""Atari games: single ones with rendering, or many at once in ALE's own vector environment.

The preprocessing is the standard one (Mnih et al., 2015; Machado et al., 2018): up to 30 no-ops at the start, FIRE
where a game waits for it, a frame skip of 4 with max-pooling over the last 2, and then the wrappers: 84×84
greyscale, 4 frames stacked. Sticky actions are those of the id: 0.25 for `ALE/Pong-v5`, 0 for `PongNoFrameskip-v4`.
"""

from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation, TimeLimit

from sandlot.envs.description import EnvDescription
from sandlot.envs.wrappers import Wrappers
from sandlot.tracking import require

FRAME_SKIP = 4
WIDTH, HEIGHT = 160, 210
NATIVE_OPTIONS = {"frameskip", "full_action_space"}
"""Options that Gymnasium's environment and ALE's vector environment have in common."""


class FireReset(gymnasium.Wrapper):
    """Press FIRE after each reset in games that have it, as ALE's vector environment does."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        meanings = self.unwrapped.get_action_meanings()  # pyright: ignore[reportAttributeAccessIssue]
        if "FIRE" in meanings:
            observation, *_, info = self.env.step(meanings.index("FIRE"))
        return observation, info


def make_atari(env_spec: EnvDescription, options: dict[str, Any]) -> gymnasium.Env:
    """Return one game, made with the keyword arguments `options`, with the standard preprocessing."""
    wrappers, skip = env_spec.resolved_wrappers, options.pop("frameskip", FRAME_SKIP)
    _check(env_spec)
    ram = options.get("obs_type") == "ram"  # 128 bytes, of which there is nothing to resize, make grey or pool
    options |= {"frameskip": skip if ram else 1, "repeat_action_probability": wrappers.sticky_actions}
    env = gymnasium.make(env_spec.id, **options)
    if not ram:
        size = wrappers.resize if wrappers.resize else (WIDTH, HEIGHT)
        env = AtariPreprocessing(env, frame_skip=skip, screen_size=size, grayscale_obs=wrappers.grey)
    env = FireReset(env)
    if wrappers.time_limit:
        env = TimeLimit(env, wrappers.time_limit)
    # Black frames before the first, as in ALE's vector env.
    return env if wrappers.frame_stack == 1 else FrameStackObservation(env, wrappers.frame_stack, padding_type="zero")


def atari_vector(env_spec: EnvDescription, num_envs: int) -> VectorEnv | None:
    """Return `num_envs` games in ALE's own vector environment, or None if it doesn't support the wrappers."""
    wrappers = env_spec.resolved_wrappers
    native = Wrappers(
        sticky_actions=wrappers.sticky_actions,
        grey=wrappers.grey,
        resize=wrappers.resize,
        frame_stack=wrappers.frame_stack,
    )
    if wrappers.per_env != native or wrappers.frame_stack == 1 or not NATIVE_OPTIONS.issuperset(env_spec.kwargs):
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


def _check(env_spec: EnvDescription) -> None:
    given = "repeat_action_probability" in env_spec.kwargs
    require(not given, "set Atari's sticky actions by the option sticky_actions, not repeat_action_probability", given)
    wrappers = env_spec.resolved_wrappers
    unfit = wrappers.hide_velocities or wrappers.hide_entries or wrappers.rescale_actions
    require(not unfit, "hide_entries, hide_velocities and rescale_actions do not apply to Atari", unfit)
    skips = wrappers.frame_skip
    require(skips == 1, "set Atari's frame skip by --env-kwargs '{\"frameskip\": 4}', not by frame_skip", skips)
