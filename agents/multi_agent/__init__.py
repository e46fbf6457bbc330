"""Agents in games of several players: opponents, matches, self-play, teams."""

from .factory import agent_for, restored
from .matches import Score, match, play_games
from .opponents import Seated, seat_opponent, world_of
from .team import Team

__all__ = [
    "Score",
    "Seated",
    "Team",
    "agent_for",
    "match",
    "play_games",
    "restored",
    "seat_opponent",
    "world_of",
]
