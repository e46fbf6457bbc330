"""Models that Stable-Baselines3 itself saved."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandlot.agents.base import Spaces
from sandlot.agents.sb3 import ALGORITHMS, sb3_agent
from sandlot.envs import EnvSpec
from sandlot.tracking import SandlotError

from .agent import SB3Agent

HOMES = {
    "stable_baselines3.dqn.": "sb3:dqn",
    "stable_baselines3.sac.": "sb3:sac",
    "stable_baselines3.td3.": "sb3:td3",
    "sb3_contrib.tqc.": "sb3:tqc",
    "sb3_contrib.qrdqn.": "sb3:qrdqn",
    "sb3_contrib.ars.": "sb3:ars",
    "sb3_contrib.crossq.": "sb3:crossq",
    "sb3_contrib.common.maskable.": "sb3:maskable-ppo",
    "sb3_contrib.common.recurrent.": "sb3:recurrent-ppo",
}
"""The modules of the policies that only one algorithm has (DDPG's model is TD3's)."""
TELLING = {"cg_max_steps": "sb3:trpo", "clip_range": "sb3:ppo", "rms_prop_eps": "sb3:a2c", "gae_lambda": "sb3:a2c"}
"""Hyperparameters that tell apart the algorithms with the actor-critic policy, in this order."""


def load_zip(path: Path, env: str | EnvSpec, *, algorithm: str | None = None, trust: bool = False) -> SB3Agent:
    """Return the model in the zip file `path` as an agent that plays the world (or the id) `env`.

    Stable-Baselines3 writes pickled objects, and unpickling runs what code is in them: nothing is loaded
    unless the caller is sure to `trust` the file. `algorithm` is found out if it isn't given.
    """
    data = _data(path)
    if not trust:
        raise SandlotError(
            f"{path} holds pickled objects, and loading them runs whatever code they carry; "
            "if you trust its maker, add --trust"
        )
    name = algorithm_of(path, data) if algorithm is None else algorithm_called(algorithm)
    agent_type = sb3_agent(name)
    env_spec = EnvSpec.of(env)
    single = env_spec.single()
    single.close()
    agent = agent_type(Spaces(single.observation_space, single.action_space))
    try:
        model = agent_type.algorithm.load(path, buffer_size=1)
    except Exception as error:
        raise SandlotError(f"{path} can't be loaded as a model of {name}: {error}") from error
    if (model.observation_space, model.action_space) != (agent.model.observation_space, agent.model.action_space):
        raise SandlotError(
            f"{path} sees {model.observation_space} and acts in {model.action_space}; "
            f"{env_spec.id} has {agent.model.observation_space} and {agent.model.action_space}"
        )
    agent.model, agent.env_step = model, model.num_timesteps
    return agent


def algorithm_of(path: Path, data: Mapping[str, Any]) -> str:
    """Return the name of the algorithm whose hyperparameters `data` are, without unpickling anything."""
    policy = data.get("policy_class")
    module = str(policy.get("__module__")) if isinstance(policy, dict) else ""
    for home, name in HOMES.items():
        if module.startswith(home):
            return name
    for option, name in TELLING.items():
        if option in data:
            return name
    raise SandlotError(f"{path} does not tell its algorithm; add --algorithm {'|'.join(map(_short, ALGORITHMS))}")


def algorithm_called(short: str) -> str:
    """Return the full name of the algorithm that --algorithm calls `short`."""
    name = f"sb3:{_short(short).lower()}"
    if name not in ALGORITHMS:
        raise SandlotError(f"--algorithm must be one of {', '.join(map(_short, ALGORITHMS))}, not {short!r}")
    return name


def _data(path: Path) -> dict[str, Any]:
    """Return the part of the file that is JSON."""
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
    except FileNotFoundError as error:
        raise SandlotError(f"there is no file {path}") from error
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise SandlotError(f"{path} is not a model that Stable-Baselines3 saved") from error
    if not isinstance(data, dict):
        raise SandlotError(f"{path} is not a model that Stable-Baselines3 saved")
    return data


def _short(name: str) -> str:
    return name.removeprefix("sb3:")
