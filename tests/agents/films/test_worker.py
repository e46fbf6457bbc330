"""Films of the checkpoints of a run; `tests/test_cli.py` trains with the worker as a process of its own."""

import io

import pytest

from sandlot.agents.films import film_path
from sandlot.agents.films.worker import serve
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
