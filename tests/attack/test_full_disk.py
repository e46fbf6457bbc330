"""A disk that fills up while a run is trained: a sentence, nothing lost, and resumed as if there had been room."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.tracking import Run, read_metrics

from .test_damage import without_helpers  # noqa: F401 (a fixture)
from .test_kill import RUNS

pytestmark = pytest.mark.attack


@pytest.fixture
def disk(tmp_path):
    """Yield a disk of two megabytes, where we may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, left: int) -> None:
    """Fill the disk but for `left` kilobytes."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    with open(filler, "r+b") as file:
        file.truncate(max(filler.stat().st_size - 1024 * left, 0))


@pytest.mark.parametrize("kind", ["tabular", "value", "classifier"])
@pytest.mark.parametrize("left", [0, 4, 12, 28, 60, 100])
def test_training(kind, left, disk, monkeypatch, capsys):
    assert main(["train", *RUNS[kind]]) == 0
    expected = Run.find(Path("runs"), "latest").checkpoint()[1].tensors
    save, runs = Run.save, ["--runs-dir", str(disk)]

    def filling(self, *arguments, **options):
        if self.checkpoint_steps():
            fill(disk, left)
        return save(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", filling)
        status = main(["train", *RUNS[kind], *runs])
    assert status in (0, 2)
    assert "Traceback" not in (said := capsys.readouterr().err)
    assert status == 0 or "No space left" in said
    run = Run.find(disk, "latest")
    before, ended = read_metrics(run.folder), run.summary.get("status") == "finished"
    (disk / "filler").unlink(missing_ok=True)
    assert main(["resume", "latest", *runs]) == (2 if ended else 0)
    assert read_metrics(run.folder)[: min(len(before), 1)] == before[:1]
    found = run.checkpoint()[1].tensors
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
