"""From an algorithm and a world to who will learn it: one agent, a team, or one in self-play."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandlot.agents.base import Agent, Player, Spaces
from sandlot.agents.recipes import recipe_config
from sandlot.envs import World, space_from_json
from sandlot.envs.games import is_game, takes_turns
from sandlot.tracking import Checkpoint, SandlotError

from .opponents import seat_opponent
from .team import Team


def agent_for(kind: type[Player], env: str | World, *, seed: int = 0, config: Any = None) -> Player:
    """Return a new agent of the `kind` for a world with any number of players.

    In games of turns it learns against the world's opponent, by default against itself. Where all move at once,
    players with equal spaces share an agent, unless the world wants them separate.
    """
    world = World.of(env)
    if not is_game(world.id):
        return kind(world, seed=seed, config=config)
    if not issubclass(kind, Agent):
        raise SandlotError(f"{kind.name} knows one player; games of several, such as {world.id}, are for ppo, dqn, …")
    config = recipe_config(kind.name, kind.Config, world.id) if config is None else config
    if takes_turns(world) and world.opponent in (None, "self"):
        return _in_self_play(kind, replace(world, opponent="self"), seed, config)
    source = kind.make_source(seat_opponent(world), config)
    if len(source.groups) > 1:
        return Team(kind, source, source.groups, seed=seed, config=config)
    return kind(source, seed=seed, config=config)


def restored(kind: type[Player], checkpoint: Checkpoint, *, learning: bool) -> Player:
    """Return the agent in `checkpoint`, of the `kind`; unless it goes on `learning`, without environments."""
    state = checkpoint.state
    world = World.from_json(state["env"]) if learning and state["env"] is not None else None
    groups = state.get("groups")
    if groups is not None:
        assert issubclass(kind, Agent)
        config = kind.config_from(state)
        source = None if world is None else kind.make_source(world, config)
        if source is not None and [list(group) for group in source.groups] != groups:
            raise SandlotError(
                f"{source.name} has the players {in_words(source.groups)}, and the run's agents play {in_words(groups)}"
            )
        return Team.restored(kind, checkpoint, source)
    if world is None or not is_game(world.id):
        return kind.restore(checkpoint, learning=learning)
    if world.opponent != "self":
        return kind.restore(checkpoint, seat_opponent(world), learning=True)
    assert issubclass(kind, Agent)
    agent = _in_self_play(kind, world, state["seed"], kind.config_from(state))
    known = Spaces(space_from_json(state["observation_space"]), space_from_json(state["action_space"]))
    if agent.spaces != known:
        raise SandlotError(f"the agent was trained with other spaces than those of {world.id}: {known}")
    agent.env_step = state["env_step"]
    agent.load_tensors(checkpoint.tensors)
    return agent


def _in_self_play(kind: type[Agent], world: World, seed: int, config: Any) -> Player:
    from .self_play import SelfPlay  # late, since it needs torch, and agents with tables don't

    return SelfPlay.make(kind, world, seed=seed, config=config)


def in_words(groups: Sequence[Sequence[str]]) -> str:
    """Return the players of groups."""
    return " and ".join(", ".join(group) for group in groups)
