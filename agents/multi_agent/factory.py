"""The agent for an environment: one agent, a team, or one in self-play."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandlot.agents.base import Agent, Spaces
from sandlot.agents.recipes import recipe_config
from sandlot.envs import EnvSpec, space_from_json
from sandlot.envs.games import is_game, takes_turns
from sandlot.tracking import Checkpoint, SandlotError

from .opponents import resolve_opponent
from .team import Team


def agent_for(kind: type[Agent], env: str | EnvSpec, *, seed: int = 0, config: Any = None) -> Agent:
    """Return a new agent of the `kind` for an environment with any number of players.

    In games of turns it learns against the opponent of the `EnvSpec`, by default against itself. Where all move at
    once, players with equal spaces share an agent, unless the `EnvSpec` wants them separate.
    """
    env_spec = EnvSpec.of(env)
    if not is_game(env_spec.id):
        return kind(env_spec, seed=seed, config=config)
    if kind.has_own_loop:
        raise SandlotError(
            f"{kind.name} is for one player; games of several, such as {env_spec.id}, are for ppo, dqn, …"
        )
    config = recipe_config(kind.name, kind.Config, env_spec.id) if config is None else config
    if takes_turns(env_spec) and env_spec.opponent in (None, "self"):
        return _in_self_play(kind, replace(env_spec, opponent="self"), seed, config)
    env_factory = kind.make_env_factory(resolve_opponent(env_spec), config)
    if len(env_factory.groups) > 1:
        return Team(kind, env_factory, env_factory.groups, seed=seed, config=config)
    return kind(env_factory, seed=seed, config=config)


def restored(kind: type[Agent], checkpoint: Checkpoint, *, learning: bool) -> Agent:
    """Return the agent of the `kind` in `checkpoint`: with environments if it goes on `learning`."""
    state = checkpoint.state
    env_spec = EnvSpec.from_json(state["env"]) if learning and state["env"] is not None else None
    groups = state.get("groups")
    if groups is not None:
        assert not kind.has_own_loop
        config = kind.config_from(state)
        env_factory = None if env_spec is None else kind.make_env_factory(env_spec, config)
        if env_factory is not None and [list(group) for group in env_factory.groups] != groups:
            raise SandlotError(
                f"{env_factory.name} has the players {in_words(env_factory.groups)}, "
                f"and the run's agents play {in_words(groups)}"
            )
        return Team.restored(kind, checkpoint, env_factory)
    if env_spec is None or not is_game(env_spec.id):
        return kind.restore(checkpoint, learning=learning)
    if env_spec.opponent != "self":
        return kind.restore(checkpoint, resolve_opponent(env_spec), learning=True)
    assert not kind.has_own_loop
    agent = _in_self_play(kind, env_spec, state["seed"], kind.config_from(state))
    spaces = Spaces(space_from_json(state["observation_space"]), space_from_json(state["action_space"]))
    if agent.spaces != spaces:
        raise SandlotError(f"the agent was trained with other spaces than those of {env_spec.id}: {spaces}")
    agent.env_step = state["env_step"]
    agent.load_tensors(checkpoint.tensors)
    return agent


def _in_self_play(kind: type[Agent], env_spec: EnvSpec, seed: int, config: Any) -> Agent:
    from .self_play import SelfPlay  # late: it needs torch, and tabular agents don't

    return SelfPlay.make(kind, env_spec, seed=seed, config=config)


def in_words(groups: Sequence[Sequence[str]]) -> str:
    """Return the names of the players of groups."""
    return " and ".join(", ".join(group) for group in groups)
