from collections import Counter as Tally

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandlot.agents import REINFORCE, REINFORCEConfig
from sandlot.agents.policy.reinforce import Batch, policy_gradient_loss, reinforce_loss, rewards_to_go, value_loss
from sandlot.envs import tree_map
from sandlot.tracking import SandlotError
from tests.environments import Counter, Endless, TwoStates

GAMMA = 0.5


def column(*values, dtype=np.float32):
    return np.array(values, dtype)[:, None]


def test_rewards_to_go_by_hand():
    reward, done = column(1, 2, 4, 8), column(0, 1, 0, 0, dtype=bool)
    assert rewards_to_go(reward, done, GAMMA)[:, 0].tolist() == [1 + 0.5 * 2, 2, 4 + 0.5 * 8, 8]


def test_losses_by_hand():
    weight = torch.tensor([0.5, 0.5])
    log_prob, advantage = torch.tensor([-1.0, -2.0]), torch.tensor([3.0, -1.0])
    assert policy_gradient_loss(log_prob, advantage, weight).item() == pytest.approx(-0.5 * (-3 + 2))
    assert value_loss(torch.tensor([1.0, 4.0]), torch.tensor([3.0, 3.0]), weight).item() == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("options", "advantage"),
    [
        ({"baseline": "none"}, [4.0, 2.0]),
        ({"baseline": "mean"}, [1.0, -1.0]),
        ({"baseline": "value"}, [-6.0, -8.0]),
        ({"baseline": "none", "normalize_advantage": True}, [1.0, -1.0]),
    ],
    ids=str,
)
def test_the_gradient_is_the_advantage_times_that_of_the_log_probability(options, advantage):
    agent = two_states(**{"normalize_advantage": False, "value_coef": 0.0} | options)
    with torch.no_grad():
        agent.policy.value.linear.weight.zero_()
        agent.policy.value.linear.bias.fill_(10.0)
    episode_start, action = torch.tensor([[True, False]]), torch.tensor([[0, 1]])
    rows = Batch(torch.eye(2)[None], episode_start, action, torch.tensor([[4.0, 2.0]]), torch.full((1, 2), 0.5))
    memory = agent.policy.initial_memory(2)
    reinforce_loss(agent.policy, (rows, memory), agent.config)[0].backward()
    probability = agent.policy.act(rows.observation, memory, episode_start)[0].logits.softmax(-1)[0]
    by_hand = ((probability - torch.eye(2)) * torch.tensor(advantage)[:, None] * 0.5).sum(0)
    torch.testing.assert_close(agent.policy.head.linear.bias.grad, by_hand)


def two_states(**options):
    return REINFORCE(SyncVectorEnv([TwoStates]), seed=0, num_envs=1, batch_size=1, gamma=GAMMA, **options)


def batches(agent, steps):
    """Return what the agent learns from in `steps` steps of each environment."""
    seen = []
    learn = agent.learner.step
    agent.learner.step = lambda batch: (seen.append(tree_map(torch.clone, batch[0])), learn(batch))[1]
    envs = agent.env_factory.batch()
    agent.reset(envs.reset(0), 0)
    for _ in range(steps):
        agent.observe(envs.step(agent.exploration_action()))
    return seen


def counters(mode, *lengths, **options):
    env = SyncVectorEnv([lambda length=length: Counter(length) for length in lengths], autoreset_mode=mode)
    return REINFORCE(env, seed=0, gamma=GAMMA, **options)


def episode(length, number):
    """Return what a Counter's episode shows, and the returns by hand."""
    returns = [sum(GAMMA**k for k in range(length - t)) for t in range(length)]
    return [(100.0 * number + t, round(value, 4)) for t, value in enumerate(returns)]


def rows_of(batch):
    chosen = batch.weight > 0
    returns = [round(value, 4) for value in batch.reward_to_go[chosen].tolist()]
    return list(zip(batch.observation[chosen].flatten().tolist(), returns, strict=True))


def test_there_is_an_update_after_each_episode_as_in_the_paper():
    seen = batches(counters(AutoresetMode.SAME_STEP, 3, num_envs=1, batch_size=1), 9)
    assert [rows_of(batch) for batch in seen] == [episode(3, number) for number in range(3)]


def learned_and_played(mode, steps, *lengths, **options):
    """Return how often each row was learned from, and how often it was in an episode that ended."""
    learned, played = Tally(), Tally()
    for batch in batches(counters(mode, *lengths, num_envs=len(lengths), **options), steps):
        assert batch.weight.sum().item() == pytest.approx(1)
        learned.update(rows_of(batch))
    resets = mode is AutoresetMode.NEXT_STEP
    for length in lengths:
        for number in range((steps + resets) // (length + resets)):
            played.update(episode(length, number))
    return learned, played


@pytest.mark.parametrize("network", ["mlp", "lstm"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_every_episode_is_learned_from_once_and_whole_however_long(mode, network, monkeypatch):
    monkeypatch.setattr("sandlot.agents.policy.reinforce.INITIAL_STEPS", 8)
    learned, played = learned_and_played(mode, 300, 2, 90, batch_size=40, network=network, memory_size=4)
    assert not learned - played
    # What is missing is what the next update would take.
    assert (played - learned).total() < 40
    assert learned[90.0 - 1, 1.0] == learned[0.0, episode(90, 0)[0][1]] == 1


def test_learning_from_unfinished_episodes_is_wrong(monkeypatch):
    """The test above can fail: the returns of unfinished episodes are not those by hand."""
    whole = REINFORCE.complete_episodes

    def hasty(self):
        self.end[:] = self.buffer.length
        return whole(self)

    monkeypatch.setattr(REINFORCE, "complete_episodes", hasty)
    learned, played = learned_and_played(AutoresetMode.SAME_STEP, 300, 2, 90, batch_size=40)
    assert learned - played


def test_memory_begins_empty_in_each_episode():
    """What an LSTM makes of an episode in the middle of a batch is what it makes of it alone."""
    agent = counters(AutoresetMode.SAME_STEP, 3, 5, num_envs=2, batch_size=11, network="lstm", memory_size=8)
    batch = batches(agent, 8)[0]
    whole = agent.policy.act(batch.observation, agent.policy.initial_memory(2), batch.episode_start)[0].logits
    alone = agent.policy.act(batch.observation[3:6, :1], agent.policy.initial_memory(1), batch.episode_start[3:6, :1])[
        0
    ].logits
    torch.testing.assert_close(whole[3:6, :1], alone)


def test_learns_the_values_of_two_states():
    env = SyncVectorEnv([TwoStates] * 4)
    agent = REINFORCE(env, seed=0, num_envs=4, batch_size=20, gamma=GAMMA, learning_rate=2e-2).learn(4000)
    episode_start = torch.zeros(1, 2, dtype=torch.bool)
    with torch.no_grad():
        values = agent.policy.values(torch.eye(2)[None], agent.policy.initial_memory(2), episode_start)[0]
    assert values.tolist() == pytest.approx([1 + GAMMA * 2, 2], rel=0.05)


def test_an_episode_that_does_not_end_is_a_sentence(monkeypatch):
    monkeypatch.setattr("sandlot.agents.policy.reinforce.LONGEST_EPISODE", 600)
    agent = REINFORCE(SyncVectorEnv([lambda: Endless(10**9)]), seed=0, num_envs=1)
    with pytest.raises(SandlotError, match="one of SyncVectorEnv has not ended after 600 steps"):
        agent.learn(5000)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\], not 1.5"),
        ({"compile": "on"}, "compile must be auto or off for reinforce, whose batches differ in size, not on"),
    ],
)
def test_absurd_numbers_are_refused(options, sentence):
    with pytest.raises(SandlotError, match=sentence):
        REINFORCEConfig(**options)
