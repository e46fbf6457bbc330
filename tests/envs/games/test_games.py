"""Multi-agent environments: our implementations against PettingZoo's, rows of players, scripted opponents."""

import numpy as np
import pytest

from sandlot.envs import MASK, REST, EnvSpec
from sandlot.envs.games import ConnectFour, TicTacToe, games_of, make_opponent
from sandlot.envs.games.base import Games
from sandlot.envs.games.pettingzoo import make_game
from sandlot.envs.games.spread import Spread
from sandlot.envs.vector import TRANSITION_INFO
from sandlot.tracking import SandlotError

pytestmark = pytest.mark.shapes
BOARDS = ("pettingzoo/tictactoe_v3", "pettingzoo/connect_four_v3")
EVERY = np.arange(3)


@pytest.mark.parametrize("env", BOARDS)
def test_boards_match_pettingzoo_move_by_move(env: str):
    env_spec = EnvSpec(env)
    ours, theirs, rng = games_of(env_spec, 1), games_of(env_spec, 1, exact=True), np.random.default_rng(0)
    assert type(ours) is not type(theirs)
    assert (ours.observation_space, ours.action_space) == (theirs.observation_space, theirs.action_space)
    one, ends = np.zeros(1, int), []
    for _ in range(60):
        for games in (ours, theirs):
            games.restart(one)
        while not ours.out[0, 0]:
            assert_same(ours, theirs)
            mask = ours.observe(one, ours.turn)[MASK][0]
            action = rng.choice(np.flatnonzero(mask), 1)
            for games in (ours, theirs):
                games.play(one, action)
        assert_same(ours, theirs)
        ends.append(ours.score[0, 0])
    assert {-1.0, 1.0} <= set(ends)


def assert_same(ours: Games, theirs: Games) -> None:
    for name in ("score", "terminated", "truncated"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), name)
    if not ours.out[0, 0]:
        assert ours.turn[0] == theirs.turn[0]
    for player in range(2):
        seen = [games.observe(np.zeros(1, int), np.array([player])) for games in (ours, theirs)]
        for part in (REST, MASK):
            # At the end PettingZoo still shows legal moves to whose turn it would be; no player moves there.
            if part == REST or not ours.out[0, 0]:
                np.testing.assert_array_equal(seen[0][part], seen[1][part], part)


def test_a_draw_has_no_reward_and_games_are_independent():
    games = TicTacToe(3)
    games.restart(EVERY)
    for move in (0, 1, 2, 4, 3, 5, 7, 6, 8):  # x o x / x o o / o x x
        games.play(np.array([1]), np.array([move]))
    assert games.terminated[1].all()
    assert not games.score.any()
    assert not games.terminated[[0, 2]].any()
    assert not games.pieces[[0, 2]].any()


def test_an_illegal_move_is_an_error():
    games = ConnectFour(3)
    games.restart(EVERY)
    for _ in range(6):
        games.play(EVERY, np.array([3, 3, 0]))
    with pytest.raises(ValueError, match="illegal move"):
        games.play(EVERY, np.array([3, 0, 1]))


def observation_after(game: Games, moves: list[int]) -> dict[str, np.ndarray]:
    game.restart(np.arange(1))
    for move in moves:
        game.play(np.zeros(1, int), np.array([move]))
    return game.observe(np.zeros(1, int), game.turn)


def test_the_tactical_opponent_wins_before_it_blocks():
    game, player = ConnectFour(1), make_opponent("scripted", BOARDS[1], ConnectFour(0).action_space)

    def answers(moves: list[int]) -> set[int]:
        observation = observation_after(game, moves)
        return {int(player.select_action(observation, None, np.ones(1, bool), True)[0][0]) for _ in range(20)}

    assert answers([0, 6, 1, 6, 2]) == {3}  # blocks 0 1 2 _
    assert answers([0, 6, 1, 6, 2, 6]) == {3}  # wins with 3 rather than block at 6
    assert len(answers([])) > 3


def test_the_perfect_opponent_never_loses_tic_tac_toe():
    env_spec = EnvSpec(BOARDS[0], opponent="scripted")
    batch, rng, ended = env_spec.batch(64), np.random.default_rng(0), 0
    observation = batch.reset(seed=0)
    for _ in range(30):
        action = np.where(observation[MASK] > 0, rng.random((64, 9)), -1).argmax(1)
        step = batch.step(action)
        observation = step.observation
        assert (step.reward <= 0).all()
        ended += 0 if step.episodes is None else len(step.episodes.returns)
    assert ended > 100
    assert batch.backend == "numpy"


@pytest.mark.parametrize("exact", [False, True])
def test_the_learner_changes_players_with_each_episode(exact: bool):
    batch = EnvSpec(BOARDS[0], opponent="random").batch(2, exact=exact)
    observation = batch.reset(seed=0)
    first_moves = [observation[REST].sum((1, 2, 3)).tolist()]
    while len(first_moves) < 4:
        step = batch.step(observation[MASK].argmax(1))
        observation = step.observation
        assert step.valid.all()
        assert not step.truncated.any()
        for row in np.flatnonzero(step.episode_start):
            assert observation[REST][row].sum() in (0, 1)
            assert step.next_observation[REST][row].sum() > 4
            if row == 0:
                first_moves.append(observation[REST].sum((1, 2, 3)).tolist())
    assert first_moves[0] == [0, 1], "the learner is the first player in the first game, the second in the second"
    assert [pieces[0] for pieces in first_moves] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("env_spec", "message"),
    [
        (EnvSpec("pettingzoo/tictactoe_v9"), "did you mean pettingzoo/tictactoe_v3"),
        (EnvSpec("pettingzoo/tictactoe_v3", {"size": 4}), "does not take these options"),
        (EnvSpec("pettingzoo/tictactoe_v3", opponent="grandma"), "there is no opponent 'grandma'"),
        (EnvSpec("pettingzoo/go_v5", opponent="scripted"), "there is no scripted opponent for pettingzoo/go_v5"),
        (EnvSpec("CartPole-v1", opponent="random"), "CartPole-v1 has one player"),
        (EnvSpec("mpe2/simple_tag_v3", opponent="random"), "have different spaces"),
    ],
)
def test_errors_name_the_mistake(env_spec: EnvSpec, message: str):
    with pytest.raises(SandlotError, match=message):
        env_spec.batch(2)


@pytest.mark.parametrize("kwargs", [{}, {"N": 4, "local_ratio": 0.2, "max_cycles": 12}])
def test_spread_matches_mpe_step_by_step(kwargs: dict[str, float]):
    theirs, rng = make_game("mpe2/simple_spread_v3", "parallel_env", kwargs), np.random.default_rng(0)
    ours = Spread(2, **kwargs)
    assert ours.single_observation_space == theirs.observation_space("agent_0")
    assert ours.single_action_space == theirs.action_space("agent_0")
    for seed in range(4):
        seen, _ = theirs.reset(seed=seed)
        ours.reset(seed=seed)
        core, cut = theirs.unwrapped.world, False
        for agents, where in ((core.agents, ours.position), (core.landmarks, ours.landmark)):
            for index, agent in enumerate(agents):
                agent.state.p_pos = rng.uniform(-0.4, 0.4, 2)  # near each other, so that they collide
                where[1, index] = agent.state.p_pos
        while not cut:
            action = rng.integers(5, size=ours.agents)
            seen, reward, _, truncated, _ = theirs.step(dict(zip(ours.groups[0], action.tolist(), strict=True)))
            _, earned, terminated, done, info = ours.step(np.tile(action, 2))
            cut = truncated["agent_0"]
            mine = slice(ours.agents, None)
            np.testing.assert_allclose(
                info[TRANSITION_INFO].next_observation[mine], np.stack(list(seen.values())), atol=1e-5
            )
            np.testing.assert_allclose(earned[mine], list(reward.values()), atol=1e-8)
            assert (done == cut).all()
            assert not terminated.any()
