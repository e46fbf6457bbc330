"""Games of several players, and how they fit where one agent meets a batch of environments.

The training loop, the agents and the buffers know nothing of players. What they see are rows, and three kinds of
worlds make rows of games:

- All move at once (PettingZoo's parallel environments): each row is one player of one game. A player who is out
  before the game ends is a row that doesn't act. Players with equal spaces form a group, whose rows one agent
  learns from, so any agent works unchanged; with several groups (other spaces, or a network for each player) the
  observation is a tuple with a part for each group, and `agents.Team` gives each part to an agent of its own.
- One moves after the other, against opponents (`OpponentEnv`): each row is a game, seen from the learner's seat. What
  the opponents do is a part of the environment's step. An opponent is whatever has a player's `select_action`: a
  rule, a trained agent, past selves. Seats are swapped with each episode.
- The boards of some of these games are ours, thousands at once, and tested move by move against PettingZoo's,
  on which evaluation and films run.

Our environments tell the truth about episode ends themselves (`envs.vector.TransitionInfo`).
"""

from .base import Games
from .boards import ConnectFour, TicTacToe
from .factory import game_batch, game_single, games_of, opponent_name, opponents_in, takes_turns
from .opponent_env import OpponentEnv
from .opponents import SCRIPTED_OPPONENTS, Opponent, OpponentPolicy, RandomOpponent, rule
from .pettingzoo import is_game

__all__ = [
    "SCRIPTED_OPPONENTS",
    "ConnectFour",
    "Games",
    "Opponent",
    "OpponentEnv",
    "OpponentPolicy",
    "RandomOpponent",
    "TicTacToe",
    "game_batch",
    "game_single",
    "games_of",
    "is_game",
    "opponent_name",
    "opponents_in",
    "rule",
    "takes_turns",
]
