"""Numbers that would not fit into memory, or make no sense, are told before anything is made."""

import re
from pathlib import Path

import pytest

from sandlot.cli import main
from sandlot.tracking import SandlotError
from sandlot.tracking.common.memory import allocating, readable, require_memory, total_memory
from tests.commands import in_a_folder_of_its_own  # noqa: F401 (a fixture)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ppo CartPole-v1 --hidden 9999999999", "lower hidden"),
        ("ppo CartPole-v1 --hidden 9999999 9999999", "an MLP of 1e14|lower hidden"),
        ("ppo CartPole-v1 --num-envs 1000000000", "1,000,000,000 environments would take 10 TB of memory"),
        ("q-learning FrozenLake-v1 --num-envs 1000000000", "lower num_envs"),
        ("ppo CartPole-v1 --num-steps 256000000000", "lower num_steps or num_envs"),
        ("ppo CartPole-v1 --frame-stack 999999999999", "lower frame_stack"),
        ("dqn CartPole-v1 --buffer-size 99999999999999", "a replay buffer of 99,999,999,999,999 env steps would take"),
        ("sac Pendulum-v1 --buffer-size 99999999999999", "lower buffer_size"),
        ("vae iris --latent-size 2 --hidden 9999999999", "lower hidden"),
        ("classifier iris --hidden 9999999999", "lower hidden"),
        ("ppo :", "there is no environment ':'"),
        ("ppo a:b:c", "there is no environment 'a:b:c'"),
        ("ppo :CartPole-v1", "there is no environment ':CartPole-v1'"),
        ("ppo a:", "there is no environment 'a:'"),
        ('ppo CartPole-v1 --env-kwargs {"max_episode_steps":-5}', "max_episode_steps .* must be at least 1, not -5"),
    ],
)
def test_training(words, told, capsys):
    try:
        status = main(["train", *words.split()])
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr()
    assert status == 2
    assert "Traceback" not in said.err
    assert re.search(told, said.err), said.err
    assert not Path("runs").exists(), "nothing is half made"


def test_other_commands(capsys):
    for words in ("compare", "record latest --seed -5", "record latest --seconds inf", "record latest --seconds nan"):
        assert main(words.split()) == 2, words
    assert "there are no runs" not in capsys.readouterr().err


def test_sizes():
    assert 2**27 < total_memory() <= 2**63
    require_memory(1, "a byte", "nothing")
    with pytest.raises(SandlotError, match="would take 100,000 PB of memory"):
        require_memory(1e20, "this", "that")
    assert [readable(size) for size in (5, 1500, 2.5e9)] == ["5 bytes", "1.5 kB", "2.5 GB"]
    with pytest.raises(SandlotError, match="8 GB at once"), allocating("a network", "hidden"):
        raise RuntimeError("can't allocate memory: you tried to allocate 8000000000 bytes")
    with pytest.raises(RuntimeError, match="another"), allocating("a network", "hidden"):
        raise RuntimeError("another")
