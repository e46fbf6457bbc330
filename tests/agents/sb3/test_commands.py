"""Training, evaluating, recording and resuming Stable-Baselines3's algorithms on the command line."""

from pathlib import Path

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.tracking import Run, read_checkpoint, read_metrics
from tests.commands import in_a_folder_of_its_own  # noqa: F401 (a fixture)

QUIET = ["--wandb", "disabled", "--video-every", "0", "--evaluation-episodes", "3"]


def trained(*words):
    assert main(["train", *words, *QUIET]) == 0
    return Run.find(Path("runs"), "latest")


def test_a_run_is_recorded(capsys):
    run = trained("sb3:ppo", "CartPole-v1", "--steps", "1000", "--checkpoint-every", "500", "--n-epochs", "2")
    assert run.folder.name.startswith("sb3-ppo-CartPole-v1-s0-")
    assert [path.name[-6:] for path in run.checkpoints()] == ["000000", "000512", "001024"]
    assert run.config["config"]["learning_rate"] == "lin_0.001", "the recipe's"
    assert run.config["config"]["policy"] == "MlpPolicy"
    assert run.summary["env_step"] == 1024
    row = [row for row in read_metrics(run.folder) if "train/return" in row][-1]
    assert row["env_step"] == 1024
    for name in ("train/return", "rollout/ep_rew_mean", "train/value_loss", "time/env_steps_per_second"):
        assert np.isfinite(row[name])
    capsys.readouterr()
    other = trained("ppo", "CartPole-v1", "--steps", "1000")
    assert main(["compare", run.folder.name, other.folder.name]) == 0
    assert "n_epochs 2," in " ".join(capsys.readouterr().out.split())


def test_evaluate_record_and_resume(capsys):
    words = ["--steps", "250", "--checkpoint-every", "100", "--learning-starts", "60", "--buffer-size", "1000"]
    run = trained("sb3:sac", "Pendulum-v1", *words, "--batch-size", "16", "--train-freq", "8")
    assert main(["evaluate", "latest", "--episodes", "2"]) == 0
    assert "sb3:sac after 256 env steps" in capsys.readouterr().out
    assert main(["evaluate", "latest", "--trust"]) == 2
    assert main(["record", "latest", "--output", "film.mp4"]) == 0
    assert Path("film.mp4").stat().st_size > 1000
    assert main(["resume", "latest", "--step", "104"]) == 2
    assert "the replay memory of step 104 is gone" in capsys.readouterr().err
    assert main(["resume", "latest", "--steps", "300"]) == 0
    assert run.experience(304)["rewards"].shape == (304, 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sb3:ppo", "Pendulum-v1", "--n-steps", "32", "--batch-size", "32", "--no-use-sde"], "sb3:ppo failed at"),
        (["sb3:dqn", "CartPole-v1", "--learning-starts", "64", "--train-freq", "8"], "loss became NaN or infinite"),
    ],
)
def test_a_nan_fails_the_run(words, sentence, capsys):
    assert main(["train", *words, "--steps", "2000", "--learning-rate", "1e20", *QUIET]) == 2
    output = capsys.readouterr().err
    assert sentence in output
    assert len(output.strip().splitlines()) == 1
    run = Run.find(Path("runs"), "latest")
    assert run.summary["status"] == "failed"
    assert all(np.isfinite(array).all() for array in read_checkpoint(run.checkpoints()[-1]).tensors.values())


def test_describe_is_for_other_networks(capsys):
    assert main(["describe", "sb3:ppo", "CartPole-v1"]) == 2
    assert "Stable-Baselines3's" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sb3:pppo", "CartPole-v1"], "there is no agent or task 'sb3:pppo'; did you mean sb3:ppo?"),
        (["sb3:dqn", "Pendulum-v1"], "sb3:dqn can't be built with these options: The algorithm only supports"),
        (["sb3:ppo", "CartPole-v1", "--learning-rate", "falling"], "learning_rate must be a number, or lin_NUMBER"),
        (["sb3:ppo", "CartPole-v1", "--policy", "Deep"], "PPO has no policy 'Deep'; it has MlpPolicy"),
        (["sb3:ppo", "CartPole-v1", "--policy-kwargs", "x"], "--policy-kwargs must be JSON"),
        (["sb3:ppo", "CartPole-v1", "--policy-kwargs", '{"activation_fn": "Q"}'], "activation_fn must be a class of"),
        (["sb3:ppo", "CartPole-v1", "--device", "tpu7"], "sb3:ppo can't be built"),
        (["sb3:ppo", "CartPole-v1", "--num-envs", "0"], "num_envs must be at least 1, not 0"),
        (["sb3:ppo", "CartPole-v9"], "there is no environment 'CartPole-v9'"),
        (["sb3:ppo", "tests/Match-v0", "--env-kwargs", '{"observation": "tuple"}'], "sb3:ppo can't be built"),
        (
            ["sb3:ppo", "tests/Match-v0", "--env-kwargs", '{"observation": "discrete"}'],
            "discrete spaces that start at 0",
        ),
        (
            ["sb3:ppo", "tests/Match-v0", "--env-kwargs", '{"action": "discrete-from-3"}'],
            "discrete spaces that start at 0",
        ),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, capsys):
    assert main(["train", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("runs").exists()


def test_help_shows_the_docstrings_of_stable_baselines3(capsys):
    with pytest.raises(SystemExit):
        main(["train", "sb3:sac", "Pendulum-v1", "--help-all"])
    output = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "the soft update coefficient" in output
    assert "0.001" in output, "the recipe's learning rate"
    assert main(["train"]) == 0
    assert "sb3:ppo, sb3:a2c" in capsys.readouterr().out
