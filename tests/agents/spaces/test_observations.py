"""Observations of odd spaces become what networks read."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from sandlot.agents import DQN, PPO
from sandlot.agents.base import Spaces
from sandlot.agents.spaces.observations import ImagePreprocessor, part_names, preprocessor_for
from sandlot.supervised.networks import Embedding, NatureCNN
from sandlot.tracking import SandlotError


@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((40, 48), 1),
        ((40, 48, 1), 1),
        ((40, 48, 3), 3),
        ((3, 40, 48), 3),
        ((4, 40, 48), 4),
        ((8, 40, 48), 8),
        ((40, 48, 9), 9),
        ((4, 40, 48, 3), 12),
        ((4, 3, 40, 48), 12),
        ((2, 40, 48, 1), 2),
    ],
)
def test_images_and_stacks_of_them_are_scaled_with_their_channels_first(shape, channels):
    inputs = preprocessor_for(spaces.Box(0, 255, shape, np.uint8), normalize=False)
    assert isinstance(inputs, ImagePreprocessor)
    read = inputs(torch.full((5, 2, *shape), 255, dtype=torch.uint8))
    assert read.shape == (5, 2, channels, 40, 48)
    assert (read == 1).all()
    agent = PPO(Spaces(spaces.Box(0, 255, shape, np.uint8), spaces.Discrete(2)))
    assert isinstance(agent.policy.actor, NatureCNN)


def test_each_frame_of_a_stack_is_a_group_of_channels():
    frames = np.arange(4 * 40 * 48 * 3).reshape(4, 40, 48, 3) % 256
    inputs = preprocessor_for(spaces.Box(0, 255, frames.shape, np.uint8), normalize=False)
    read = inputs(torch.tensor(frames, dtype=torch.uint8)[None])[0]
    for frame in range(4):
        for channel in range(3):
            np.testing.assert_allclose(read[3 * frame + channel], frames[frame, :, :, channel] / 255)


@pytest.mark.parametrize(
    ("high", "dtype", "value"), [(255, np.float32, 1.0), (255, np.int32, 1.0), (1, np.float32, 255.0), (510, int, 0.5)]
)
def test_images_of_other_numbers_are_scaled_by_their_bounds(high, dtype, value):
    inputs = preprocessor_for(spaces.Box(0, high, (40, 40, 3), dtype), normalize=False)
    assert float(inputs(torch.as_tensor(np.full((1, 40, 40, 3), 255, dtype))).max()) == pytest.approx(value)


def test_bytes_of_a_vector_are_scaled():
    inputs = preprocessor_for(spaces.Box(0, 255, (128,), np.uint8), normalize=False)
    assert (inputs(torch.full((1, 128), 255, dtype=torch.uint8)) == 1).all()


@pytest.mark.parametrize("shape", [(6, 7, 2), (3, 3, 2), (8, 8, 20)])
def test_boards_are_no_images(shape):
    assert not isinstance(preprocessor_for(spaces.Box(0, 1, shape, np.int8), normalize=False), ImagePreprocessor)


@pytest.mark.parametrize("space", [spaces.MultiDiscrete([[2, 3], [2, 3]]), spaces.MultiBinary((2, 5))])
def test_several_choices_of_any_shape_are_one_hot(space):
    inputs = preprocessor_for(space, normalize=False)
    space.seed(0)
    read = inputs(torch.as_tensor(np.stack([space.sample()] * 3)))
    assert read.shape == (3, inputs.size)
    assert (read.sum(-1) == np.prod(space.shape)).all()


KEYS = ("position", "values", "keys", "items", "type", "half", "training", "update", "forward", "", "a.b", "a_b", 0, 1)


def test_any_key_names_a_part():
    names = part_names(list(KEYS))
    assert len(set(names)) == len(KEYS)
    assert names[0] == "position"
    torch.nn.ModuleDict({name: torch.nn.Identity() for name in names})


class Sampled(gymnasium.Env):
    """Shows samples of its space, for 8 steps."""

    def __init__(self, observation_space, action_space=None):
        self.observation_space, self.action_space = observation_space, action_space or spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.time += 1
        return self.observation_space.sample(), 1.0, False, self.time >= 8, {}


SIZE = {"num_envs": 1, "num_steps": 16, "batch_size": 16, "epochs": 1}


@pytest.mark.parametrize(
    "space",
    [
        spaces.Dict({"values": spaces.Box(-1, 1, (2,)), "": spaces.Discrete(3)}),
        spaces.Dict({0: spaces.Box(-1, 1, (2,)), 1: spaces.Discrete(3)}),
        spaces.MultiDiscrete([2, 3], dtype=np.int32),
        spaces.Discrete(3, dtype=np.int32),
    ],
    ids=str,
)
def test_agents_of_odd_spaces_are_saved_and_loaded(space, tmp_path):
    PPO(Sampled(space), **SIZE).learn(16).save(tmp_path / "agent")
    assert PPO.load(tmp_path / "agent", Sampled(space)).spaces.observation == space


@pytest.mark.parametrize("space", [spaces.Box(-1, 1, (0,)), spaces.Sequence(spaces.Discrete(2))], ids=str)
def test_spaces_that_no_agent_reads_get_a_sentence(space):
    with pytest.raises(SandlotError, match=r"agents can't read observations|no network here reads"):
        PPO(Sampled(space), **SIZE)


class Clock(gymnasium.Env):
    """Shows one of two times, 40 s apart, some decades after an epoch; pays for telling which."""

    observation_space, action_space = spaces.Box(0, np.inf, (1,), np.float64), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self._show(), {}

    def step(self, action):
        self.time += 1
        reward = float(action == self.bit)
        return self._show(), reward, False, self.time >= 8, {}

    def _show(self):
        self.bit = int(self.np_random.integers(2))
        return np.array([1.7e9 + 20.0 * (2 * self.bit - 1)])


def test_large_numbers_are_normalised_without_losing_their_differences():
    agent = PPO(Clock(), num_envs=1, num_steps=128, batch_size=64, learning_rate=3e-3, gamma=0.5,
                normalize_observations=True)  # fmt: skip
    agent.learn(1_500)
    chosen, _ = agent.predict(np.array([[1.7e9 - 20], [1.7e9 + 20]]), deterministic=True)
    assert chosen.tolist() == [0, 1]


def test_a_replay_buffer_keeps_the_differences_of_large_numbers():
    agent = DQN(Clock(), num_envs=1, learning_starts=64, train_freq=2, learning_rate=3e-3, normalize_observations=True,
                gamma=0.5)  # fmt: skip
    agent.learn(800)
    chosen, _ = agent.predict(np.array([[1.7e9 - 20], [1.7e9 + 20]]), deterministic=True)
    assert chosen.tolist() == [0, 1]


MANY = [
    spaces.Discrete(50_000, start=7),
    spaces.MultiDiscrete([3000, 4000], start=[5, -2]),
    spaces.Dict(a=spaces.Discrete(9999), b=spaces.Box(-1, 1, (3,))),
]


@pytest.mark.parametrize("network", ["auto", "lstm"])
@pytest.mark.parametrize("space", MANY, ids=str)
def test_very_many_choices_are_embedded(space, network):
    for agent in (PPO, DQN):
        made = agent(Spaces(space, spaces.Discrete(2)), network=network)
        assert any(isinstance(part, Embedding) for part in made.policy.modules())
        space.seed(0)
        made.predict(space.sample())
    PPO(Sampled(space), network=network, **SIZE).learn(32)


def test_each_choice_of_several_has_entries_of_its_own():
    inputs = preprocessor_for(spaces.MultiDiscrete([3000, 4000], start=[5, -2]), normalize=False)
    assert inputs(torch.tensor([[5, -2], [3004, 3997]])).tolist() == [[0, 3000], [2999, 6999]]


def test_very_large_networks_are_told_with_what_makes_them_smaller(caplog):
    caplog.set_level("WARNING", "sandlot")
    PPO(Spaces(spaces.Box(0, 255, (160, 160, 3), np.uint8), spaces.Discrete(2)))
    assert not caplog.messages
    PPO(Spaces(spaces.Box(0, 255, (240, 323, 3), np.uint8), spaces.Discrete(2)))
    (message,) = caplog.messages
    assert "million parameters; resize=84 (--resize 84) makes the images smaller, which are 240×323" in message
