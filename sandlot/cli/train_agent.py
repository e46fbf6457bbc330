"""`sandlot train AGENT ENV`: train an agent, record the run, and report the result."""

import math
import sys
import time
from typing import Any

import tyro

from sandlot.agents.multi_agent import agent_for, resolve_opponent
from sandlot.agents.recipes import recipe, recipe_config
from sandlot.agents.registry import agent_class, what_is
from sandlot.agents.run_config import create_run
from sandlot.envs import EnvSpec, Wrappers, newest_version, wrappers_for
from sandlot.tracking import Run, json_object, require

from .options import Train
from .parsing import parse_together
from .registry import encoding_of
from .sweep_arguments import from_sweep


def main(args: list[str]) -> None:
    """Run the command: `args` begin with the agent's name."""
    begin = time.perf_counter()
    agent_type = agent_class(args[0])
    options, config, env_spec = parse(args[0], agent_type.Config, args[1:])
    from .agent_session import train_and_report

    for name in ("steps", "checkpoint_every", "evaluation_episodes"):
        require(getattr(options, name) >= 1, f"--{name.replace('_', '-')} must be at least 1", getattr(options, name))
    for name in ("video_every", "seed"):
        require(getattr(options, name) >= 0, f"--{name.replace('_', '-')} must be at least 0", getattr(options, name))
    seconds = options.evaluation_seconds
    require(seconds > 0, "--evaluation-seconds must be positive", seconds)
    agent = make_agent(agent_type, env_spec, options, config)
    run = create_run(
        agent,
        options.runs_dir,
        steps=options.steps,
        name=f"{agent.name}-{options.env}-s{options.seed}",
        wandb=options.wandb,
        wandb_options=options.wandb_options(),
        more={"encoder": options.encoder} if options.encoder else {},
        checkpoint_every=options.checkpoint_every,
        video_every=options.video_every,
        video_overlay=options.video_overlay,
        evaluation_episodes=options.evaluation_episodes,
        evaluation_seconds=None if math.isinf(options.evaluation_seconds) else options.evaluation_seconds,
    )
    train_and_report(agent, run, begin)


def make_agent(agent_type: Any, env_spec: EnvSpec, options: Train, config: Any) -> Any:
    """Return a new agent, with the encoder of another run if `--encoder` is given."""
    if options.encoder is None:
        require(not getattr(config, "freeze", False), "--freeze needs an --encoder that was trained before", "none")
        return agent_for(agent_type, env_spec, seed=options.seed, config=config)
    from sandlot.agents.encoder_transfer import config_for, load_encoder

    encoding = encoding_of(Run.find(options.runs_dir, options.encoder))
    agent = agent_for(agent_type, env_spec, seed=options.seed, config=config_for(encoding, config))
    load_encoder(agent, encoding)
    return agent


def parse(agent: str, config: type, args: list[str], command: str = "train") -> tuple[Train, Any, EnvSpec]:
    """Return the options, the agent's config and its environment.

    Flags beat the recipe for the environment, which beats defaults.
    """
    program = f"sandlot {command} {agent}"
    if args and not args[0].startswith("-") and (newest := newest_version(args[0])) != args[0]:
        print(f"{args[0]}: its newest version is {newest}", file=sys.stderr)
        args = [newest, *args[1:]]
    args = joined(joined(from_sweep(args, [Train, config, Wrappers]), "--wrapper"), "--import")
    first = bool(args) and not args[0].startswith("-")
    env = args[0] if first else _parse_with(program, agent, config, None, {}, args)[0].env
    return _parse_with(program, agent, config, env, recipe(agent, env), args)


def joined(words: list[str], flag: str) -> list[str]:
    """Return `words` with all values of a `flag` that takes several behind its first place, however often it stands."""
    if words.count(flag) < 2:
        return words
    kept: list[str] = []
    values: list[str] = []
    into = kept
    for word in words:
        if word.startswith("--"):
            into = values if word == flag else kept
        if word != flag:
            into.append(word)
    return [*kept, flag, *values]


def _parse_with(
    program: str, agent: str, config: type, env: str | None, found: dict[str, Any], args: list[str]
) -> tuple[Train, Any, EnvSpec]:
    train = Train(env=tyro.MISSING if env is None else env, **({"steps": found["steps"]} if "steps" in found else {}))
    parts = [
        ("train", Train, train),
        ("agent", config, recipe_config(agent, config, env)),
        ("wrappers", Wrappers, wrappers_for(env) if env else Wrappers()),
    ]
    description = f"Train an agent: {what_is(agent)}."
    if found:
        description += f" The defaults shown are those of the recipe for {env}."
    parsed = parse_together(parts, args, program, description)
    return parsed.train, parsed.agent, env_spec_of(parsed.train, parsed.wrappers)


def env_spec_of(options: Train, wrappers: Wrappers) -> EnvSpec:
    """Return the environment that `options` describe."""
    kwargs = json_object("--env-kwargs", options.env_kwargs)
    players = {"opponent": options.opponent, "separate": options.separate, "imports": options.imports}
    return resolve_opponent(EnvSpec(options.env, kwargs, options.backend, wrappers, **players), options.runs_dir)
