"""Choose the kind of session for an agent."""

from sandlot.cli.target import ResolvedTarget
from sandlot.envs.games import games_of, is_game, takes_turns
from sandlot.envs.games.boards import RowGame

from .board import BoardSession
from .control import ControlSession
from .session import Session


def session_for(found: ResolvedTarget, seed: int, *, deterministic: bool) -> Session:
    """Return a session for the agent `found`: a board game, or its environment."""
    env_spec = found.env_spec
    on_a_board = is_game(env_spec.id) and takes_turns(env_spec) and isinstance(games_of(env_spec, 0), RowGame)
    kind = BoardSession if on_a_board else ControlSession
    return kind(found, seed, deterministic=deterministic)
