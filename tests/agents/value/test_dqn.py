"""DQN and the parts of Rainbow: by hand, on trivial environments, and against what would be wrong."""

import numpy as np
import pytest
import torch

from sandlot.agents import DQN, DQNConfig
from sandlot.agents.base import Spaces
from sandlot.agents.buffers.replay import Transitions
from sandlot.agents.evaluation import evaluate
from sandlot.agents.value.dqn import Batch, dqn_loss
from sandlot.agents.value.q_network import categorical_projection, huber, q_taken, quantile_huber, td_target
from sandlot.envs import MASK, EnvSpec
from sandlot.tracking import SandlotError
from tests.environments import Endless, Match

QUICK = {
    "num_envs": 4, "learning_starts": 100, "batch_size": 32, "target_update_interval": 50, "hidden": (32,),
    "learning_rate": 5e-3, "exploration_fraction": 0.5, "gamma": 0.5, "value_low": 0.0, "value_high": 3.0,
    "atoms": 13, "burn_in": 2, "sequence_length": 4, "memory_size": 16, "memory_length": 4, "buffer_size": 2_000,
}  # fmt: skip
PARTS = {
    "plain": {},
    "double": {"double": True},
    "dueling": {"dueling": True},
    "prioritized": {"prioritized": True, "n_step": 3},
    "noisy": {"noisy": True},
    "c51": {"distribution": "c51"},
    "quantile": {"distribution": "quantile"},
    "rainbow": {"rainbow": True},
    "lstm": {"network": "lstm"},
}


def untrained(**options) -> DQN:
    return DQN(Spaces(Match().observation_space, Match().action_space), **QUICK | options)


class TestTargets:
    """A world of two states: state 0 leads to state 1 for a reward of 1, state 1 ends the episode for one of 2."""

    OBSERVATION = torch.eye(2)[None]
    AFTER = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])

    def rows(self) -> Transitions:
        episode_start = torch.ones(1, 2, dtype=torch.bool)
        return Transitions(
            self.OBSERVATION, episode_start, torch.tensor([[0, 1]]), torch.tensor([[1.0, 2.0]]),
            torch.tensor([[0.5, 0.0]]), self.AFTER, episode_start, None, torch.ones(1, 2),
        )  # fmt: skip

    def test_the_best_next_value_is_discounted_and_nothing_follows_the_end(self):
        agent = untrained()
        next_atoms = torch.tensor([[[[3.0], [7.0]], [[9.0], [9.0]]]])
        batch = agent.targets(self.rows(), next_atoms)
        torch.testing.assert_close(batch.target, torch.tensor([[[1 + 0.5 * 7], [2.0]]]))
        through = td_target(batch.target[..., 0], torch.tensor([[0.5, 0.5]]), torch.full((1, 2, 1), 9.0))
        assert through[0, 1] != 2.0, "bootstrapping through the end would show"

    def test_double_takes_the_action_of_the_network_and_the_value_of_the_target(self):
        agent = untrained(double=True, hidden=(), network="mlp")
        with torch.no_grad():
            agent.policy.head.advantage.weight.copy_(torch.tensor([[0.0, 5.0], [0.0, 1.0]]))  # prefers action 0
        next_atoms = torch.tensor([[[[3.0], [7.0]], [[9.0], [9.0]]]])
        target = agent.targets(self.rows(), next_atoms).target
        torch.testing.assert_close(target, torch.tensor([[[1 + 0.5 * 3.0], [2.0]]]))

    def test_the_loss_is_hubers_of_the_action_taken(self):
        agent = untrained(hidden=(), network="mlp")
        with torch.no_grad():
            agent.policy.head.advantage.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        rows = self.rows()
        target = torch.tensor([[[1.5], [1.0]]])
        batch = Batch(rows.observation, rows.episode_start, rows.action, target, torch.full((1, 2), 0.5))
        loss, metrics = dqn_loss(agent.policy, batch, agent.config)
        # Values 1 (state 0, action 0) and 4 (state 1, action 1): errors of 0.5 and 3.
        assert loss.item() == pytest.approx(0.5 * (0.5 * 0.5**2) + 0.5 * (3 - 0.5))
        torch.testing.assert_close(metrics["td_error"], torch.tensor([[0.5, 3.0]]))


class TestDistributions:
    SUPPORT = torch.tensor([-1.0, 0.0, 1.0])

    def test_a_distribution_is_moved_and_shared_between_neighbours(self):
        probability = torch.tensor([[0.0, 0.0, 1.0]])
        projected = categorical_projection(probability, torch.tensor([0.25]), torch.tensor([0.5]), self.SUPPORT)
        torch.testing.assert_close(projected, torch.tensor([[0.0, 0.25, 0.75]]))
        ended = categorical_projection(
            torch.tensor([[0.2, 0.3, 0.5]]), torch.tensor([-0.5]), torch.tensor([0.0]), self.SUPPORT
        )
        torch.testing.assert_close(ended, torch.tensor([[0.5, 0.5, 0.0]]))
        clipped = categorical_projection(probability, torch.tensor([9.0]), torch.tensor([0.5]), self.SUPPORT)
        torch.testing.assert_close(clipped, torch.tensor([[0.0, 0.0, 1.0]]))

    def test_projecting_keeps_the_mean_inside_the_support(self):
        support = torch.linspace(-10, 10, 51)
        probability = torch.rand(6, 51).softmax(-1)
        reward, discount = torch.randn(6), torch.full((6,), 0.7)
        projected = categorical_projection(probability, reward, discount, support)
        torch.testing.assert_close(projected.sum(-1), torch.ones(6))
        torch.testing.assert_close(
            (projected * support).sum(-1), reward + discount * (probability * support).sum(-1), atol=1e-4, rtol=1e-4
        )

    def test_the_quantile_loss_against_its_formula(self):
        quantiles, target = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.5, -3.0]])

        def rho(tau: float, u: float) -> float:
            return abs(tau - (u < 0)) * (0.5 * u * u if abs(u) < 1 else abs(u) - 0.5)

        expected = sum(sum(rho(tau, y - q) for y in (1.5, -3.0)) / 2 for tau, q in ((0.25, 0.0), (0.75, 2.0)))
        assert quantile_huber(quantiles, target).item() == pytest.approx(expected)

    def test_quantiles_of_a_coin_are_learned(self):
        quantiles = torch.zeros(1, 4, requires_grad=True)
        coin = torch.tensor([[0.0, 10.0]])
        for _ in range(400):
            (gradient,) = torch.autograd.grad(quantile_huber(quantiles, coin).sum(), quantiles)
            quantiles = (quantiles - 0.5 * gradient).detach().requires_grad_()
        assert quantiles[0, 0] < 1.5
        assert quantiles[0, 3] > 8.5

    def test_the_loss_of_single_values_has_their_shape(self):
        assert huber(torch.zeros(3, 2, 1), torch.ones(3, 2, 1)).shape == (3, 2)
        atoms = torch.arange(12.0).view(1, 2, 3, 2)
        torch.testing.assert_close(q_taken(atoms, torch.tensor([[2, 0]])), torch.tensor([[[4.0, 5.0], [6.0, 7.0]]]))


@pytest.mark.parametrize("part", PARTS)
def test_each_part_learns_a_trivial_world_and_survives_saving(part: str, tmp_path):
    torch.set_num_threads(1)
    agent = DQN("tests/Match-v0", seed=1, **QUICK | PARTS[part]).learn(1_000)
    assert evaluate(agent, "tests/Match-v0", episodes=10).mean > 7
    agent.save(tmp_path / "agent")
    loaded = DQN.load(tmp_path / "agent")
    rows = np.eye(2, dtype=np.float32)
    np.testing.assert_array_equal(
        agent.predict(rows, deterministic=True)[0], loaded.predict(rows, deterministic=True)[0]
    )


@pytest.mark.parametrize("part", ["plain", "rainbow"])
def test_one_seed_gives_one_result(part: str):
    def weights(seed: int) -> torch.Tensor:
        return DQN("tests/Match-v0", seed=seed, **QUICK | PARTS[part]).learn(300).learner.flat

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("n_step", [1, 3])
def test_values_look_past_a_time_limit(n_step: int):
    """Reward 1 for ever is worth 1 / (1 - gamma) = 5; were the limit an end, it would be worth 3.3 on average."""
    options = QUICK | {"gamma": 0.8, "n_step": n_step, "hidden": (8,), "learning_rate": 2e-2}
    agent = DQN("tests/Endless-v0", seed=0, **options).learn(2_500)
    episode_start = torch.ones(1, 1, dtype=torch.bool)
    values, _ = agent.policy(torch.zeros(1, 1, 1), (), episode_start)
    torch.testing.assert_close(values.detach(), torch.full((1, 1, 2), 5.0), atol=0.4, rtol=0)
    assert Endless().horizon == 8


def test_masked_actions_are_neither_taken_nor_hoped_for():
    agent = DQN("tests/Legal-v0", seed=0, **QUICK).learn(1_500)  # an illegal action would be an error
    assert evaluate(agent, "tests/Legal-v0", episodes=10).mean > 6.5
    values = torch.tensor([[[1.0, 9.0, 2.0, 3.0]]])
    mask = {"observation": torch.zeros(1, 1, 4), MASK: torch.tensor([[[1, 0, 1, 0]]], dtype=torch.int8)}
    assert agent.policy.greedy_action(values, mask).item() == 2


def test_memory_solves_what_no_single_observation_tells():
    env_spec = EnvSpec("sandlot/Repeat-v0", {"delay": 1, "symbols": 2, "length": 6})

    def reached(network: str) -> float:
        from sandlot.tracking import with_options

        config = with_options(DQNConfig(), QUICK | {"network": network, "gamma": 0.1, "memory_size": 32})
        agent = DQN(env_spec, num_envs=4, seed=0, config=config).learn(3_000)
        return evaluate(agent, env_spec, episodes=40).mean

    assert reached("lstm") > 0.95
    assert reached("mlp") < 0.75


def test_epsilon_falls_and_noise_takes_its_place():
    agent = untrained(exploration_fraction=0.5, exploration_final_eps=0.1)
    epsilons = []
    for progress in (0.0, 0.25, 0.5, 1.0):
        agent.progress = progress
        epsilons.append(agent.epsilon)
    assert epsilons == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert untrained(noisy=True).epsilon == 0.0


def test_noise_explores_and_is_silent_when_it_counts():
    agent = untrained(noisy=True)
    rows = np.random.default_rng(0).random((64, 2)).astype(np.float32)
    one, two = (agent.predict(rows, deterministic=True)[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    agent.policy.resample_noise(agent.noise)
    layer = agent.policy.head.advantage
    loud = layer(torch.ones(1, 32))
    layer.quiet = True
    assert not torch.equal(loud, layer(torch.ones(1, 32)))


def test_rainbow_is_written_out():
    config = DQN("CartPole-v1", rainbow=True).config
    assert (config.double, config.dueling, config.prioritized, config.noisy) == (True,) * 4
    assert (config.distribution, config.n_step) == ("c51", 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"buffer_size": 10}, "buffer_size must be at least"),
        ({"value_low": 5.0, "value_high": 1.0}, "value_low must be below value_high"),
        ({"tau": 0.0}, r"tau must be in \(0, 1\]"),
        ({"network": "lstm", "batch_size": 30}, "batch_size must be a multiple of sequence_length"),
    ],
)
def test_bad_hyperparameters_are_named(options, said):
    with pytest.raises(SandlotError, match=said):
        untrained(**options)


def test_dqn_says_what_to_try_for_continuous_actions():
    with pytest.raises(SandlotError, match=r"needs Discrete actions.* sac for a Box"):
        DQN("Pendulum-v1")


def test_rows_that_only_reset_have_no_td_error():
    agent = untrained(hidden=(), network="mlp")
    episode_start = torch.ones(1, 2, dtype=torch.bool)
    rows = (torch.eye(2)[None], episode_start, torch.zeros(1, 2, dtype=torch.long), torch.full((1, 2, 1), 50.0))
    _, metrics = dqn_loss(agent.policy, Batch(*rows, torch.tensor([[1.0, 0.0]])), agent.config)
    assert metrics["td_error"][0, 0] > 40
    assert metrics["td_error"][0, 1] == 0
