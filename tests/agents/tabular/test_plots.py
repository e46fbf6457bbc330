import pytest

from sandlot.agents import QLearning


@pytest.mark.parametrize("env", ["FrozenLake-v1", "CliffWalking-v1", "Blackjack-v1", "tests/Chain-v0"])
def test_tables_are_plotted(env, tmp_path):
    agent = QLearning(env, num_envs=2).learn(300)
    assert agent.plot(tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 3_000
