"""Callbacks: what they see, how they stop a training, and that they change nothing about it."""

from collections import Counter
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from sandlot.agents import DQN, PPO, SAC, QLearning, create_run, load_agent, sb3_agent
from sandlot.agents.callbacks import (
    Callback,
    CheckpointCallback,
    EvaluationCallback,
    MetricsCallback,
    PlotCallback,
    StopAtReturn,
    StopWithoutImprovement,
    VideoCallback,
)
from sandlot.agents.loop import train
from sandlot.agents.training import LOGS_PER_RUN
from sandlot.tracking import Run, SandlotError, read_metrics

SMALL = {"num_envs": 4, "num_steps": 32, "batch_size": 64, "epochs": 1, "hidden": (16,)}
ALONE = SMALL | {"num_envs": 1, "batch_size": 32}


class Witness(Callback):
    """Counts the calls of each hook, and stops or raises when asked to."""

    def __init__(self, hook: str = "", after: int = 1, raises: BaseException | None = None):
        self.calls: Counter[str] = Counter()
        self.hook, self.after, self.raises = hook, after, raises

    def note(self, hook: str) -> bool | None:
        self.calls[hook] += 1
        if hook == self.hook and self.calls[hook] >= self.after:
            if self.raises:
                raise self.raises
            return False
        return None

    def on_training_start(self, training):
        assert training.outcome == "running"
        return self.note("on_training_start")

    def on_step(self, training, step):
        assert training.env_step == training.agent.env_step
        return self.note("on_step")

    def on_update(self, training, metrics):
        assert "loss" in metrics or metrics
        return self.note("on_update")

    def on_log(self, training, row):
        row["mine/calls"] = float(sum(self.calls.values()))
        return self.note("on_log")

    def on_checkpoint(self, training):
        assert training.run.checkpoint_steps()[-1] == training.env_step
        return self.note("on_checkpoint")

    def on_training_end(self, training):
        self.outcome, self.reason = training.outcome, training.stop_reason
        return self.note("on_training_end")


def new(seed=0, **options):
    return PPO("CartPole-v1", seed=seed, **SMALL | options)


def recorded(agent, root, steps=640, **options):
    return create_run(agent, root, steps=steps, wandb="disabled", **options)


def test_each_hook_is_called_when_it_should_be(tmp_path):
    witness, agent = Witness(), new()
    with recorded(agent, tmp_path, checkpoint_every=200) as run:
        agent.learn(640, callback=witness, record=run)
        run.finish({"status": "finished"})
    assert witness.calls["on_step"] >= 160, "four environments; steps that only reset are not counted"
    assert 2 <= witness.calls["on_update"] <= 5
    assert 1 <= witness.calls["on_log"] <= LOGS_PER_RUN
    assert witness.calls["on_checkpoint"] == len(run.checkpoints()) == 4
    assert witness.calls["on_training_start"] == witness.calls["on_training_end"] == 1
    assert witness.outcome == "finished"
    assert all("mine/calls" in row for row in read_metrics(run.folder))


@pytest.mark.parametrize("hook", ["on_training_start", "on_step", "on_update", "on_log", "on_checkpoint"])
def test_false_stops_the_training_after_a_checkpoint(hook, tmp_path):
    witness, agent = Witness(hook), new()
    with recorded(agent, tmp_path, 100_000) as run:
        agent.learn(100_000, callback=witness, record=run)
        run.finish({"status": "finished"})
    assert agent.env_step <= 260
    assert run.checkpoint_steps()[-1] == agent.env_step
    assert (witness.outcome, witness.reason) == ("stopped", "Witness stopped the training")


@pytest.mark.parametrize(
    "hook", ["on_training_start", "on_step", "on_update", "on_log", "on_checkpoint", "on_training_end"]
)
def test_an_error_is_raised_after_the_run_is_checkpointed_and_closed(hook, tmp_path):
    witness, other, agent = Witness(hook, raises=ZeroDivisionError("mine")), Witness(), new()
    run = recorded(agent, tmp_path)
    with pytest.raises(ZeroDivisionError, match="mine") as raised:
        agent.learn(640, callback=[witness, other], record=run)
    assert raised.traceback[-1].name == "note", "it shows where it was raised"
    assert run.checkpoint_steps()[-1] == agent.env_step
    assert run.summary["status"] == "failed"
    assert run.summary["error"] == "ZeroDivisionError: mine"
    assert run._recorder is None
    assert other.calls["on_training_end"] == 1
    assert load_agent(run, learning=True).env_step == agent.env_step


def test_without_a_run_an_error_ends_the_training_at_once():
    agent = new()
    with pytest.raises(KeyError):
        agent.learn(10_000, callback=Witness("on_step", 7, KeyError("mine")))
    assert agent.env_step == 28


def test_only_hooks_that_are_overridden_are_called(monkeypatch):
    def never(*_):
        raise AssertionError

    for hook in ("on_step", "on_update", "on_log"):
        monkeypatch.setattr(Callback, hook, never)
    done = train(new(), 300, callback=[Callback(), StopAtReturn(1e9)])
    assert not done.watches_steps


@pytest.mark.parametrize("wrong", [Witness, [Witness], print, "on_step"])
def test_what_is_no_callback_is_refused(wrong):
    with pytest.raises(SandlotError, match=r"a callback must be an instance of .*Callback, not"):
        new().learn(100, callback=wrong)


@pytest.mark.parametrize("kind", [PPO, DQN, SAC, QLearning, pytest.param(sb3_agent("sb3:dqn"), marks=pytest.mark.slow)])
def test_evaluations_change_nothing_about_what_is_learned(kind, tmp_path):
    env = {SAC: "Pendulum-v1", QLearning: "FrozenLake-v1"}.get(kind, "CartPole-v1")
    options = {
        PPO: SMALL,
        DQN: {"learning_starts": 50, "noisy": True, "train_freq": 8, "gradient_steps": 1, "compile": "off"},
        SAC: {"learning_starts": 50, "hidden": (16,), "train_freq": 16, "num_envs": 2},
        QLearning: {},
    }.get(kind, {"learning_starts": 50})
    alone = kind(env, seed=3, **options).learn(600)
    evaluation = EvaluationCallback(every=150, episodes=2, deterministic=False)
    watched = kind(env, seed=3, **options).learn(600, callback=[evaluation, CheckpointCallback(tmp_path, 200)])
    assert len(evaluation.history) >= 2 or kind is QLearning
    for name, array in alone.tensors().items():
        if "start_time" not in name and "random" not in name:
            np.testing.assert_array_equal(array, watched.tensors()[name], err_msg=name)
    assert len(list(tmp_path.iterdir())) >= 2 or kind is QLearning


def test_an_evaluation_is_logged_stops_and_keeps_the_best(tmp_path):
    agent = new()
    evaluation = EvaluationCallback(every=128, episodes=3, stop_at_return=5, best_folder=tmp_path / "best")
    with recorded(agent, tmp_path / "runs", 10_000) as run:
        agent.learn(10_000, callback=evaluation, record=run)
        run.finish({"status": "finished"})
    assert agent.env_step < 260
    assert evaluation.best is evaluation.latest
    assert PPO.load(tmp_path / "best").env_step == agent.env_step
    rows = [row for row in read_metrics(run.folder) if "evaluation/return" in row]
    assert rows[0]["evaluation/return"] == evaluation.latest.mean


def test_an_environment_object_needs_another_for_its_evaluations():
    with pytest.raises(SandlotError, match="say which: EvaluationCallback"):
        PPO(gymnasium.make("CartPole-v1"), **ALONE).learn(100, callback=EvaluationCallback())
    evaluation = EvaluationCallback(gymnasium.make("CartPole-v1"), every=0, episodes=2)
    PPO(gymnasium.make("CartPole-v1"), **ALONE).learn(100, callback=evaluation)
    assert len(evaluation.latest.returns) == 2


def test_a_training_stops_at_a_return_or_without_improvement():
    reached = train(new(), 10_000, callback=StopAtReturn(10, episodes=5))
    assert reached.env_step < 2_000
    assert "mean return of 5 episodes has reached 10" in reached.stop_reason
    stale = train(new(), 50_000, callback=StopWithoutImprovement(3, min_delta=1e6))
    assert stale.env_step < 5_000
    assert "has not improved for 3 rows" in stale.stop_reason
    low = StopWithoutImprovement(2, "evaluation/return", min_delta=1e6)
    evaluation = EvaluationCallback(every=100, episodes=1)
    train(new(), 50_000, callback=[evaluation, low])
    assert len(evaluation.history) == 3


def test_metrics_pictures_and_a_progress_bar(tmp_path, capsys):
    agent = QLearning("FrozenLake-v1")
    plot = PlotCallback()
    with recorded(agent, tmp_path, 3_000) as run:
        callbacks = [MetricsCallback(lambda agent: {"mine/steps": agent.env_step}), plot]
        agent.learn(3_000, callback=callbacks, record=run, progress=True)
        run.finish({"status": "finished"})
    assert read_metrics(run.folder)[-2]["mine/steps"] > 0
    assert plot.path.stat().st_size > 1000
    assert "q-learning FrozenLake-v1" in capsys.readouterr().out


def test_videos_are_made_of_checkpoints(tmp_path):
    agent = new()
    with pytest.raises(SandlotError, match="films the checkpoints of a run"):
        agent.learn(100, callback=VideoCallback())
    with recorded(agent, tmp_path, 300) as run:
        videos = VideoCallback(200)
        agent.learn(300, callback=videos, record=run)
        run.finish({"status": "finished"})
    assert videos.problem is None
    assert len(list(run.folder.glob("videos/*.mp4"))) == 2


def test_stable_baselines3_has_all_hooks_but_on_step():
    kind = sb3_agent("sb3:a2c")
    with pytest.raises(SandlotError, match="has no on_step; use on_update"):
        kind("CartPole-v1").learn(100, callback=Witness())

    class Updates(Callback):
        steps: list[int] = []  # noqa: RUF012

        def on_update(self, training, metrics):
            self.steps.append(training.env_step)
            return len(self.steps) < 5

    agent = kind("CartPole-v1").learn(1_000, callback=Updates())
    assert agent.env_step < 300
    assert Updates.steps == sorted(Updates.steps)


def test_a_folder_gets_a_run_of_its_own(tmp_path):
    agent = new().learn(300, record=tmp_path / "runs", checkpoint_every=100)
    run = Run.find(tmp_path / "runs", "latest")
    assert run.summary["status"] == "finished"
    assert run.config["training"]["checkpoint_every"] == 100
    assert load_agent(run).env_step == agent.env_step
    with pytest.raises(ZeroDivisionError):
        new().learn(300, callback=Witness("on_log", raises=ZeroDivisionError()), record=Path(tmp_path / "failed"))
    assert Run.find(tmp_path / "failed", "latest").summary["status"] == "failed"
