import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.tracking import Run, read_metrics
from tests.commands import final_weights, in_a_folder_of_its_own, runs, sandlot, stopped_after_a_checkpoint  # noqa: F401
from tests.wandb_file import read_history

FAST = ["--steps", "2000", "--evaluation-episodes", "5", "--wandb", "disabled", "--video-every", "0"]


def trained(*words):
    assert main(["train", "ppo", "CartPole-v1", *FAST, *words]) == 0
    return Run.find(runs(), "latest")


def test_train_leaves_the_record_it_prints(capsys):
    assert main(["train", "ppo", "CartPole-v1", "--steps", "3000", "--wandb", "offline", "--seed", "4"]) == 0
    said = capsys.readouterr().out
    run = Run.find(runs(), "latest")
    assert run.folder.name.startswith("ppo-CartPole-v1-s4-")
    for line in ("95 % interval", "a second", run.folder.name, "step-00000300", "learning-curve.png", "wandb sync"):
        assert line in said
    assert run.checkpoints()[0].name == "step-000000000"
    assert len(run.checkpoints()) == len(list((run.folder / "videos").glob("*.mp4"))) == 2
    assert run.config["config"]["gamma"] == 0.98, "the recipe's"
    summary = run.summary
    assert summary["status"] == "finished"
    assert summary["env_step"] >= 3000
    assert summary["evaluation"]["episodes"] == 100
    history = read_history(run.folder)
    assert sum("video" in row for row in history) == 2
    assert sum("train/return" in row for row in history) >= 2
    assert not list(run.folder.glob("*.log"))


def test_flags_beat_the_recipe_and_everything_is_written_down():
    run = trained("--gamma", "0.9", "--num-envs", "8", "--hidden", "16", "16")
    config = run.config["config"]
    assert (config["gamma"], config["num_envs"], config["hidden"]) == (0.9, 8, [16, 16])
    assert config["learning_rate"] == 2.5e-3
    assert run.config["steps"] == 2000
    assert json.loads((run.folder / "config.json").read_text()) == run.config


def test_evaluate_record_and_compare(capsys, tmp_path):
    first, second = trained("--seed", "1"), trained("--seed", "2", "--gamma", "0.9")
    capsys.readouterr()
    assert main(["evaluate", first.folder.name, "--episodes", "5"]) == 0
    assert "5 episodes" in capsys.readouterr().out
    assert main(["evaluate", "latest", "--step", "0", "--stochastic", "--episodes", "5"]) == 0
    assert "after 0 env steps" in capsys.readouterr().out
    assert main(["record", "latest", "--episodes", "2", "--output", "film.mp4"]) == 0
    assert (tmp_path / "film.mp4").stat().st_size > 1000
    assert main(["record", "latest"]) == 0
    assert len(list((second.folder / "videos").glob("step-*-seed20000.mp4"))) == 1
    assert read_metrics(second.folder)[-1]["media"]["video"].startswith("videos/step-")
    capsys.readouterr()
    assert main(["compare", first.folder.name, str(second.folder)]) == 0
    said = capsys.readouterr().out
    assert said.split("\n")[0].split()[:3] == ["run", "steps", "return"], "what all of them are judged by"
    assert "config.gamma" in said
    assert "config.num_steps" not in said
    assert (tmp_path / "compare.png").exists()


def test_a_table_is_trained_drawn_and_compared_without_torch(capsys, tmp_path):
    words = ["FrozenLake-v1", "--steps", "20_000", "--evaluation-episodes", "50", "--wandb", "offline"]
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; from sandlot.cli import main; main({['train', 'q-learning', *words]}); "
            "print([name for name in ('torch', 'wandb') if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
    )
    assert said.stdout.splitlines()[-1] == "[]", said.stdout + said.stderr
    assert "exact      return 0." in said.stdout
    assert "optimum 0.744" in said.stdout
    run = Run.find(runs(), "latest")
    assert run.summary["exact/optimum"] == pytest.approx(0.7442, abs=1e-4)
    assert run.summary["exact/regret"] == pytest.approx(0.7442 - run.summary["exact/return"], abs=1e-4)
    regrets = [row["exact/regret"] for row in read_metrics(run.folder) if "exact/regret" in row]
    assert len(regrets) > 10
    assert regrets[-1] < regrets[0]
    history = read_history(run.folder)
    assert sum("learned" in row for row in history) == 1
    assert len(list((run.folder / "images").glob("step-*.png"))) == 1
    other = trained()
    capsys.readouterr()
    assert main(["compare", run.folder.name, other.folder.name]) == 0
    said = capsys.readouterr().out
    assert "epsilon " in said
    assert "clip_range " in said
    assert main(["evaluate", run.folder.name, "--episodes", "20"]) == 0
    assert "q-learning after" in capsys.readouterr().out


def test_a_table_is_described(capsys):
    assert main(["describe", "double-q-learning", "FrozenLake-v1"]) == 0
    assert "2 × 16 states × 4 actions" in capsys.readouterr().out


WORDS = [
    "ppo", "CartPole-v1", "--steps", "30_000", "--checkpoint-every", "6_000", "--normalize-rewards",
    "--normalize-observations", "--wandb", "offline", "--video-every", "0", "--evaluation-episodes", "2",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_politely_it_saves_and_says_how_to_go_on(number, expected):
    run, status, (out, err) = stopped_after_a_checkpoint(
        [*WORDS[:2], "--steps", "9_000_000", "--compile", "off", *WORDS[4:]], number
    )
    assert status == expected
    assert "Traceback" not in err
    assert f"sandlot resume {run.folder}" in out.replace("\n", "")
    assert run.summary["status"] == "interrupted"
    assert final_weights(run)
    assert run.checkpoints()[-1].name == f"step-{run.summary['env_step']:09d}"
    assert run.curve.exists()
    assert len(read_history(run.folder)) == len(read_metrics(run.folder))
    steps = run.summary["env_step"] + 3000
    assert main(["resume", "latest", "--steps", str(steps)]) == 0
    assert Run.find(runs(), "latest").summary["env_step"] >= steps


def test_sandlot_help_comes_at_once():
    seconds, out = [], ""
    for _ in range(3):  # the best of three: other tests run beside this one
        begin = time.perf_counter()
        out, _ = sandlot("--help").communicate()
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 1.0
    for command in ("train", "evaluate", "record", "resume", "compare"):
        assert command in out


@pytest.mark.parametrize(
    "words", [["train", "ppo"], ["train", "ppo", "CartPole-v1"], ["evaluate"], ["record"], ["resume"], ["compare"]]
)
def test_every_command_explains_itself(words, capsys):
    with pytest.raises(SystemExit) as done:
        main([*words, "--help-all" if words[0] == "train" else "--help"])
    assert done.value.code == 0
    said = capsys.readouterr().out
    assert "--runs-dir" in said
    if words[0] == "train":
        assert "--gae-lambda" in said
        assert ("0.0025" in said) is (len(words) == 3), "the recipe's learning rate"


@pytest.mark.parametrize(
    ("words", "within"),
    [
        (["train", "classifier"], "or a folder with a model of"),
        (["train", "vae"], "with a learned standard deviation"),
        (["describe", "ppo"], "lstm, gru or transformer for memory"),
    ],
)
def test_help_is_in_paragraphs(words, within, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        main([*words, "--help-all"])
    assert within in capsys.readouterr().out, "lines are broken where the source breaks them"


@pytest.mark.parametrize(
    "words", ["train ppo", "train ppo CartPole-v1", "train vae digits", "train dqn", "describe sac"]
)
def test_short_help_fits_a_screen(words, capsys):
    with pytest.raises(SystemExit) as done:
        main([*words.split(), "--help"])
    assert done.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert ("  --learning-rate 0.0025 " in "\n".join(lines)) is (words == "train ppo CartPole-v1")
    assert "--help-all" in lines[-1]


def test_describe_says_what_it_wants(capsys):
    for words in (["describe"], ["describe", "--help"]):
        assert main(words) == 0
        assert "usage: sandlot describe AGENT ENV" in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_accident():
    with sandlot("train", "ppo", "--help") as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 128 + 13


def test_the_list_of_agents(capsys):
    assert main(["train"]) == 0
    assert "proximal policy optimisation" in capsys.readouterr().out
    assert main([]) == 0
    assert main(["--version"]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fly"], "there is no command 'fly'"),
        (["train", "pop", "CartPole-v1"], "there is no agent or task 'pop'; did you mean ppo?"),
        (["train", "ppo", "CartPole-v7"], "did you mean CartPole-v"),
        (["train", "ppo", "CartPole-v1", "--steps", "-5"], "--steps must be at least 1, not -5"),
        (["train", "ppo", "CartPole-v1", "--gamma", "7"], "gamma must be in [0, 1], not 7"),
        (["train", "ppo", "CartPole-v1", "--num-envs", "0"], "num_envs must be at least 1"),
        (["train", "ppo", "CartPole-v1", "--batch-size", "77"], "batch_size must divide"),
        (["train", "ppo", "CartPole-v1", "--network", "cnn"], "the network 'cnn' reads images"),
        (["train", "ppo", "CartPole-v1", "--device", "tpu7"], "this machine has no device 'tpu7'"),
        (["train", "sarsa", "CartPole-v1"], "sarsa keeps a table, so it reads Discrete"),
        (["train", "ppo", "CartPole-v1", "--env-kwargs", "x"], "--env-kwargs must be JSON"),
        (["train", "ppo", "CartPole-v1", "--env-kwargs", '{"mass": 2}'], "does not take these options"),
        (["train", "ppo", "CartPole-v1", "--seed", "-1"], "--seed must be at least 0, not -1"),
        (["train", "ppo", "CartPole-v1", "--runs-dir", "/proc/runs"], "can't write /proc/runs"),
        (["evaluate", "latest"], "there are no runs in runs yet"),
        (["record", "nothing"], "there is no run 'nothing'"),
        (["resume", "."], "is not a run"),
        (["compare", "nothing"], "there is no run 'nothing'"),
    ],
)
def test_mistakes_get_one_sentence_and_status_2(words, sentence, capsys):
    assert main(words) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not runs().exists(), "no half-made run"


@pytest.mark.parametrize(
    "words", [["train", "ppo", "CartPole-v1", "--steps", "many"], ["train", "ppo"], ["evaluate", "--fly"]]
)
def test_words_that_cannot_be_read_end_with_status_2(words, capsys):
    with pytest.raises(SystemExit) as done:
        main(words)
    assert done.value.code == 2


def test_a_run_that_is_damaged_or_done_is_a_sentence(capsys):
    run = trained()
    assert main(["resume", "latest"]) == 2
    assert "has its 2,000 env steps; go on for longer with --steps" in capsys.readouterr().err
    assert main(["record", "latest", "--output", "film.avi"]) == 2
    assert "must end in .mp4" in capsys.readouterr().err
    tensors = run.checkpoints()[-1] / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-9])
    for command in ("evaluate", "record", "resume"):
        assert main([command, "latest", *(["--steps", "9000"] if command == "resume" else [])]) == 2
        said = capsys.readouterr().err
        assert "is damaged: tensors.safetensors" in said
        assert "--step 0" in said


def test_a_disk_that_fills_up_is_a_sentence_and_the_record_stays(monkeypatch, capsys):
    from sandlot.tracking import checkpoint

    written = []

    def filling(path, data):
        written.append(path)
        if len(written) > 3:
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(checkpoint, "write_synced", filling)
    assert main(["train", "ppo", "CartPole-v1", *FAST]) == 2
    assert "No space left on device; the record up to the last checkpoint is in runs/" in capsys.readouterr().err
    run = Run.find(runs(), "latest")
    assert run.summary["status"] == "failed"
    assert run.checkpoint()[1].state["env_step"] == 0


def test_a_nan_ends_the_run_and_keeps_the_checkpoint(capsys):
    words = ["--steps", "5000", "--wandb", "disabled", "--video-every", "0", "--learning-rate", "100"]
    assert main(["train", "ppo", "Pendulum-v1", "--max-grad-norm", "0", *words]) == 2
    said = capsys.readouterr().err
    assert "became NaN or infinite at gradient step" in said
    run = Run.find(runs(), "latest")
    assert all(np.isfinite(array).all() for array in final_weights(run).values())


def test_an_agent_films_itself_only_where_there_are_pictures(capsys):
    assert (
        main(["train", "ppo", "CartPole-v1", *FAST[:-1], "100000", "--env-kwargs", '{"sutton_barto_reward": true}'])
        == 0
    )
    run = Run.find(runs(), "latest")
    assert run.config["env"]["kwargs"] == {"sutton_barto_reward": True}
    assert run.summary["evaluation"]["return"] >= -1.0


def test_it_runs_as_a_module_from_anywhere():
    out, err = sandlot("--version", env=os.environ).communicate()
    assert out.startswith("sandlot "), err
