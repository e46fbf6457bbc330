"""Films of the checkpoints of a run; `tests/test_cli.py` trains with the worker as a process of its own."""

import io

import pytest

from sandlot.agents.films import film_path
from sandlot.agents.films.worker import serve, unlogged_films
from sandlot.cli import main
from sandlot.tracking import Run
from tests.commands import in_a_folder_of_its_own, runs  # noqa: F401
from tests.video_file import probe

TRAIN = ["train", "q-learning", "FrozenLake-v1", "--steps", "128", "--evaluation-episodes", "2"]
QUIET = ["--wandb", "disabled", "--video-every", "0"]


@pytest.mark.parametrize(("words", "size"), [([], (256, 256)), (["--video-overlay"], (830, 512))])
def test_films_made_while_training_have_an_overlay_if_asked_for(words, size, monkeypatch, capsys):
    assert main([*TRAIN, *QUIET, *words]) == 0
    run = Run.find(runs(), "latest")
    monkeypatch.setattr("sys.stdin", io.StringIO("50\n\n128\n"))
    serve(run.folder)
    assert "has no checkpoint of step 50" in capsys.readouterr().err, "the worker goes on with the next"
    assert probe(film_path(run, 128))[0] == size


def test_films_that_a_killed_training_left_are_logged_by_the_resumed_one():
    options = [*QUIET[:2], "--video-every", "1000"]
    assert main([*TRAIN, *options]) == 0
    run = Run.find(runs(), "latest")
    assert unlogged_films(run) == []
    metrics = run.folder / "metrics.jsonl"
    kept = [line for line in metrics.read_text().splitlines() if '"videos/step-000000000.mp4"' not in line]
    metrics.write_text("\n".join(kept) + "\n")
    (run.folder / "videos" / "step-0.bak.mp4").touch()
    assert unlogged_films(run) == [0]
    assert main(["resume", str(run.folder), "--steps", "160"]) == 0
    assert unlogged_films(Run(run.folder)) == []
