"""`sandlot record`, from the command line to the files of W&B."""

import numpy as np

from sandlot.cli import main
from sandlot.tracking import Run, read_metrics
from tests.commands import in_a_folder_of_its_own, runs  # noqa: F401
from tests.video_file import decode, probe
from tests.wandb_file import read_history

TRAIN = [
    "--hidden", "8", "--evaluation-episodes", "2", "--steps", "672", "--num-envs", "2", "--num-steps", "16",
    "--batch-size", "16", "--checkpoint-every", "224",
]  # fmt: skip


def trained(*words, env="tests/Match-v0"):
    assert main(["train", "ppo", env, *TRAIN, *words]) == 0
    return Run.find(runs(), "latest")


def test_every_kind_of_film_is_in_the_run_and_in_wandb(capsys):
    run = trained("--wandb", "offline", "--video-every", "0")
    steps = run.checkpoint_steps()
    assert len(steps) == 4
    assert main(["record", "latest", "--episodes", "3", "--grid", "2x2", "--overlay", "--gif"]) == 0
    check(run, f"step-{steps[-1]:09d}-seed20000-2x2-overlay", "video", gif=True, size=(850, 902), count=9)
    assert main(["record", "latest", "--progress"]) == 0
    path = check(run, "progress-seed20000", "progress", gif=False, size=(850, 652), count=9)
    first, last = decode(path)[[0, -1]].astype(int)
    assert first[:25, :200].max() > 200, "a label above the first checkpoint"
    assert np.abs(first[:25, :200] - last[:25, :200]).mean() < 3, "the label stays"
    assert np.abs(first[30:300] - last[30:300]).mean() > 30, "and the picture changes"
    output = capsys.readouterr().out.replace("\n", " ")
    assert "after 0 env steps" in output
    assert main(["record", "latest", "--progress", "--grid", "2x1", "--episodes", "2", "--output", "film.mp4"]) == 0
    assert probe("film.mp4") == ((850, 324), True, 10.0, 18)


def check(run, stem, key, *, gif, size, count):
    """Check the film in the run's folder and W&B's copy of it, and return its path."""
    path = run.folder / "videos" / f"{stem}.mp4"
    assert probe(path) == (size, True, 10.0, count)
    history = read_history(run.folder)
    ((shown, video),) = [(row["env_step"], row[key]) for row in history if key in row]
    assert shown == run.checkpoint_steps()[-1]
    (copy,) = run.folder.glob(f"wandb/offline-run-*/files/{video['path']}")
    assert probe(copy) == (size, True, 10.0, count)
    media = [name for row in read_metrics(run.folder) for name in row.get("media", {})]
    assert (media[-1] == f"{key}_gif") is gif
    if gif:
        (shown,) = [row[f"{key}_gif"] for row in history if f"{key}_gif" in row]
        assert shown["_type"] == "video-file"
        (copy,) = run.folder.glob(f"wandb/offline-run-*/files/{shown['path']}")
        assert copy.read_bytes() == path.with_suffix(".gif").read_bytes()
        assert copy.read_bytes()[:6] == b"GIF89a"
    return path


def test_mistakes_are_one_sentence(capsys):
    run = trained("--wandb", "disabled", "--video-every", "0")
    capsys.readouterr()
    mistakes = [
        (["--grid", "0x2"], "--grid must be columns x rows, such as 3x2, not '0x2'"),
        (["--grid", "2"], "--grid must be columns x rows"),
        (["--grid", "9x9"], "--grid must have at most 64 places, not 9x9"),
        (["--episodes", "0"], "--episodes must be at least 1, not 0"),
        (["--seconds", "0"], "--seconds must be positive"),
        (["--gif", "--output", "film.gif"], "--output must end in .mp4, not 'film.gif'; --gif makes a GIF beside"),
        (["--progress", "--step", "0"], "leave --step out"),
        (["--progress", "--grid", "3x2"], "--grid 3x2 shows 6 checkpoints; of "),
        (["--progress", "--grid", "1x1"], "--grid 1x1 shows 1 checkpoints; of "),
    ]
    for words, sentence in mistakes:
        assert main(["record", "latest", *words]) == 2, words
        output = capsys.readouterr().err
        assert sentence in output
        assert len(output.strip().splitlines()) == 1
    assert main(["record", "model.zip", "--progress", "--env", "CartPole-v1"]) == 2
    assert "a .zip file holds one model" in capsys.readouterr().err
    for folder in run.checkpoints()[1:]:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert main(["record", "latest", "--progress"]) == 2
    assert "has one checkpoint; --progress wants two or more" in capsys.readouterr().err
    assert not list(run.folder.glob("videos/*"))
    assert main(["record", "latest", "--seconds", "0.5"]) == 0
    assert "cut after 0.5 s; so far " in capsys.readouterr().out
