"""`sandlot train AGENT ENV`: train an agent, track it, film it, and say how it went."""

import dataclasses
import time
from typing import Any

import tyro

from agents.loading import agent_class, what_is
from agents.recipes import recipe, recipe_config
from envs import World
from tracking import Run, json_object, require

from .catalogue import encoding_of
from .options import Train


def main(words: list[str]) -> None:
    """Do what `words`, which begin with the agent's name, say."""
    begin = time.perf_counter()
    agent_type = agent_class(words[0])
    options, config = parse(words[0], agent_type.Config, words[1:])
    from .agent_session import train_and_report

    for name in ("steps", "checkpoint_every", "evaluation_episodes"):
        require(getattr(options, name) >= 1, f"--{name.replace('_', '-')} must be at least 1", getattr(options, name))
    for name in ("video_every", "seed"):
        require(getattr(options, name) >= 0, f"--{name.replace('_', '-')} must be at least 0", getattr(options, name))
    world = world_of(options)
    agent = make_agent(agent_type, world, options, config)
    record = {
        "agent": agent.name,
        "env": world.to_json(),
        **({"encoder": options.encoder} if options.encoder else {}),
        "seed": options.seed,
        "steps": options.steps,
        "training": {
            "checkpoint_every": options.checkpoint_every,
            "video_every": options.video_every,
            "evaluation_episodes": options.evaluation_episodes,
        },
        "config": dataclasses.asdict(agent.config),
    }
    name = f"{agent.name}-{options.env}-s{options.seed}"
    run = Run.create(options.runs_dir, name, record, wandb=options.wandb, project=options.project)
    train_and_report(agent, run, begin)


def make_agent(agent_type: Any, world: World, options: Train, config: Any) -> Any:
    """Return a new agent, whose encoder is that of another run if one is asked for."""
    if options.encoder is None:
        require(not getattr(config, "freeze", False), "--freeze needs an --encoder that was trained before", "none")
        return agent_type(world, seed=options.seed, config=config)
    from agents.encoding import config_for, take_encoding

    encoding = encoding_of(Run.find(options.runs_dir, options.encoder))
    agent = agent_type(world, seed=options.seed, config=config_for(encoding, config))
    take_encoding(agent, encoding)
    return agent


def parse(agent: str, config: type, words: list[str], command: str = "train") -> tuple[Train, Any]:
    """Return the options and the agent's config. Flags beat the recipe for the environment, which beats defaults."""
    program = f"sandlot {command} {agent}"
    first = bool(words) and not words[0].startswith("-")
    env = words[0] if first else _parse_with(program, agent, config, None, {}, words)[0].env
    return _parse_with(program, agent, config, env, recipe(agent, env), words)


def _parse_with(
    program: str, agent: str, config: type, env: str | None, found: dict[str, Any], words: list[str]
) -> tuple[Train, Any]:
    train = Train(env=tyro.MISSING if env is None else env, **({"steps": found["steps"]} if "steps" in found else {}))
    fields = [("train", Train, train), ("agent", config, recipe_config(agent, config, env))]
    both = dataclasses.make_dataclass(
        "Both", [(name, kind, dataclasses.field(default=value)) for name, kind, value in fields]
    )
    description = f"Train an agent: {what_is(agent)}."
    if found:
        description += f" The defaults shown are those of the recipe for {env}."
    parsed = tyro.cli(tyro.conf.OmitArgPrefixes[both], args=words, prog=program, description=description)
    return parsed.train, parsed.agent


def world_of(options: Train) -> World:
    """Return the world that `options` describe."""
    return World(options.env, json_object("--env-kwargs", options.env_kwargs))
