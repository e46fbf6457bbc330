"""Models saved by Stable-Baselines3 itself, as zip files."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandlot.agents.base import Spaces
from sandlot.envs import EnvSpec
from sandlot.tracking import SandlotError

from .agent import SB3Agent
from .algorithms import ALGORITHMS, sb3_agent

POLICY_MODULES = {
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
"""The algorithms whose policies have a module of their own, by its prefix (DDPG's model is TD3's)."""
DISTINCTIVE_OPTIONS = {
    "cg_max_steps": "sb3:trpo",
    "clip_range": "sb3:ppo",
    "rms_prop_eps": "sb3:a2c",
    "gae_lambda": "sb3:a2c",
}
"""The algorithms that share the actor-critic policy, by their first hyperparameter in this list."""


def load_zip(path: Path, env: str | EnvSpec, *, algorithm: str | None = None, trust: bool = False) -> SB3Agent:
    """Return the model in the zip file `path` as an agent for `env`.

    Stable-Baselines3 writes pickled objects, and unpickling can run any code: nothing is loaded unless the caller
    trusts the file.

    Args:
        path: The file.
        env: The environment that it acts in.
        algorithm: The algorithm, such as "ppo"; by default it is detected.
        trust: Whether the file may be unpickled.
    """
    data = _read_data(path)
    if not trust:
        raise SandlotError(
            f"{path} holds pickled objects, and loading them can run any code; if you trust its author, add --trust"
        )
    name = detect_algorithm(path, data) if algorithm is None else full_name(algorithm)
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
            f"{path} has the spaces {model.observation_space} and {model.action_space}; "
            f"{env_spec.id} has {agent.model.observation_space} and {agent.model.action_space}"
        )
    agent.model, agent.env_step = model, model.num_timesteps
    return agent


def detect_algorithm(path: Path, data: Mapping[str, Any]) -> str:
    """Return the name of the algorithm that `data` is from, without unpickling anything."""
    policy = data.get("policy_class")
    module = str(policy.get("__module__")) if isinstance(policy, dict) else ""
    for prefix, name in POLICY_MODULES.items():
        if module.startswith(prefix):
            return name
    for option, name in DISTINCTIVE_OPTIONS.items():
        if option in data:
            return name
    raise SandlotError(
        f"{path} does not say which algorithm it is from; add --algorithm {'|'.join(map(_short, ALGORITHMS))}"
    )


def full_name(short: str) -> str:
    """Return the full name ("sb3:ppo") of the algorithm that --algorithm calls `short` ("ppo")."""
    name = f"sb3:{_short(short).lower()}"
    if name not in ALGORITHMS:
        raise SandlotError(f"--algorithm must be one of {', '.join(map(_short, ALGORITHMS))}, not {short!r}")
    return name


def _read_data(path: Path) -> dict[str, Any]:
    """Return the JSON data in the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
    except FileNotFoundError as error:
        raise SandlotError(f"there is no file {path}") from error
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise SandlotError(f"{path} is not a model saved by Stable-Baselines3") from error
    if not isinstance(data, dict):
        raise SandlotError(f"{path} is not a model saved by Stable-Baselines3")
    return data


def _short(name: str) -> str:
    return name.removeprefix("sb3:")
