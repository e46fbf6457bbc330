"""What `wandb agent` writes is read as the options that it means."""

import json
from pathlib import Path

import pytest

from sandlot.agents import PPO
from sandlot.cli.sweep_arguments import from_sweep
from sandlot.cli.train_agent import parse
from sandlot.tracking import SandlotError
from sandlot.tracking.sweeps import read_sweep

DOCS = Path(__file__).parents[3] / "docs" / "sweeps"
GIVEN = {
    "learning_rate": 0.001, "normalize_rewards": True, "normalize_advantage": False, "hidden": [64, 32],
    "betas": [0.8, 0.99], "num_envs": 8.0, "network": "mlp", "grey": False,
}  # fmt: skip


def written(values):
    """Return what wandb's agent makes of values, by the name of the macro."""
    create = pytest.importorskip("wandb.sdk.launch.sweeps.utils").create_sweep_command_args
    return create({"args": {name: {"value": value} for name, value in values.items()}})


@pytest.mark.parametrize("macro", ["args", "args_no_hyphens", "args_json", "args_no_equals"])
@pytest.mark.parametrize("prefix", ["", "config."])
def test_all_ways_of_a_sweeps_agent_are_read(macro, prefix):
    words = written({prefix + name: value for name, value in GIVEN.items()})[macro]
    options, config, env_spec = parse("ppo", PPO.Config, ["CartPole-v1", *words, "--steps", "500"])
    assert options.steps == 500
    assert (config.learning_rate, config.hidden, config.betas, config.num_envs) == (0.001, (64, 32), (0.8, 0.99), 8)
    assert config.normalize_rewards is True
    assert config.normalize_advantage is False
    assert env_spec.wrappers.grey is False


def test_nested_parameters_and_the_environment_may_be_swept():
    words = written({"env": "Acrobot-v1", "optimizer": {"learning_rate": 0.5}, "env_kwargs": {"a": 1}})["args"]
    options, config, _ = parse("ppo", PPO.Config, words)
    assert options.env == "Acrobot-v1"
    assert config.learning_rate == 0.5
    assert json.loads(options.env_kwargs) == {"a": 1}


def test_other_words_are_left_alone():
    words = ["CartPole-v1", "--env-kwargs", '{"x": 1}', "--hidden", "8", "8", "--wandb-notes", "a=b"]
    assert from_sweep(words, [PPO.Config]) == words


@pytest.mark.parametrize("name", ["grid", "random", "bayes"])
def test_the_sweeps_of_the_docs_are_sweeps(name):
    assert read_sweep(DOCS / f"{name}.yaml")["method"] == name


@pytest.mark.parametrize("text", ["", "[1", "method: grid", "method: best\nparameters: {a: {values: [1]}}", "a: b"])
def test_what_is_no_sweep_is_a_sentence(tmp_path, text):
    (tmp_path / "sweep.yaml").write_text(text)
    with pytest.raises(SandlotError, match=r"sweep\.yaml"):
        read_sweep(tmp_path / "sweep.yaml")
    with pytest.raises(SandlotError, match="can't be read"):
        read_sweep(tmp_path / "none.yaml")
