"""Make multi-agent environments: a batch of rows, or a single game."""

from typing import Any

import gymnasium
import numpy as np

from sandlot.envs.description import EnvDescription
from sandlot.envs.opponent import Opponent
from sandlot.envs.tree import tree_map
from sandlot.envs.vector import EnvBatch
from sandlot.envs.wrappers import NONE
from sandlot.tracking import SandlotError

from .aec import AecGames
from .base import Games
from .boards import ConnectFour, RowGame, TicTacToe
from .opponent_env import OpponentEnv
from .opponents import SCRIPTED_OPPONENTS, make_opponent
from .parallel import ParallelGames, groups_of
from .pettingzoo import make_game, module_of
from .spread import OPTIONS, Spread

BOARDS: dict[str, type[RowGame]] = {"pettingzoo/tictactoe_v3": TicTacToe, "pettingzoo/connect_four_v3": ConnectFour}
"""Our implementation of a game, by id."""
SPREAD = "mpe2/simple_spread_v3"


def takes_turns(env_spec: EnvDescription) -> bool:
    """Return whether `env_spec` is played turn by turn: it has no parallel form, or an opponent was asked for."""
    return env_spec.opponent is not None or getattr(module_of(env_spec.id), "parallel_env", None) is None


def games_of(env_spec: EnvDescription, num_games: int, *, exact: bool = False, render: bool = False) -> Games:
    """Return turn-based games of `env_spec`, in our implementation if there is one; with `exact`, in PettingZoo's."""
    wrappers = env_spec.resolved_wrappers
    if env_spec.id in BOARDS and not env_spec.kwargs and not exact and wrappers == NONE:
        return BOARDS[env_spec.id](num_games)
    how = {"render": render, "wrapper": wrappers.wrapper}
    envs = [make_game(env_spec.id, "env", env_spec.kwargs, **how) for _ in range(max(num_games, 1))]
    return AecGames(envs, env_spec.id, wrappers)


def game_batch(env_spec: EnvDescription, num_games: int, *, exact: bool = False) -> EnvBatch:
    """Return `num_games` games of `env_spec` as a batch of rows."""
    rows = _rows_of(env_spec, num_games, exact=exact)
    ours = isinstance(rows, Spread) or (isinstance(rows, OpponentEnv) and not isinstance(rows.games, AecGames))
    return EnvBatch(rows, env_spec.id, "numpy" if ours else "pettingzoo")


def game_single(env_spec: EnvDescription, *, render: bool = False) -> gymnasium.Env:
    """Return one game of `env_spec`: as one player if they take turns, else with a leading player axis."""
    kind = SinglePlayerGame if takes_turns(env_spec) else SingleGame
    return kind(_rows_of(env_spec, 1, exact=True, render=render, autoreset=False))


class SingleGame(gymnasium.Env):
    """One game in which all players act at once; observations and actions have a leading player axis.

    The reward is the mean over the players.
    """

    def __init__(self, rows: OpponentEnv | ParallelGames | Spread):
        self.rows, self.num_rows = rows, rows.num_envs
        self.observation_space, self.action_space = rows.single_observation_space, rows.single_action_space
        self.metadata = {**rows.metadata, "render_modes": ["rgb_array"]}
        self.render_mode = "rgb_array"

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._out = np.zeros(self.num_rows, bool)
        return self.rows.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, _ = self.rows.step(action)
        self._out |= terminated | truncated
        over, truncated_any = bool(self._out.all()), bool(truncated.any())
        return observation, float(reward.mean()), over and not truncated_any, over and truncated_any, {}

    def render(self) -> Any:
        return self.rows.render()

    def close(self) -> None:
        self.rows.close()


class SinglePlayerGame(SingleGame):
    """One turn-based game as a single-agent environment. `options={"player": …}` chooses the player, by index."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = super().reset(seed=seed, options=options)
        return tree_map(lambda leaf: leaf[0], observation), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(np.asarray(action)[None])
        return tree_map(lambda leaf: leaf[0], observation), reward, terminated, truncated, info


def _rows_of(
    env_spec: EnvDescription, num_games: int, *, exact: bool = False, render: bool = False, autoreset: bool = True
) -> OpponentEnv | ParallelGames | Spread:
    if num_games < 1:
        raise SandlotError(f"num_envs must be at least 1, not {num_games}")
    if takes_turns(env_spec):
        games = games_of(env_spec, num_games, exact=exact, render=render)
        return OpponentEnv(games, opponents_in(env_spec, games), openings=env_spec.openings, autoreset=autoreset)
    # Made and closed for its error message about unknown options.
    make_game(env_spec.id, "parallel_env", env_spec.kwargs).close()
    wrappers = env_spec.resolved_wrappers
    ours = env_spec.id == SPREAD and not (exact or env_spec.separate) and wrappers == NONE
    if ours and set(env_spec.kwargs) <= set(OPTIONS):
        return Spread(num_games, **env_spec.kwargs)
    how = {"render": render, "wrapper": wrappers.wrapper}
    envs = [make_game(env_spec.id, "parallel_env", env_spec.kwargs, **how) for _ in range(num_games)]
    groups = groups_of(envs[0], env_spec.separate, env_spec.id)
    return ParallelGames(envs, groups, autoreset=autoreset, wrappers=wrappers)


def opponent_name(env_spec: EnvDescription) -> str:
    """Return the opponent's name; outside training, past selves are replaced by the scripted or random opponent."""
    if env_spec.opponent not in (None, "self"):
        return str(env_spec.opponent)
    return "scripted" if env_spec.id in SCRIPTED_OPPONENTS else "random"


def opponents_in(env_spec: EnvDescription, games: Games) -> Opponent:
    """Return the opponent in `games` of `env_spec`: its `opponent_policy`, or the one called by its name."""
    return env_spec.opponent_policy or make_opponent(opponent_name(env_spec), env_spec.id, games.action_space)
