import base64
import json
import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from gymnasium import spaces
from stable_baselines3.common.env_util import make_vec_env

from sandlot.agents.base import Spaces
from sandlot.agents.registry import agent_class
from sandlot.agents.sb3 import sb3_agent
from sandlot.agents.sb3.config import arguments, config_for
from sandlot.agents.sb3.envs import Watched, make_envs
from sandlot.agents.sb3.state import cut_episodes
from sandlot.agents.sb3.zips import algorithm_of, load_zip
from sandlot.agents.training import EpisodeLogger, Training
from sandlot.cli import main
from sandlot.envs import EnvSpec
from sandlot.tracking import (
    Run,
    SandlotError,
    derived_seed,
    read_checkpoint,
    read_metrics,
    write_checkpoint,
)
from tests.worlds import OBSERVATIONS

QUIET = ["--wandb", "disabled", "--video-every", "0", "--evaluation-episodes", "3"]
SMALL = {
    "sb3:ppo": {"n_steps": 32, "batch_size": 32, "n_epochs": 2, "num_envs": 2, "learning_rate": "lin_0.01"},
    "sb3:a2c": {},
    "sb3:dqn": {"learning_starts": 20, "train_freq": (1, "episode"), "n_steps": 3, "target_update_interval": 30,
                "buffer_size": 90},
    "sb3:sac": {"learning_starts": 60, "train_freq": 8, "batch_size": 16},
    "sb3:td3": {"learning_starts": 60, "train_freq": 8, "batch_size": 16, "noise_type": "ornstein-uhlenbeck"},
    "sb3:ddpg": {"learning_starts": 60, "train_freq": (8, "step"), "gradient_steps": 4, "batch_size": 16},
    "sb3:tqc": {"learning_starts": 60, "train_freq": 8, "batch_size": 16, "use_sde": True},
    "sb3:qrdqn": {"learning_starts": 20, "optimize_memory_usage": True,
                  "replay_buffer_kwargs": '{"handle_timeout_termination": false}'},
    "sb3:trpo": {"n_steps": 32, "batch_size": 32},
    "sb3:ars": {"n_delta": 1},
    "sb3:crossq": {"learning_starts": 60, "train_freq": 8, "batch_size": 16},
    "sb3:recurrent-ppo": {"n_steps": 32, "batch_size": 32, "n_epochs": 1},
}  # fmt: skip
CONTINUOUS = ("sb3:sac", "sb3:td3", "sb3:ddpg", "sb3:tqc", "sb3:crossq")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def new(name, **options):
    kind = sb3_agent(name)
    env = "Pendulum-v1" if name in CONTINUOUS else "CartPole-v1"
    return kind(env, seed=3, config=kind.Config(**SMALL[name] | options))


def play(agent, steps, end, metric_logger=None):
    training = Training(agent, steps)
    training.episodes = metric_logger or training.episodes
    agent.train_segment(training, end)
    return {name: array.copy() for name, array in (agent.tensors() | agent.experience()).items()}


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        if name != "counter/start_time":
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize(("name", "algorithm"), [("sb3:ppo", sb3.PPO), ("sb3:dqn", sb3.DQN), ("sb3:sac", sb3.SAC)])
def test_a_segment_learns_what_stable_baselines3_learns_by_itself(name, algorithm):
    agent = new(name)
    play(agent, 200, 200)
    given = arguments(agent.config, algorithm, agent.spaces.action)
    plain = algorithm(env=make_vec_env(agent.env_factory.env_spec.id, agent.config.num_envs), seed=3, **given)
    plain.set_random_seed(derived_seed(3, 0))
    plain.learn(200)
    assert plain.num_timesteps == agent.env_step
    for key, value in plain.policy.state_dict().items():
        torch.testing.assert_close(agent.model.policy.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", SMALL)
def test_goes_on_from_a_checkpoint_as_if_nothing_had_been(name, tmp_path):
    agent = new(name)
    begin = {name: array.copy() for name, array in agent.tensors().items()}
    middle = play(agent, 200, 100)
    assert 200 > agent.env_step >= 100
    agent.save(tmp_path / "middle")
    held = {name: array.copy() for name, array in agent.experience().items()}
    end = play(agent, 200, 200)
    assert any(not np.array_equal(begin.get(key), middle[key]) for key in middle if key.startswith("module"))
    resumed = sb3_agent(name).load(tmp_path / "middle")
    resumed.load_experience(held)
    assert_same(resumed.tensors() | resumed.experience(), middle)
    assert_same(play(resumed, 200, 200), end)


@pytest.mark.parametrize("name", SMALL)
def test_loaded_to_play_it_acts_the_same(name, tmp_path):
    agent = new(name)
    play(agent, 70, 70)
    agent.save(tmp_path / "agent")
    player = sb3_agent(name).restore(read_checkpoint(tmp_path / "agent"), learning=False)
    observation = agent.spaces.observation.sample()
    ours, theirs = (who.predict(observation, deterministic=True)[0] for who in (player, agent))
    np.testing.assert_array_equal(ours, theirs)
    assert agent.spaces.action.contains(ours if ours.ndim else ours.item())


def test_returns_and_env_steps_are_those_of_the_monitor():
    told = []

    class Notes(EpisodeLogger):
        def add(self, episodes):
            told.extend(zip(episodes.returns, episodes.lengths, strict=True))

    agent, metric_logger = new("sb3:a2c", num_envs=3), Notes()
    play(agent, 600, 600, metric_logger)
    monitored = [(info["r"], info["l"]) for info in agent.model.ep_info_buffer or []]
    assert monitored == told
    assert len(told) > 10
    assert all(total == length for total, length in told), "CartPole pays 1 a step"
    assert agent.env_step == agent.model.num_timesteps == 600


def test_an_episode_that_runs_out_of_time_is_told_from_one_that_ends():
    envs = Watched(make_envs("dummy", 1, EnvSpec("tests/Counter-v0", {"terminates": False})), EpisodeLogger())
    envs.reset()
    steps = [envs.step(np.array([0])) for _ in range(3)]
    observation, _, done, infos = steps[-1]
    assert done.all()
    assert infos[0]["TimeLimit.truncated"]
    assert infos[0]["terminal_observation"] % 100 == 3
    assert observation % 100 == 0
    assert envs.metric_logger.returns == [3.0]


@pytest.mark.slow
def test_processes_of_their_own_change_nothing():
    ours, theirs = (play(new("sb3:ppo", vec_env=kind), 128, 128) for kind in ("subproc", "dummy"))
    assert_same(ours, theirs)


def test_no_return_is_built_across_two_segments():
    agent = new("sb3:dqn")
    play(agent, 300, 50)
    buffer = agent.model.replay_buffer
    last = buffer.pos - 1
    buffer.dones[last], buffer.timeouts[last] = 0, 0
    cut_episodes(buffer)
    assert (buffer.dones[last], buffer.timeouts[last]) == (1, 1)
    buffer.timeouts[last] = 0
    cut_episodes(buffer)
    assert buffer.timeouts[last] == 0, "an episode that ended by itself did not run out of time"


def test_a_stop_ends_the_segment_where_it_is():
    agent = new("sb3:ars") if "sb3_contrib" in sys.modules else new("sb3:ppo")
    training = Training(agent, 10_000)
    training.stop()
    before = {name: array.copy() for name, array in agent.tensors().items() if name.startswith("module")}
    agent.train_segment(training, 10_000)
    assert agent.env_step == agent.config.num_envs
    assert_same({name: array for name, array in agent.tensors().items() if name in before}, before)


@pytest.mark.parametrize("tells", ["observation", "info", "method"])
def test_masked_actions_are_never_taken(tells):
    small = {"n_steps": 32, "batch_size": 32, "n_epochs": 1}
    env_spec = EnvSpec("tests/Legal-v0", {"tells": tells})
    agent = sb3_agent("sb3:maskable-ppo")(env_spec, **small)
    assert agent.model.observation_space == spaces.Box(0, 1, (4,), np.float32)
    play(agent, 64, 64)  # the world takes nothing illegal
    mask = np.array([[0, 0, 1, 0], [1, 0, 0, 0]], np.int8)
    observation = {"action_mask": mask, "observation": np.zeros((2, 4), np.float32)}
    for deterministic in (True, False):
        assert agent.predict(observation, deterministic=deterministic)[0].tolist() == [2, 0]
    with pytest.raises(SandlotError, match="is illegal"):
        play(sb3_agent("sb3:ppo")(env_spec, **small), 64, 64)
    with pytest.raises(SandlotError, match="does not support action masking"):
        play(sb3_agent("sb3:maskable-ppo")("CartPole-v1", **small), 64, 64)


@pytest.mark.parametrize("observation", ["image", "multi-binary", "both"])
def test_the_policy_goes_by_the_observations(observation):
    parts = {name: OBSERVATIONS[name][0] for name in ("image", "multi-binary")}
    seen = spaces.Dict(parts) if observation == "both" else parts[observation]
    agent = sb3_agent("sb3:ppo")(Spaces(seen, spaces.Discrete(2)), n_steps=16, batch_size=16)
    assert agent.config.policy == {"image": "CnnPolicy", "both": "MultiInputPolicy"}.get(observation, "MlpPolicy")
    assert agent.predict(seen.sample())[0] in (0, 1)


def test_options_are_those_of_the_signature():
    config = config_for(sb3.SAC)()
    assert (config.learning_rate, config.train_freq, config.ent_coef) == (3e-4, 1, "auto")
    assert not hasattr(config_for(sb3.PPO)(), "noise_std")
    assert not hasattr(config, "replay_buffer_class")
    agent = new("sb3:ppo", policy_kwargs='{"net_arch": [8], "activation_fn": "ReLU"}', clip_range="lin_0.4")
    assert "ReLU" in repr(agent.model.policy)
    assert agent.model.clip_range(0.25) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sb3:pppo", "CartPole-v1"], "there is no agent or task 'sb3:pppo'; did you mean sb3:ppo?"),
        (["sb3:dqn", "Pendulum-v1"], "sb3:dqn can't be made so: The algorithm only supports"),
        (["sb3:ppo", "CartPole-v1", "--learning-rate", "falling"], "learning_rate must be a number, or lin_NUMBER"),
        (["sb3:ppo", "CartPole-v1", "--policy", "Deep"], "PPO has no policy 'Deep'; it has MlpPolicy"),
        (["sb3:ppo", "CartPole-v1", "--policy-kwargs", "x"], "--policy-kwargs must be JSON"),
        (["sb3:ppo", "CartPole-v1", "--policy-kwargs", '{"activation_fn": "Q"}'], "activation_fn must be a class of"),
        (["sb3:ppo", "CartPole-v1", "--device", "tpu7"], "sb3:ppo can't be made so"),
        (["sb3:ppo", "CartPole-v1", "--num-envs", "0"], "num_envs must be at least 1, not 0"),
        (["sb3:ppo", "CartPole-v9"], "there is no environment 'CartPole-v9'"),
        (["sb3:ppo", "tests/Match-v0", "--env-kwargs", '{"observation": "tuple"}'], "sb3:ppo can't be made so"),
        (["sb3:ppo", "tests/Match-v0", "--env-kwargs", '{"observation": "discrete"}'], "choices that count from 0"),
        (["sb3:ppo", "tests/Match-v0", "--env-kwargs", '{"action": "discrete-from-3"}'], "choices that count from 0"),
    ],
)
def test_mistakes_get_one_sentence(words, sentence, capsys):
    assert main(["train", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    sb3_agent.cache_clear()
    with pytest.raises(SandlotError, match=r'"sandlot\[sb3-contrib\]"'):
        agent_class("sb3:tqc")


def test_help_shows_stable_baselines3s_words(capsys):
    with pytest.raises(SystemExit):
        main(["train", "sb3:sac", "Pendulum-v1", "--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "the soft update coefficient" in said
    assert "0.001" in said, "the recipe's learning rate"
    assert main(["train"]) == 0
    assert "sb3:ppo, sb3:a2c" in capsys.readouterr().out


class TestCommands:
    def trained(self, *words):
        assert main(["train", *words, *QUIET]) == 0
        return Run.find(Path("runs"), "latest")

    def test_the_record_is_whole(self, capsys):
        run = self.trained("sb3:ppo", "CartPole-v1", "--steps", "1000", "--checkpoint-every", "500", "--n-epochs", "2")
        assert run.folder.name.startswith("sb3-ppo-CartPole-v1-s0-")
        assert [path.name[-6:] for path in run.checkpoints()] == ["000000", "000512", "001024"]
        assert run.config["config"]["learning_rate"] == "lin_0.001", "the recipe's"
        assert run.config["config"]["policy"] == "MlpPolicy"
        assert run.summary["env_step"] == 1024
        row = read_metrics(run.folder)[-1]
        assert row["env_step"] == 1024
        for name in ("episode/return", "rollout/ep_rew_mean", "train/value_loss", "time/env_steps_per_second"):
            assert np.isfinite(row[name])
        capsys.readouterr()
        other = self.trained("ppo", "CartPole-v1", "--steps", "1000")
        assert main(["compare", run.folder.name, other.folder.name]) == 0
        assert "n_epochs 2," in " ".join(capsys.readouterr().out.split())

    def test_evaluate_record_and_resume(self, capsys):
        words = ["--steps", "250", "--checkpoint-every", "100", "--learning-starts", "60", "--buffer-size", "1000"]
        run = self.trained("sb3:sac", "Pendulum-v1", *words, "--batch-size", "16", "--train-freq", "8")
        assert main(["evaluate", "latest", "--episodes", "2"]) == 0
        assert "sb3:sac after 256 env steps" in capsys.readouterr().out
        assert main(["evaluate", "latest", "--trust"]) == 2
        assert main(["record", "latest", "--output", "film.mp4"]) == 0
        assert Path("film.mp4").stat().st_size > 1000
        assert main(["resume", "latest", "--step", "104"]) == 2
        assert "the replay memory of step 104 is gone" in capsys.readouterr().err
        assert main(["resume", "latest", "--steps", "300"]) == 0
        assert run.experience(304)["rewards"].shape == (304, 1)

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["sb3:ppo", "Pendulum-v1", "--n-steps", "32", "--batch-size", "32", "--no-use-sde"], "sb3:ppo failed at"),
            (["sb3:dqn", "CartPole-v1", "--learning-starts", "64", "--train-freq", "8"], "loss became NaN or infinite"),
        ],
    )
    def test_a_nan_ends_the_run(self, words, sentence, capsys):
        assert main(["train", *words, "--steps", "2000", "--learning-rate", "1e20", *QUIET]) == 2
        said = capsys.readouterr().err
        assert sentence in said
        assert len(said.strip().splitlines()) == 1
        run = Run.find(Path("runs"), "latest")
        assert run.summary["status"] == "failed"
        assert all(np.isfinite(array).all() for array in read_checkpoint(run.checkpoints()[-1]).tensors.values())

    def test_describe_is_for_our_own_networks(self, capsys):
        assert main(["describe", "sb3:ppo", "CartPole-v1"]) == 2
        assert "Stable-Baselines3's" in capsys.readouterr().err


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


class TestZips:
    def saved(self):
        model = sb3.PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, device="cpu")
        model.learn(32)
        model.save("model.zip")
        return model

    def test_play_as_stable_baselines3_would(self, capsys):
        model = self.saved()
        for command in ("evaluate", "record"):
            assert main([command, "model.zip", "--env", "CartPole-v1", "--episodes", "2", "--trust"]) == 0
        said = capsys.readouterr().out
        assert "sb3:ppo after 32 env steps" in said
        assert Path("model.mp4").stat().st_size > 1000
        agent = load_zip(Path("model.zip"), "CartPole-v1", trust=True)
        observations = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
        ours, theirs = (who.predict(observations, deterministic=True)[0] for who in (agent, model))
        np.testing.assert_array_equal(ours, theirs)

    def test_code_in_the_file_runs_only_if_it_is_trusted(self, capsys):
        self.saved()
        with zipfile.ZipFile("model.zip") as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        data = json.loads(parts["data"])
        data["policy_class"][":serialized:"] = base64.b64encode(pickle.dumps(Bomb())).decode()
        with zipfile.ZipFile("bad.zip", "w") as archive:
            for name, part in {**parts, "data": json.dumps(data)}.items():
                archive.writestr(name, part)
        for command in ("evaluate", "record"):
            assert main([command, "bad.zip", "--env", "CartPole-v1"]) == 2
            assert "if you trust its maker, add --trust" in capsys.readouterr().err
            assert not Path("exploded").exists()
        assert main(["evaluate", "bad.zip", "--env", "CartPole-v1", "--trust"]) == 2
        assert Path("exploded").exists(), "the bomb was no bomb"

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["model.zip", "--trust"], "add --env ID"),
            (["model.zip", "--env", "Acrobot-v1", "--trust"], "Acrobot-v1 has Box"),
            (["model.zip", "--env", "CartPole-v1", "--trust", "--algorithm", "pop"], "--algorithm must be one of ppo"),
            (["none.zip", "--env", "CartPole-v1", "--trust"], "there is no file none.zip"),
            (["text.zip", "--env", "CartPole-v1", "--trust"], "is not a model that Stable-Baselines3 saved"),
        ],
    )
    def test_mistakes_get_one_sentence(self, words, sentence, capsys):
        self.saved()
        Path("text.zip").write_text("no zip")
        assert main(["evaluate", *words]) == 2
        assert sentence in capsys.readouterr().err

    @pytest.mark.parametrize("name", SMALL)
    def test_the_algorithm_is_found_without_unpickling(self, name):
        new(name).model.save("model.zip")
        with zipfile.ZipFile("model.zip") as archive:
            data = json.loads(archive.read("data"))
        assert algorithm_of(Path("model.zip"), data) == {"sb3:ddpg": "sb3:td3"}.get(name, name)


def test_write_checkpoint_takes_what_models_hold(tmp_path):
    agent = new("sb3:a2c")
    write_checkpoint(tmp_path / "fresh", agent.tensors(), agent.state())
    assert_same(sb3_agent("sb3:a2c").load(tmp_path / "fresh").tensors(), agent.tensors())
