import sys

import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from gymnasium import spaces
from stable_baselines3.common.env_util import make_vec_env

from sandlot.agents.base import Spaces
from sandlot.agents.registry import agent_class
from sandlot.agents.sb3 import sb3_agent
from sandlot.agents.sb3.config import constructor_arguments, make_config_class
from sandlot.agents.sb3.envs import LoggedVecEnv, make_envs
from sandlot.agents.sb3.state import end_open_episodes
from sandlot.agents.training import EpisodeLogger, Training
from sandlot.envs import EnvSpec
from sandlot.tracking import SandlotError, derived_seed, read_checkpoint, write_checkpoint
from tests.agents.sb3.small_models import SMALL, assert_same, new, play
from tests.environments import OBSERVATIONS


@pytest.mark.parametrize(("name", "algorithm"), [("sb3:ppo", sb3.PPO), ("sb3:dqn", sb3.DQN), ("sb3:sac", sb3.SAC)])
def test_a_segment_learns_what_stable_baselines3_learns(name, algorithm):
    agent = new(name)
    play(agent, 200, 200)
    arguments = constructor_arguments(agent.config, algorithm, agent.spaces.action)
    plain = algorithm(env=make_vec_env(agent.env_factory.env_spec.id, agent.config.num_envs), seed=3, **arguments)
    plain.set_random_seed(derived_seed(3, 0))
    plain.learn(200)
    assert plain.num_timesteps == agent.env_step
    for key, value in plain.policy.state_dict().items():
        torch.testing.assert_close(agent.model.policy.state_dict()[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", SMALL)
def test_a_resumed_agent_learns_as_the_original(name, tmp_path):
    agent = new(name)
    before = {name: array.copy() for name, array in agent.tensors().items()}
    middle = play(agent, 200, 100)
    assert 200 > agent.env_step >= 100
    agent.save(tmp_path / "middle")
    experience = {name: array.copy() for name, array in agent.experience().items()}
    end = play(agent, 200, 200)
    assert any(not np.array_equal(before.get(key), middle[key]) for key in middle if key.startswith("module"))
    resumed = sb3_agent(name).load(tmp_path / "middle")
    resumed.load_experience(experience)
    assert_same(resumed.tensors() | resumed.experience(), middle)
    assert_same(play(resumed, 200, 200), end)


@pytest.mark.parametrize("name", SMALL)
def test_an_agent_loaded_to_act_acts_as_the_original(name, tmp_path):
    agent = new(name)
    play(agent, 70, 70)
    agent.save(tmp_path / "agent")
    player = sb3_agent(name).restore(read_checkpoint(tmp_path / "agent"), learning=False)
    observation = agent.spaces.observation.sample()
    ours, theirs = (each.predict(observation, deterministic=True)[0] for each in (player, agent))
    np.testing.assert_array_equal(ours, theirs)
    assert agent.spaces.action.contains(ours if ours.ndim else ours.item())


def test_returns_and_env_steps_are_those_of_the_monitor():
    logged = []

    class RecordingLogger(EpisodeLogger):
        def add(self, episodes):
            logged.extend(zip(episodes.returns, episodes.lengths, strict=True))

    agent, metric_logger = new("sb3:a2c", num_envs=3), RecordingLogger()
    play(agent, 600, 600, metric_logger)
    monitored = [(info["r"], info["l"]) for info in agent.model.ep_info_buffer or []]
    assert monitored == logged
    assert len(logged) > 10
    assert all(total == length for total, length in logged), "CartPole pays 1 a step"
    assert agent.env_step == agent.model.num_timesteps == 600


def test_truncated_episodes_are_marked_as_such():
    envs = LoggedVecEnv(make_envs("dummy", 1, EnvSpec("tests/Counter-v0", {"terminates": False})), EpisodeLogger())
    envs.reset()
    steps = [envs.step(np.array([0])) for _ in range(3)]
    observation, _, done, infos = steps[-1]
    assert done.all()
    assert infos[0]["TimeLimit.truncated"]
    assert infos[0]["terminal_observation"] % 100 == 3
    assert observation % 100 == 0
    assert envs.metric_logger.returns == [3.0]


@pytest.mark.slow
def test_subprocesses_give_the_same_result():
    ours, theirs = (play(new("sb3:ppo", vec_env=vec_env), 128, 128) for vec_env in ("subproc", "dummy"))
    assert_same(ours, theirs)


def test_no_return_spans_two_segments():
    agent = new("sb3:dqn")
    play(agent, 300, 50)
    buffer = agent.model.replay_buffer
    last = buffer.pos - 1
    buffer.dones[last], buffer.timeouts[last] = 0, 0
    end_open_episodes(buffer)
    assert (buffer.dones[last], buffer.timeouts[last]) == (1, 1)
    buffer.timeouts[last] = 0
    end_open_episodes(buffer)
    assert buffer.timeouts[last] == 0, "a terminated episode was not truncated"


def test_a_stop_signal_ends_the_segment_at_once():
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
    play(agent, 64, 64)  # an illegal action is an error there
    mask = np.array([[0, 0, 1, 0], [1, 0, 0, 0]], np.int8)
    observation = {"action_mask": mask, "observation": np.zeros((2, 4), np.float32)}
    for deterministic in (True, False):
        assert agent.predict(observation, deterministic=deterministic)[0].tolist() == [2, 0]
    with pytest.raises(SandlotError, match="is illegal"):
        play(sb3_agent("sb3:ppo")(env_spec, **small), 64, 64)
    with pytest.raises(SandlotError, match="does not support action masking"):
        play(sb3_agent("sb3:maskable-ppo")("CartPole-v1", **small), 64, 64)


@pytest.mark.parametrize("observation", ["image", "multi-binary", "both"])
def test_the_policy_fits_the_observations(observation):
    both = {name: OBSERVATIONS[name][0] for name in ("image", "multi-binary")}
    space = spaces.Dict(both) if observation == "both" else both[observation]
    agent = sb3_agent("sb3:ppo")(Spaces(space, spaces.Discrete(2)), n_steps=16, batch_size=16)
    assert agent.config.policy == {"image": "CnnPolicy", "both": "MultiInputPolicy"}.get(observation, "MlpPolicy")
    assert agent.predict(space.sample())[0] in (0, 1)


def test_options_are_those_of_the_constructor():
    config = make_config_class(sb3.SAC)()
    assert (config.learning_rate, config.train_freq, config.ent_coef) == (3e-4, 1, "auto")
    assert not hasattr(make_config_class(sb3.PPO)(), "noise_std")
    assert not hasattr(config, "replay_buffer_class")
    agent = new("sb3:ppo", policy_kwargs='{"net_arch": [8], "activation_fn": "ReLU"}', clip_range="lin_0.4")
    assert "ReLU" in repr(agent.model.policy)
    assert agent.model.clip_range(0.25) == pytest.approx(0.1)


def test_a_missing_package_is_an_error_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    sb3_agent.cache_clear()
    with pytest.raises(SandlotError, match=r'"sandlot\[sb3-contrib\]"'):
        agent_class("sb3:tqc")


def test_an_untrained_model_is_saved_and_loaded(tmp_path):
    agent = new("sb3:a2c")
    write_checkpoint(tmp_path / "fresh", agent.tensors(), agent.state())
    assert_same(sb3_agent("sb3:a2c").load(tmp_path / "fresh").tensors(), agent.tensors())


@pytest.mark.parametrize(
    "space", [spaces.Box(-1, 1, ()), spaces.Box(-1, 1, (0,)), spaces.Dict(a=spaces.Box(-1, 1, ()))]
)
def test_boxes_without_axes_get_a_sentence(space):
    with pytest.raises(SandlotError, match="reads Boxes of at least one axis and one number"):
        sb3_agent("sb3:ppo")(Spaces(space, spaces.Discrete(2)))
