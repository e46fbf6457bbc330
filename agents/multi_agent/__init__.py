"""Agents in games of several players: opponents, matches, self-play, teams."""

from .factory import agent_for, restored
from .matches import Score, is_cooperative, match, play_games
from .opponents import AgentOpponent, env_spec_of, resolve_opponent
from .team import Team

__all__ = [
    "AgentOpponent",
    "Score",
    "Team",
    "agent_for",
    "env_spec_of",
    "is_cooperative",
    "match",
    "play_games",
    "resolve_opponent",
    "restored",
]
