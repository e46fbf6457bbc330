"""What hands that know other libraries do, from Python."""

import re
from pathlib import Path

import gymnasium
import pytest

from sandlot.agents import DQN, PPO, QLearning
from sandlot.agents.registry import agent_class
from sandlot.tracking import Run, SandlotError
from sandlot.tracking.common.foreign_names import FOREIGN_NAMES, foreign_hint

SMALL = {"num_envs": 4, "num_steps": 32, "batch_size": 64, "epochs": 1, "hidden": (16,)}


def test_learn_adds_steps_and_until_is_a_total():
    agent = QLearning("FrozenLake-v1", num_envs=1)
    agent.learn(200).learn(300)
    assert agent.env_step == 500
    agent.learn(until=600)
    assert agent.env_step == 600
    assert agent.learn(until=600).env_step == 600, "they are done"
    assert agent.learn(1e2).env_step == 700


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "either steps to add"),
        ({"steps": 10, "until": 20}, "either steps to add"),
        ({"steps": 0}, "at least 1"),
        ({"until": -3}, "at least 1"),
        ({"steps": 1.5}, "whole number"),
        ({"total_timesteps": 10}, "`steps`"),
        ({"steps": 10, "run": "runs"}, "`record`"),
        ({"steps": 10, "verbose": 1}, "`progress`"),
        ({"steps": 10, "nonsense": 1}, "nonsense"),
    ],
)
def test_wrong_arguments_of_learn_are_a_sentence(arguments, said):
    with pytest.raises(SandlotError, match=re.escape(said)):
        QLearning("FrozenLake-v1").learn(**arguments)


@pytest.mark.parametrize("name", ["n_steps", "n_envs", "ent_coef", "verbose", "policy_kwargs", "tensorboard_log", "lr"])
def test_their_hyperparameters_are_answered_with_ours(name):
    with pytest.raises(SandlotError, match=re.escape(foreign_hint(name))):
        PPO("CartPole-v1", **{name: 1})


def test_a_policy_in_front_of_the_environment_is_a_sentence():
    for made in (lambda: PPO("MlpPolicy", "CartPole-v1"), lambda: DQN("CnnPolicy", gymnasium.make("CartPole-v1"))):
        with pytest.raises(SandlotError, match="takes the environment first"):
            made()
    with pytest.raises(SandlotError, match="the rest by name"):
        PPO("CartPole-v1", 1)


def test_the_table_of_names_names_what_there_is():
    known = {
        field
        for name in ("ppo", "a2c", "sac", "dqn", "td3", "q-learning", "reinforce", "ddpg")
        for field in agent_class(name).Config.__dataclass_fields__
    }
    known |= {"steps", "record", "progress", "callback", "env", "latent_size", "weight_decay", "normalize_advantage"}
    for theirs, ours in FOREIGN_NAMES.items():
        named = [word for word in re.findall(r"`([a-z_]+)`", ours) if word != "learn"]
        assert set(named) <= known, theirs


def test_every_name_of_the_table_is_on_the_migration_page():
    page = (Path(__file__).parents[2] / "docs" / "from-stable-baselines3.md").read_text()
    assert [name for name in FOREIGN_NAMES if f"| `{name}` |" not in page] == []


def test_an_environment_without_its_version_gets_the_newest_and_its_recipe():
    assert PPO("CartPole").config == PPO("CartPole-v1").config
    assert PPO("CartPole").env_factory.name == "CartPole-v1"


def test_an_agent_says_what_it_is():
    agent = PPO("CartPole-v1", **SMALL).learn(256)
    said = repr(agent)
    for part in ("ppo", "CartPole-v1", "parameters", f"env steps {agent.env_step}", "return"):
        assert part in said, said
    shown = agent._repr_html_()
    assert shown.startswith("<table>")
    assert "CartPole-v1" in shown


def test_a_recorded_agent_has_its_run_its_curve_and_a_film(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setattr("sandlot.agents.run_config.VIDEO_EVERY", 0)
    agent = QLearning("FrozenLake-v1", num_envs=4).learn(4_000, record=tmp_path)
    assert agent.run.folder.parent == tmp_path
    assert Run(agent.run.folder).summary["evaluation"]["episodes"] == 100
    assert Path(agent.run.plot()).stat().st_size > 1_000
    assert "data:image/png;base64," in agent._repr_html_()
    assert agent.film(tmp_path / "film.mp4").stat().st_size > 1_000
    with pytest.raises(SandlotError, match=r"\.mp4"):
        agent.film("film.gif")
