"""From a world that is a game to a batch of its rows, or to one game to film."""

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from sandlot.envs.tree import tree_map
from sandlot.envs.vector import EnvBatch
from sandlot.tracking import SandlotError

from .aec import AecGames
from .base import Games
from .boards import ConnectFour, RowGame, TicTacToe
from .opponent_env import OpponentEnv
from .opponents import SCRIPTED_OPPONENTS, Opponent, rule
from .parallel import ParallelGames, groups_of
from .pettingzoo import make_game, module_of
from .spread import TAKES, Spread

if TYPE_CHECKING:
    from sandlot.envs.spec import EnvSpec

BOARDS: dict[str, type[RowGame]] = {"pettingzoo/tictactoe_v3": TicTacToe, "pettingzoo/connect_four_v3": ConnectFour}
"""By id, our boards of the same game."""
SPREAD = "mpe2/simple_spread_v3"


def takes_turns(env_spec: "EnvSpec") -> bool:
    """Tell whether `env_spec` is played seat against seat: it has no other way, or opponents were asked for."""
    return env_spec.opponent is not None or not hasattr(module_of(env_spec.id), "parallel_env")


def games_of(env_spec: "EnvSpec", num_games: int, *, exact: bool = False, render: bool = False) -> Games:
    """Return turn-based games of `env_spec`: on our boards if there are any, `exact` on PettingZoo's own."""
    if env_spec.id in BOARDS and not env_spec.kwargs and not exact:
        return BOARDS[env_spec.id](num_games)
    envs = [make_game(env_spec.id, "env", env_spec.kwargs, render=render) for _ in range(max(num_games, 1))]
    return AecGames(envs, env_spec.id)


def game_batch(env_spec: "EnvSpec", num_games: int, *, exact: bool = False) -> EnvBatch:
    """Return `num_games` games of `env_spec` as a batch of rows."""
    rows = _rows_of(env_spec, num_games, exact=exact)
    ours = isinstance(rows, Spread) or (isinstance(rows, OpponentEnv) and not isinstance(rows.games, AecGames))
    return EnvBatch(rows, env_spec.id, "numpy" if ours else "pettingzoo")


def game_single(env_spec: "EnvSpec", *, render: bool = False) -> gymnasium.Env:
    """Return one game of `env_spec`: from one seat if players take turns, else with an axis for the players' rows."""
    kind = OneSeat if takes_turns(env_spec) else OneGame
    return kind(_rows_of(env_spec, 1, exact=True, render=render, autoreset=False))


class OneGame(gymnasium.Env):
    """One game in which all move at once: the first axis of observations and actions is that of the players.

    The reward is the players' mean.
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
        over, cut = bool(self._out.all()), bool(truncated.any())
        return observation, float(reward.mean()), over and not cut, over and cut, {}

    def render(self) -> Any:
        return self.rows.render()

    def close(self) -> None:
        self.rows.close()


class OneSeat(OneGame):
    """One game of turns from one seat, as an environment of one agent. `options={"seat": …}` chooses the seat."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = super().reset(seed=seed, options=options)
        return tree_map(lambda leaf: leaf[0], observation), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, *rest = super().step(np.asarray(action)[None])
        return (tree_map(lambda leaf: leaf[0], observation), *rest)  # pyright: ignore[reportReturnType]


def _rows_of(
    env_spec: "EnvSpec", num_games: int, *, exact: bool = False, render: bool = False, autoreset: bool = True
) -> OpponentEnv | ParallelGames | Spread:
    if num_games < 1:
        raise SandlotError(f"num_envs must be at least 1, not {num_games}")
    if takes_turns(env_spec):
        games = games_of(env_spec, num_games, exact=exact, render=render)
        return OpponentEnv(games, opponents_in(env_spec, games), openings=env_spec.openings, autoreset=autoreset)
    make_game(
        env_spec.id, "parallel_env", env_spec.kwargs
    ).close()  # which says what is wrong with the options, if it is
    if env_spec.id == SPREAD and not (exact or env_spec.separate) and set(env_spec.kwargs) <= set(TAKES):
        return Spread(num_games, **env_spec.kwargs)
    envs = [make_game(env_spec.id, "parallel_env", env_spec.kwargs, render=render) for _ in range(num_games)]
    return ParallelGames(envs, groups_of(envs[0], env_spec.separate, env_spec.id), autoreset=autoreset)


def opponent_name(env_spec: "EnvSpec") -> str:
    """Return who sits opposite: for past selves, outside of training, the best rule there is."""
    if env_spec.opponent not in (None, "self"):
        return str(env_spec.opponent)
    return "scripted" if env_spec.id in SCRIPTED_OPPONENTS else "random"


def opponents_in(env_spec: "EnvSpec", games: Games) -> Opponent:
    """Return who sits opposite in `games` of `env_spec`: those it brings, or a rule by name."""
    return env_spec.opponent_policy or rule(opponent_name(env_spec), env_spec.id, games.action_space)
