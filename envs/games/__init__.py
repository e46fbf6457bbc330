"""Multi-agent environments, as batches of rows that a single agent learns from.

The training loop, the agents and the buffers know nothing of players; they see rows. There are two kinds:

- Parallel (PettingZoo's parallel environments, in which all players act at once): each row is one player of one game.
  A player who is out before the game ends is a row with `valid` false. Players with equal spaces form a group, whose
  rows one agent learns from, so that any agent works unchanged; with several groups (different spaces, or a network
  for each player) the observation is a tuple with an entry for each group, and `agents.Team` has an agent for each.
- Turn-based against opponents (`OpponentEnv`): each row is a game, seen by the player that the learner controls. The
  opponents' moves are part of the environment's step. An opponent is anything with an agent's `select_action`: a
  script, a trained agent, past selves. The learner moves on to the next player with each episode.

Some games run on implementations of our own, thousands at once, tested move by move against PettingZoo's, on which
evaluation and videos run. All report the ends of episodes themselves (`envs.vector.TransitionInfo`).
"""

from sandlot.envs.opponent import Opponent, OpponentPolicy
from sandlot.envs.registry import is_game

from .base import Games
from .boards import ConnectFour, TicTacToe
from .factory import game_batch, game_single, games_of, opponent_name, opponents_in, takes_turns
from .opponent_env import OpponentEnv
from .opponents import SCRIPTED_OPPONENTS, RandomOpponent, make_opponent

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
    "make_opponent",
    "opponent_name",
    "opponents_in",
    "takes_turns",
]
