"""Agents in games of several players: rows of players, teams, opponents, self-play."""

import signal
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from gymnasium import spaces

from sandlot.agents import DQN, PPO, QLearning
from sandlot.agents.callbacks import EvaluationCallback
from sandlot.agents.evaluation import evaluate
from sandlot.agents.loading import load_agent
from sandlot.agents.multi_agent import AgentOpponent, Score, Team, agent_for, match, resolve_opponent
from sandlot.agents.multi_agent.opponent_pool import POOL_SIZE, OpponentPool
from sandlot.agents.multi_agent.ratings import elo, expected
from sandlot.agents.multi_agent.self_play import SelfPlay
from sandlot.cli import main
from sandlot.envs import MASK, EnvBatch, EnvFactory, EnvSpec, tree_leaves
from sandlot.envs.games import games_of, make_opponent
from sandlot.envs.games.parallel import ParallelGames, groups_of
from sandlot.tracking import Run, SandlotError, read_metrics, write_checkpoint
from tests.commands import (  # noqa: F401
    final_weights,
    in_a_folder_of_its_own,
    runs,
    sandlot,
    stopped_after_a_checkpoint,
)

TICTACTOE, SPREAD = "pettingzoo/tictactoe_v3", "mpe2/simple_spread_v3"
TINY = {"num_envs": 8, "num_steps": 16, "batch_size": 64, "epochs": 1, "hidden": (16,)}
SMALL = PPO.Config(**TINY)


class Lives:
    """Two players see the time and guess a bit for 1 each; `a` is out after 2 steps, `b` after 3 or by the clock."""

    possible_agents = ("a", "b")
    metadata: ClassVar = {"render_fps": 5}

    def __init__(self, truncates: bool = False):
        self.truncates = truncates

    def observation_space(self, agent):
        return spaces.Box(0, 9, (1,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(2)

    def reset(self, seed=None):
        self.time, self.agents = 0, ["a", "b"]
        return self._seen(), {}

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self.time += 1
        seen, reward = self._seen(), {agent: float(action) for agent, action in actions.items()}
        over = {"a": self.time == 2, "b": self.time == 3}
        cut = {agent: over[agent] and self.truncates for agent in self.agents}
        ends = {agent: over[agent] and not self.truncates for agent in self.agents}
        self.agents = [agent for agent in self.agents if not over[agent]]
        return seen, reward, ends, cut, {agent: {} for agent in seen}

    def _seen(self):
        return {agent: np.array([self.time], np.float32) for agent in self.agents}

    def close(self):
        pass


@pytest.mark.shapes
@pytest.mark.parametrize("truncates", [False, True])
def test_a_player_who_is_out_waits_without_acting(truncates: bool):
    batch = EnvBatch(ParallelGames([Lives(truncates), Lives(truncates)], [("a", "b")]), "lives")
    assert batch.reset(0).tolist() == [[0], [0], [0], [0]]
    ones = np.ones(4, np.int64)
    step = batch.step(ones)
    assert step.valid.all()
    assert not (step.terminated | step.truncated | step.episode_start).any()
    step = batch.step(ones)
    out = step.truncated if truncates else step.terminated
    assert out.tolist() == [True, False, True, False]
    assert step.episodes.returns.tolist() == [2, 2]
    assert not step.episode_start.any()
    step = batch.step(ones)
    assert step.valid.tolist() == [False, True, False, True]
    assert step.reward.tolist() == [0, 1, 0, 1]
    assert step.episode_start.all(), "all rows of a game begin the next one together"
    assert step.observation.tolist() == [[0], [0], [0], [0]]
    assert step.next_observation.tolist() == [[2], [3], [2], [3]]
    assert step.episodes.lengths.tolist() == [3, 3]
    assert batch.step(ones).valid.all()


@pytest.mark.parametrize("kind", [PPO, DQN])
def test_rows_of_players_are_learned_from(kind):
    batch = EnvBatch(ParallelGames([Lives() for _ in range(4)], [("a", "b")]), "lives")
    options = {"num_envs": 4, "hidden": (16,), "learning_rate": 1e-2}
    options |= {"num_steps": 16, "batch_size": 64} if kind is PPO else {"learning_starts": 50, "gamma": 0.5}
    agent = kind(batch, seed=0, **options).learn(1_500)
    seen = np.array([[0], [1], [2]], np.float32)
    assert agent.predict(seen, deterministic=True)[0].tolist() == [1, 1, 1]
    assert agent.env_step < 1_700, "rows that wait are no env steps"


@pytest.mark.shapes
def test_players_with_other_spaces_or_on_request_are_groups_of_their_own():
    class Unlike(Lives):
        def action_space(self, agent):
            return spaces.Discrete(2 if agent == "a" else 3)

    assert groups_of(Lives(), False, "x") == [("a", "b")]
    assert groups_of(Lives(), True, "x") == [("a",), ("b",)]
    assert groups_of(Unlike(), False, "x") == [("a",), ("b",)]
    batch = EnvBatch(ParallelGames([Unlike(), Unlike()], [("a",), ("b",)]), "unlike")
    assert [part.shape for part in batch.reset(0)] == [(2, 1), (2, 1)]
    step = batch.step((np.array([0, 1]), np.array([2, 0])))
    assert step.reward.tolist() == [0, 1, 2, 0], "rows are sorted by group"
    assert batch.game.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("kind", [PPO, DQN])
def test_a_team_learns_saves_and_plays(kind, tmp_path):
    config = (
        replace(SMALL, num_envs=2, num_steps=128)
        if kind is PPO
        else DQN.Config(num_envs=2, hidden=(16,), learning_starts=50)
    )
    team = agent_for(kind, "mpe2/simple_tag_v3", seed=1, config=config)
    assert isinstance(team, Team)
    assert team.labels == ["adversary", "agent_0"]
    with Run.create(tmp_path, "tag", {"agent": kind.name, "steps": 1_100}, wandb="disabled") as run:
        team.learn(1_100, record=run)
        run.finish({"status": "finished"})
    assert any(name.startswith("adversary/loss") for row in read_metrics(run.folder) for name in row)
    again = load_agent(run, learning=True)
    assert [member.env_step for member in again.members] == [member.env_step for member in team.members]
    assert sum(member.env_step for member in team.members) == team.env_step
    for name, array in team.tensors().items():
        np.testing.assert_array_equal(array, again.tensors()[name])
    found = evaluate(load_agent(run), "mpe2/simple_tag_v3", episodes=2)
    assert len(found.returns) == 8, "each player of each game counts"
    folder, checkpoint = run.checkpoint()
    other = EnvSpec("mpe2/simple_tag_v3", {"num_adversaries": 2}).to_json()
    write_checkpoint(folder, checkpoint.tensors, {**checkpoint.state, "env": other})
    with pytest.raises(SandlotError, match="has the players adversary_0, adversary_1 and agent_0, and the run's"):
        load_agent(run, learning=True)


def test_players_with_equal_spaces_share_one_agent_unless_told():
    config = replace(SMALL, num_envs=4)
    assert isinstance(agent_for(PPO, SPREAD, config=config), PPO)
    team = agent_for(PPO, EnvSpec(SPREAD, separate=True), config=config)
    assert team.labels == ["agent_0", "agent_1", "agent_2"]
    one, two, _ = team.members
    differing = [name for name, array in one.tensors().items() if not np.array_equal(array, two.tensors()[name])]
    assert any(name.startswith("policy.") for name in differing)


def test_each_segment_has_as_many_games():
    env_factory = EnvFactory(EnvSpec(SPREAD), 2)
    assert [env_factory.batch().num_envs, env_factory.batch().num_envs, env_factory.num_envs] == [6, 6, 6]


def test_elo_by_hand():
    points = np.array([[0.0, 2.5], [7.5, 0.0]])  # with the drawn game more: 8 to 3
    assert elo(points)[1] == pytest.approx(400 * np.log10(8 / 3), abs=1e-6)
    assert expected(elo(points)[1]) == pytest.approx(8 / 11)
    assert np.isfinite(elo(np.array([[0.0, 0.0], [100.0, 0.0]]))).all()


def test_scores_count_from_both_sides():
    games = games_of(EnvSpec(TICTACTOE), 40)
    perfect, chance = (make_opponent(name, TICTACTOE, games.action_space, 1) for name in ("scripted", "random"))
    first, second = match(games, perfect, chance)
    assert first.games == second.games == 40
    assert first.losses == second.losses == 0
    assert first.share > 0.9
    assert Score(3, 2, 1).reversed == Score(1, 2, 3)
    assert Score(1, 1, 0).share == 0.75


@pytest.mark.shapes
def test_an_opponent_with_a_memory_keeps_one_for_each_seat():
    agent = PPO(EnvSpec(TICTACTOE, opponent="random"), **TINY | {"network": "lstm", "memory_size": 8, "batch_size": 64})
    seated, alone = AgentOpponent(agent, deterministic=True), AgentOpponent(agent, deterministic=True)
    games = games_of(EnvSpec(TICTACTOE), 3)
    games.restart(np.arange(3))
    seen = [games.observe(np.array([row]), np.array([0])) for row in range(3)]
    both = {key: np.concatenate([part[key] for part in seen]) for key in seen[0]}
    seated.select_actions(np.array([0, 2, 9]), both, np.ones(3, bool))
    seated.select_actions(np.array([9]), seen[0], np.zeros(1, bool))
    one = {key: part[:1] for key, part in seen[0].items()}
    for begins in (True, False):
        alone.select_actions(np.array([0]), one, np.array([begins]))
    for many, single in zip(tree_leaves(seated._memory), tree_leaves(alone._memory), strict=True):
        np.testing.assert_allclose(many[9], single[0], atol=1e-6)


@pytest.mark.shapes
def test_past_selves_join_are_rated_and_thinned_out():
    agent = agent_for(PPO, TICTACTOE, seed=0, config=SMALL)
    assert isinstance(agent, SelfPlay)
    opponent_pool = agent.opponent_pool
    for step in range(POOL_SIZE + 4):
        opponent_pool.add(step * 1000)
    assert len(opponent_pool.steps) == POOL_SIZE + 1
    assert opponent_pool.steps[:2] == [-1, 0]
    assert opponent_pool.steps[-1] == (POOL_SIZE + 3) * 1000
    assert opponent_pool.points.shape == (POOL_SIZE + 1, POOL_SIZE + 1)
    opponent_pool.choose_opponents(3)
    assert len(opponent_pool._opponents) == 5
    assert np.bincount(opponent_pool._opponent_of_pair).tolist() == [4, 2, 2]  # 8 games: half against the present self
    copy = OpponentPool(opponent_pool.env_spec, 8)
    copy.load_state(opponent_pool.state())
    assert copy.steps == opponent_pool.steps
    np.testing.assert_array_equal(copy.points, opponent_pool.points)
    assert copy.weights[3].keys() == opponent_pool.weights[3].keys()


def test_self_play_learns_and_a_trained_agent_can_be_the_opponent(capsys):
    words = f"train ppo {TICTACTOE} --steps 12_000 --num-envs 64 --num-steps 16 --batch-size 256 --hidden 32"
    words += " --learning-rate 0.005 --wandb disabled --video-every 0 --checkpoint-every 6_000"
    assert main(words.split()) == 0
    run = Run.find(runs(), "latest")
    env_spec = run.config["env"]
    assert (env_spec["id"], env_spec["opponent"], env_spec["separate"]) == (TICTACTOE, "self", False)
    assert run.summary["elo/newest"] > 50
    assert list(run.folder.glob("images/step-*.png"))
    assert list(run.folder.glob("images/step-*.json"))
    assert any("elo/newest" in row for row in read_metrics(run.folder))
    learned = load_agent(run)
    chance = make_opponent("random", TICTACTOE, learned.spaces.action, 1)
    first, second = match(games_of(EnvSpec(TICTACTOE), 100), AgentOpponent(learned, deterministic=True), chance)
    assert first.share > 0.75
    assert second.share > 0.5
    capsys.readouterr()
    for opponent in ("random", "scripted", run.folder.name):
        assert main(["evaluate", "latest", "--episodes", "10", "--opponent", opponent]) == 0
        said = capsys.readouterr().out
        assert "moving first" in said
        assert opponent in said
    against = agent_for(PPO, resolve_opponent(EnvSpec(TICTACTOE, opponent=str(run.folder))), config=SMALL).learn(300)
    assert against.env_factory.env_spec.opponent == f"{run.folder}@{learned.env_step}"


@pytest.mark.shapes
def test_dqn_plays_itself():
    config = DQN.Config(num_envs=16, hidden=(16,), learning_starts=100, train_freq=64)
    agent = agent_for(DQN, TICTACTOE, config=config).learn(1_000)
    assert agent.opponent_pool.steps == [-1, 0]
    observation = agent.env_factory.batch().reset(0)
    action = agent.predict(observation, deterministic=True)[0]
    assert (observation[MASK][np.arange(16), action] == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        f"ppo {TICTACTOE} --steps 64_000 --checkpoint-every 16_000 --num-envs 64 --num-steps 16 --batch-size 256",
        "ppo mpe2/simple_tag_v3 --steps 4_000 --checkpoint-every 1_000 --num-envs 2 --num-steps 32 --batch-size 64",
    ],
)
def test_killed_and_resumed_ends_as_if_nothing_had_been(words: str):
    given = [
        *words.split(),
        "--hidden",
        "16",
        "--wandb",
        "disabled",
        "--video-every",
        "0",
        "--evaluation-episodes",
        "2",
    ]
    killed, status, _ = stopped_after_a_checkpoint(given, signal.SIGKILL)
    assert status == -signal.SIGKILL
    process = sandlot("resume", killed.folder.name)
    _, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    assert main(["train", *given]) == 0
    whole = Run.find(runs(), "latest")
    last = int(whole.checkpoints()[-1].name.removeprefix("step-"))
    for one, two in ((final_weights(killed), final_weights(whole)), (killed.experience(last), whole.experience(last))):
        assert one.keys() == two.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], name)
    assert killed.summary["evaluation"] == whole.summary["evaluation"]


def test_mistakes_are_named(capsys):
    for words, said in (
        (f"train ppo {TICTACTOE} --opponent nobody", "there is no opponent 'nobody': it is not random"),
        ("train ppo CartPole-v1 --opponent self", "CartPole-v1 has one player"),
        ("train ppo mpe2/simple_spred_v3", "did you mean mpe2/simple_spread_v3"),
        ("train sb3:ppo mpe2/simple_spread_v3", "sb3:ppo is for one player"),
        (f"train q-learning {TICTACTOE}", "self-play is for agents with networks"),
    ):
        assert main([*words.split(), "--wandb", "disabled"]) == 2
        assert said in capsys.readouterr().err
    assert not runs().exists()


def test_an_opponent_from_another_game_is_refused():
    config = {"agent": "ppo", "env": {"id": "CartPole-v1", "kwargs": {}}, "steps": 1}
    with Run.create(runs(), "cart", config, wandb="disabled") as run:
        run.finish({"status": "finished"})
    with pytest.raises(SandlotError, match=f"plays CartPole-v1, not {TICTACTOE}"):
        resolve_opponent(EnvSpec(TICTACTOE, opponent=run.folder.name))
    with pytest.raises(SandlotError, match="keeps a table"):
        agent_for(QLearning, TICTACTOE)


@pytest.mark.parametrize("env", [TICTACTOE, "mpe2/simple_tag_v3"])
def test_evaluations_change_nothing_about_what_is_learned(env):
    config = replace(SMALL, num_envs=4)
    evaluation = EvaluationCallback(every=100, episodes=4)
    alone = agent_for(PPO, env, seed=1, config=config).learn(1_500)
    watched = agent_for(PPO, env, seed=1, config=config).learn(1_500, callback=evaluation)
    assert len(evaluation.history) >= 2
    for name, array in alone.tensors().items():
        np.testing.assert_array_equal(array, watched.tensors()[name])
