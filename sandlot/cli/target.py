"""Load the agent to evaluate or record: from a run, or from a .zip file of Stable-Baselines3."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from sandlot.agents.base import Agent
from sandlot.agents.loading import load_agent
from sandlot.agents.multi_agent import env_spec_of, resolve_opponent
from sandlot.agents.run_config import setting
from sandlot.envs import EnvSpec
from sandlot.tracking import Run, SandlotError, json_object

from .options import TargetOptions


class ResolvedTarget(NamedTuple):
    """Hold an agent, its environment, and its run, if it has one."""

    agent: Agent
    env_spec: EnvSpec
    run: Run | None
    name: str


def find(options: TargetOptions) -> ResolvedTarget:
    """Load the agent that `options` name."""
    if options.run.endswith(".zip"):
        return _find_zip(Path(options.run), options)
    for name in ("env", "algorithm", "trust"):
        if getattr(options, name):
            raise SandlotError(f"--{name} is for .zip files of Stable-Baselines3; a run knows its own")
    run = Run.find(options.runs_dir, options.run)
    if "task" in run.config:
        raise SandlotError(f"{run.folder} is a run of the task {run.config['task']!r}, which does not play")
    setting(run, "env")
    return ResolvedTarget(load_agent(run, options.step), _world_of(run, options), run, run.folder.name)


def _world_of(run: Run, options: TargetOptions) -> EnvSpec:
    """Return the environment of `run`, with the opponent of `options`, if given."""
    if options.opponent is None:
        return env_spec_of(run.config["env"])
    env_spec = EnvSpec.from_json(run.config["env"]).playable()
    return resolve_opponent(dataclasses.replace(env_spec, opponent=options.opponent), options.runs_dir)


def _find_zip(path: Path, options: TargetOptions) -> ResolvedTarget:
    from sandlot.agents.sb3.zips import load_zip

    if options.env is None:
        raise SandlotError(f"{path} does not tell its environment; add --env ID")
    if options.step is not None:
        raise SandlotError("--step is for runs; a .zip file holds one model")
    env_spec = EnvSpec(options.env, json_object("--env-kwargs", options.env_kwargs))
    agent = load_zip(path, env_spec, algorithm=options.algorithm, trust=options.trust)
    return ResolvedTarget(agent, env_spec, None, path.name)
