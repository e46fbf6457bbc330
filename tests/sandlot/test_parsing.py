"""Numbers and names as people type them, and what there is, on the command line."""

import dataclasses

import pytest

from sandlot.cli import main
from sandlot.cli.parsing import digits, parse_options
from sandlot.tracking import Run, SandlotError
from tests.commands import in_a_folder_of_its_own, runs  # noqa: F401


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options."""

    steps: int = 1
    most: int | None = None
    rate: float = 0.1
    num_envs: int = 1
    learning_rate: float = 0.1
    name: str = ""


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e5", "100000"), ("1_000_000", "1000000"), ("2M", "2000000"), ("50k", "50000"), ("1.5e3", "1500"),
     ("2.5", "2.5"), ("7", "7"), ("many", "many"), ("1e-3", "1e-3"), ("k", "k")],
)  # fmt: skip
def test_whole_numbers(text, value):
    assert digits(text) == value


def test_they_are_read_where_an_option_is_a_whole_number():
    found = parse_options(Options, ["--steps", "1e5", "--most=2M", "--rate", "1e-3", "--name", "1e5"], "x")
    assert found == Options(steps=100_000, most=2_000_000, rate=1e-3, name="1e5")


@pytest.mark.parametrize(
    ("flag", "said"),
    [("--lr", "`learning_rate`"), ("--total-timesteps", "`steps`"), ("--total_timesteps=5", "`steps`"),
     ("--n-envs", "`num_envs`"), ("--learing-rate", "did you mean --learning-rate")],
)  # fmt: skip
def test_names_of_others_are_answered_with_ours(flag, said):
    with pytest.raises(SandlotError, match=said):
        parse_options(Options, [flag, "3"], "x")


@pytest.mark.parametrize(
    ("words", "said"),
    [("trian ppo X", "did you mean train?"), ("evaluate latset", "did you mean latest?"), ("play nothing", "list")],
)
def test_unknown_commands_and_runs_get_the_nearest(words, said, capsys):
    assert main(words.split()) == 2
    assert said in capsys.readouterr().err


def test_runs_are_listed(capsys):
    assert main(["list"]) == 0
    assert "no runs" in capsys.readouterr().out
    record = {"agent": "ppo", "env": {"id": "CartPole-v1"}, "seed": 1}
    with Run.create(runs(), "mine", record, wandb="disabled") as run:
        run.finish({"status": "finished", "env_step": 5_000, "evaluation": {"return": 41.5}})
    (runs() / "broken").mkdir()
    (runs() / "broken" / "config.json").write_text("{")
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    for part in (run.folder.name, "5,000", "41.5", "finished", "broken"):
        assert part in said


def test_what_there_is(capsys):
    assert main(["agents"]) == 0
    assert "q-learning" in capsys.readouterr().out
    assert main(["data"]) == 0
    assert "digits" in capsys.readouterr().out
