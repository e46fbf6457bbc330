"""Success rates, evaluations that are cut, and sampled actions beside the likeliest ones."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import PPO
from sandlot.agents.evaluation import evaluate, evaluate_sampled
from sandlot.cli import main
from sandlot.envs import EnvSpec, available_cores, make
from sandlot.tracking import Run, read_metrics
from tests.commands import in_a_folder_of_its_own, runs  # noqa: F401 (a fixture)
from tests.environments import Endless


class Succeeds(Endless):
    """Succeeds in every other episode, and says so by `key`: at the end, or in the first step."""

    def __init__(self, key="is_success", odd=False):
        super().__init__(horizon=4)
        self.key, self.episode = key, int(odd)

    def reset(self, *, seed=None, options=None):
        self.episode += 1
        return super().reset(seed=seed)

    def step(self, action):
        observation, reward, terminated, truncated, _ = super().step(action)
        now = self.time == 1 if self.key == "success" else truncated
        return observation, reward, terminated, truncated, {self.key: float(now and self.episode % 2 == 0)}


gymnasium.register("tests/Succeeds-v0", entry_point=Succeeds, disable_env_checker=True)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("key", ["is_success", "success"])
def test_success_is_read_at_the_end_or_from_any_step(mode, key):
    batch = make(SyncVectorEnv([lambda: Succeeds(key), lambda: Succeeds(key, odd=True)], autoreset_mode=mode))
    batch.reset(0)
    told = []
    for _ in range(20):
        episodes = batch.step(np.zeros(2, int)).episodes
        if episodes is not None:
            told += [(int(env), bool(won)) for env, won in zip(episodes.envs, episodes.successes, strict=True)]
    assert [won for env, won in told if env == 0][:4] == [False, True, False, True]
    assert [won for env, won in told if env == 1][:4] == [True, False, True, False]


def test_success_rates_are_logged_and_printed(capsys):
    words = ["train", "ppo", "tests/Succeeds-v0", "--steps", "960", "--num-envs", "2", "--num-steps", "16", "--hidden",
             "8", "--batch-size", "32", "--wandb", "disabled", "--video-every", "0",
             "--evaluation-episodes", "10"]  # fmt: skip
    assert main(words) == 0
    assert "success    100.0 %" in capsys.readouterr().out
    run = Run.find(runs(), "latest")
    assert any("episode/success_rate" in row for row in read_metrics(run.folder))
    assert run.summary["evaluation"]["success_rate"] == 1.0
    assert run.summary["evaluation_sampled"]["return"] == 4
    assert main(["evaluate", "latest", "--episodes", "4"]) == 0
    printed = capsys.readouterr().out
    assert "success" in printed
    assert "with actions drawn from the policy" in printed


def test_an_evaluation_ends_with_its_time(monkeypatch):
    agent = PPO("tests/Endless-v0", hidden=(8,), num_envs=1)
    clock = iter(np.arange(0.0, 1e6, 0.1))
    monkeypatch.setattr("sandlot.agents.evaluation.time.monotonic", lambda: next(clock))
    seen = []
    batch = make(SyncVectorEnv([Endless]))
    found = evaluate(agent, batch, episodes=50, seconds=2.0, progress=lambda done, mean: seen.append((done, mean)))
    assert found.cut
    assert found.returns.tolist() == [8.0, 8.0]
    assert seen == [(1, 8.0), (2, 8.0)]
    found = evaluate(agent, batch, episodes=50, seconds=0.35)
    assert (found.cut, found.returns.tolist()) == (True, [4.0]), "the episode under way counts if there is no other"


def test_slow_environments_are_evaluated_in_as_many_processes_as_there_are_cores(monkeypatch):
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 0)
    batch = EnvSpec("tests/Endless-v0").batch(50, most_slow=available_cores())
    assert batch.num_envs == available_cores()
    batch.close()
    monkeypatch.setattr("sandlot.envs.backends.vectorize.SLOW_SECONDS", 1)
    assert EnvSpec("tests/Endless-v0").batch(50, most_slow=2).num_envs == 50


class Cell(Endless):
    """Ends only with the second action, which pays 1."""

    observation_space, action_space = spaces.Box(-1, 1, (1,)), spaces.Discrete(2)

    def step(self, action):
        observation, _, _, truncated, info = super().step(action)
        return observation, float(action == 1), bool(action == 1), truncated, info


def test_a_policy_that_does_better_when_sampled_is_told(capsys):
    gymnasium.register("tests/Cell-v0", entry_point=Cell, disable_env_checker=True)
    agent = PPO("tests/Cell-v0", hidden=(8,), num_envs=1)
    tensors = agent.tensors()
    bias = next(name for name, array in tensors.items() if array.shape == (2,))
    tensors[bias] = np.array([0.3, 0.0], np.float32)
    agent.load_tensors(tensors)
    greedy, sampled = (
        evaluate(agent, "tests/Cell-v0", episodes=20),
        evaluate_sampled(agent, "tests/Cell-v0", episodes=99),
    )
    assert greedy.mean == 0
    assert len(sampled.returns) == 20
    assert sampled.mean > 0.8
    from sandlot.cli.table import return_rows

    assert "they do better, so evaluate and record with --stochastic" in return_rows(greedy, sampled)[-1][1]
    assert len(return_rows(greedy, None)) == 1
