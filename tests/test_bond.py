"""The bond between a module's parameters and its learner's flat tensor."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from sandlot.agents import DQN, PPO, SAC
from sandlot.generative import DCGAN, VAE, VQVAE
from sandlot.supervised import Learner, LearnerConfig, TargetNetwork
from sandlot.tracking import SandlotError


def copied(thing):
    return copy.deepcopy(thing)


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


def loss(module, batch):
    error = (module(batch[0]) - batch[1]).square().mean()
    return error, {"error": error.detach()}


def batch():
    return torch.randn(16, 3, generator=torch.Generator().manual_seed(1)), torch.ones(16, 1)


def learner(**options):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    return Learner(module, loss, LearnerConfig(learning_rate=0.01), **options)


def error_after(learner, steps=50):
    for _ in range(steps):
        learner.step(batch())
    return loss(learner.module, batch())[0].item()


def tensors_of(task):
    return {key: value.copy() for key, value in task.tensors().items() if "random" not in key}


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("twin", [copied, pickled])
@pytest.mark.parametrize("scales", [None, {"4": 0.5}])
def test_a_copy_of_a_learner_learns_like_the_original(twin, scales):
    original = learner(scales=scales)
    error_after(original, 5)
    other = twin(original)
    assert error_after(other) == error_after(original)
    assert torch.equal(other.flat, original.flat)
    assert other.flat.data_ptr() != original.flat.data_ptr()


@pytest.mark.parametrize("twin", [copied, pickled])
@pytest.mark.parametrize("kind", [VAE, VQVAE, DCGAN])
def test_a_copy_of_a_model_learns_like_the_original(twin, kind):
    model = kind("digits", widths=(8, 16), latent_size=4, batch_size=512).learn(1)
    other = twin(model)
    assert_same(tensors_of(model.learn(2)), tensors_of(other.learn(2)))


@pytest.mark.parametrize("twin", [copied, pickled])
@pytest.mark.parametrize(("kind", "env"), [(PPO, "CartPole-v1"), (DQN, "CartPole-v1"), (SAC, "Pendulum-v1")])
def test_a_copy_of_an_agent_learns(twin, kind, env):
    agent = kind(env, seed=1, **({} if kind is PPO else {"num_envs": 2, "learning_starts": 50}))
    other = twin(agent)
    before = tensors_of(other)
    other.learn(3000 if kind is PPO else 600)
    after = tensors_of(other)
    moved = [key for key in before if "optimizer" not in key and not np.array_equal(before[key], after[key])]
    assert len(moved) >= 5


def replace_layer(module):
    module[2] = nn.Linear(8, 8)


def tie(module):
    module[2] = module[0]
    module[0] = nn.Linear(3, 8)
    module.extra = module[2]


def assign(module):
    module.load_state_dict({name: value.clone() for name, value in module.state_dict().items()}, assign=True)


def to_double_and_back(module):
    module.double().float()


def unfreeze(module):
    module[0].requires_grad_(False)


def double(module):
    module.double()


def new_parameter(module):
    module[0].weight = nn.Parameter(torch.randn(8, 3))


@pytest.mark.parametrize("how", [replace_layer, assign, to_double_and_back, double, unfreeze, new_parameter])
def test_steps_follow_tensors_that_were_replaced_and_say_so(how):
    mine = learner()
    mine.step(batch())
    seen = mine.frozen()
    target = TargetNetwork(mine)
    how(mine.module)
    with pytest.warns(UserWarning, match="replaced since the last gradient step"):
        before = error_after(mine, 1)
    assert error_after(mine, 100) < before
    assert torch.equal(seen(batch()[0]), mine.module(batch()[0]))
    target.update()
    assert torch.equal(target.module(batch()[0]), mine.module(batch()[0]))


def test_tied_weights_stay_tied():
    mine = learner()
    mine.module[2].weight = nn.Parameter(torch.eye(8))
    twin = nn.Linear(8, 8)
    twin.weight = mine.module[2].weight
    mine.module.insert(3, twin)
    with pytest.warns(UserWarning, match="replaced"):
        error_after(mine, 1)
    assert mine.module[2].weight is mine.module[3].weight
    before = mine.module[3].weight.clone()
    error_after(mine, 1)
    assert not torch.equal(before, mine.module[3].weight)
    other = copied(mine)
    assert other.module[2].weight is other.module[3].weight
    assert error_after(other, 3) == error_after(mine, 3)


def test_parameters_that_share_memory_are_refused():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    module[1].weight.data = module[0].weight.data
    with pytest.raises(SandlotError, match="share their memory"):
        Learner(module, loss, LearnerConfig())


def test_gradients_that_were_taken_away_are_put_back():
    mine = learner()
    before = error_after(mine, 1)
    mine.module.zero_grad(set_to_none=True)
    assert error_after(mine, 20) < before


def test_untouched_parameters_keep_their_averages():
    mine = learner()
    error_after(mine, 10)
    before = mine.optimizer.carried(mine.layout)["0.weight"]["mean"].clone()
    mine.module[2], mine.module[4] = nn.Linear(8, 6), nn.Linear(6, 1)
    with pytest.warns(UserWarning, match="replaced"):
        mine._mend()
    carried = mine.optimizer.carried(mine.layout)
    assert torch.equal(carried["0.weight"]["mean"], before)
    assert not carried["2.weight"]["mean"].any()
    assert mine.optimizer.steps == 10
