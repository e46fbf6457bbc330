"""The commands for generative models."""

import signal
from pathlib import Path

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.tracking import read_metrics
from tests.commands import (  # noqa: F401
    QUIET,
    final_weights,
    in_a_folder_of_its_own,
    sandlot,
    stopped_after_a_checkpoint,
    trained,
    trained_apart,
)

TINY = ["--widths", "4", "8", "--latent-size", "4", "--epochs", "1", *QUIET]


def fails(capsys, *words):
    capsys.readouterr()
    assert main(list(words)) == 2
    return capsys.readouterr().err


def media_of(run):
    return {name for row in read_metrics(run.folder) for name in row.get("media", {})}


def test_every_command_works_with_an_autoencoder(capsys):
    run = trained("vae", "digits", "--held-out", "3", *TINY)
    assert run.config["config"]["validate_every"] == 100, "the recipe's"
    assert {"samples", "reconstructions"} <= media_of(run)
    for command, *more in (("sample", "--count", "9"), ("reconstruct",), ("interpolate", "--pairs", "2"),
                           ("anomalies",), ("latents", "--rows", "60"), ("compress",)):  # fmt: skip
        assert main([command, "latest", *more]) == 0
        assert (run.folder / f"images/step-{run.summary['step']:09d}-{command}.png").stat().st_size > 500
    printed = capsys.readouterr().out
    assert "AUROC" in printed
    assert "principal components" in printed
    assert list((run.folder / "videos").glob("*-interpolate.mp4"))
    assert {"sample", "interpolation", "extremes"} <= media_of(run)


def test_fidelity_is_measured_in_a_classifiers_features_and_mistakes_get_sentences(capsys):
    run = trained("cgan", "digits", *TINY)
    assert "sandlot train classifier digits" in fails(capsys, "fidelity", run.folder.name)
    trained("classifier", "digits", "--network", "mlp", "--epochs", "1", *QUIET)
    assert main(["fidelity", run.folder.name]) == 0
    printed = capsys.readouterr().out
    for words in ("FID", "training images:", "KID", "recall", "features of classifier-digits", "359 generated"):
        assert words in printed
    assert any("fidelity/fid" in row for row in read_metrics(run.folder))
    assert main(["sample", run.folder.name, "--label", "7", "--output", "seven.png"]) == 0
    for words, sentence in (
        (("sample", run.folder.name, "--label", "ten"), "no class 'ten' to ask for"),
        (("reconstruct", run.folder.name), "a cgan has no encoder"),
        (("anomalies", "latest"), "is a run of classifier, not of a generative model"),
        (("fidelity", run.folder.name, "--extractor", run.folder.name), "must be a run of a classifier"),
        (("sample", run.folder.name, "--output", "seven.jpg"), "must end in .png"),
        (("train", "vae", "digits", "--latent-size", "0"), "latent_size must be at least 1"),
        (("train", "vae", "env:CartPole-v1"), "are not images"),
        (("train", "vae", "env:CartPoll-v1"), "did you mean CartPole"),
        (("train", "vae", f"run:{run.folder.name}"), "which does not play"),
        (("train", "ppo", "CartPole-v1", "--freeze"), "needs an --encoder"),
    ):
        assert sentence in fails(capsys, *words)


@pytest.mark.slow
def test_a_run_killed_in_mid_epoch_and_resumed_equals_an_uninterrupted_one():
    words = ["dcgan", "digits", "--epochs", "20", "--checkpoint-every", "3", "--batch-size", "64",
             "--validate-every", "0", "--widths", "8", *QUIET]  # fmt: skip
    killed, status, _ = stopped_after_a_checkpoint(words, signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert int(killed.checkpoints()[-1].name.removeprefix("step-")) < killed.config["steps"]
    process = sandlot("resume", killed.folder.name)
    _, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    whole = trained_apart(*words)
    assert whole.folder != killed.folder
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(final_weights(killed)[name], value, name)
    first, second = (run.folder / "images" / "samples.png" for run in (killed, whole))
    assert first.read_bytes() == second.read_bytes()


def test_samples_go_to_files_by_their_ending(capsys):
    run = trained("vae", "iris", "--latent-size", "2", "--epochs", "1", *QUIET)
    assert main(["sample", "latest", "--count", "300", "--output", "rows.csv"]) == 0
    lines = Path("rows.csv").read_text().splitlines()
    assert lines[0].startswith("sepal length")
    assert len(lines) == 301
    assert main(["sample", "latest", "--seed", "3", "--mean"]) == 0
    assert main(["sample", "latest"]) == 0
    step = f"images/step-{run.summary['step']:09d}"
    for name in ("sample.png", "sample.csv", "sample-s3.png"):
        assert (run.folder / f"{step}-{name}").exists()
    assert "--temperature does nothing for a vae" in fails(capsys, "sample", "latest", "--temperature", "1")
    run = trained("cgan", "digits", *TINY)
    assert main(["sample", "latest", "--count", "120", "--output", "all.npz", "--truncation", "0.5"]) == 0
    with np.load("all.npz") as rows:
        assert rows["image"].shape == (120, 8, 8, 1)
        assert rows["label"][:3].tolist() == ["0", "1", "2"]
    assert main(["sample", "latest", "--count", "120", "--output", "folder"]) == 0
    assert len(list(Path("folder").glob("*.png"))) == 120
    assert main(["sample", "latest", "--count", "120", "--nearest", "--output", "grid.png"]) == 0
    printed = capsys.readouterr().out
    assert "shows the first 100" in printed
    assert "of 120 samples copy a training row" in printed
    assert "--mean does nothing for a cgan" in fails(capsys, "sample", "latest", "--mean")
