"""Environment objects of Stable-Baselines3 and PettingZoo as vector environments."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from sandlot.tracking import SandlotError

from .games.aec import AecGames
from .games.opponent_env import OpponentEnv
from .games.opponents import make_opponent
from .games.parallel import ParallelGames, groups_of

VEC_ENV = "stable_baselines3.common.vec_env.base_vec_env.VecEnv"
PARALLEL, IN_TURNS = "pettingzoo.utils.env.ParallelEnv", "pettingzoo.utils.env.AECEnv"


def as_vector(env: Any, kinds: list[str]) -> VectorEnv | None:
    """Return the object `env` as a vector environment, if one of `kinds`, its classes, is a known one."""
    if VEC_ENV in kinds:
        return VecEnvAdapter(env)
    name = type(env).__name__
    if PARALLEL in kinds:
        groups = groups_of(env, False, name)
        if len(groups) > 1:
            raise SandlotError(f"the players of {name} have different spaces; give it by module:name, not as an object")
        return ParallelGames([env], groups)
    if IN_TURNS in kinds:
        games = AecGames([env], name)
        return OpponentEnv(games, make_opponent("random", name, games.action_space))
    return None


class VecEnvAdapter(VectorEnv):
    """A vector environment of Stable-Baselines3's."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 (as Gymnasium has it)

    def __init__(self, env: Any):
        self.vec_env, self.num_envs = env, env.num_envs
        self.single_observation_space, self.single_action_space = env.observation_space, env.action_space
        self.observation_space = batch_space(env.observation_space, self.num_envs)
        self.action_space = batch_space(env.action_space, self.num_envs)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.vec_env.seed(seed)
        return self.vec_env.reset(), {}

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        observation, reward, done, infos = self.vec_env.step(actions)
        truncated = np.array([bool(info.get("TimeLimit.truncated", False)) for info in infos]) & done
        final = np.empty(self.num_envs, object)
        for row in np.flatnonzero(done).tolist():
            final[row] = infos[row]["terminal_observation"]
        return observation, np.asarray(reward, float), done & ~truncated, truncated, {"final_obs": final}

    def close_extras(self, **kwargs: Any) -> None:
        self.vec_env.close()
