"""The commands, for tasks on data."""

import json
import signal

import numpy as np
import pytest

from sandlot.cli import main
from sandlot.cli.compare import short_names
from sandlot.cli.table import number
from sandlot.supervised.data.split import SUBSETS
from sandlot.tracking import Run, read_metrics, read_table
from tests.commands import (  # noqa: F401
    QUIET,
    final_weights,
    in_a_folder_of_its_own,
    runs,
    sandlot,
    stopped_after_a_checkpoint,
    trained,
    trained_apart,
)
from tests.wandb_file import read_history


def test_training_a_classifier_records_what_it_prints(capsys):
    run = trained("classifier", "digits", "--network", "mlp", "--epochs", "3", "--seed", "2", "--wandb", "offline",
                  "--patience", "9", "--find-learning-rate")  # fmt: skip
    said = capsys.readouterr().out
    for word in ("accuracy 0.", "best", "validation accuracy", run.folder.name, "learning-curve.png", "confusion"):
        assert word in said
    assert run.folder.name.startswith("classifier-digits-s2-")
    assert run.config["steps"] == run.summary["step"] == 3 * 20
    assert run.config["config"]["learning_rate"] not in (1e-3, 3e-4)
    assert run.summary["test"]["accuracy"] > 0.8
    rows = read_metrics(run.folder)
    assert {row["step"] for row in rows if "evaluation/accuracy" in row} == {20, 40, 60}
    assert max(row.get("evaluation/accuracy", 0) for row in rows) == run.summary["best"]["value"]
    history = read_history(run.folder)
    assert sum("evaluation/accuracy" in row for row in history) == 3
    assert sum("worst_predictions_table" in row for row in history) == 1
    columns, cells = read_table(run.folder / "images" / "worst-predictions.json")
    assert columns == ["row", "image", "true", "predicted", "confidence"]
    assert (run.folder / "images" / cells[0][1]["image"]).exists()
    for name in ("confusion", "roc", "reliability", "worst-predictions", "learning-curve", "learning-rate"):
        assert (run.folder / "images" / f"{name}.png").stat().st_size > 1000
    assert main(["evaluate", "latest"]) == 0
    rows = (final_weights(run)["split"] == SUBSETS.index("test")).sum()
    low, high = run.summary["test_interval"]
    assert low < run.summary["test"]["accuracy"] < high
    said = capsys.readouterr().out
    assert f"{run.summary['test']['accuracy']:.4f} (95 % interval {low:.4f} to {high:.4f})" in said
    assert f"digits, {rows} rows in the test split" in said
    assert main(["resume", "latest"]) == 2
    assert "has its 60 steps; go on for longer with --steps" in capsys.readouterr().err
    assert main(["resume", "latest", "--steps", "70"]) == 0
    assert Run.find(runs(), "latest").summary["step"] == 70


def test_compare_network_baseline_and_agent(capsys, tmp_path):
    first = trained("classifier", "wine", "--epochs", "10", *QUIET)
    second = trained("sklearn:random-forest", "wine", *QUIET)
    third = trained(
        "q-learning", "Taxi-v4", "--steps", "2000", "--evaluation-episodes", "2", "--video-every", "0", *QUIET
    )
    capsys.readouterr()
    assert main(["compare", *(run.folder.name for run in (first, second, third))]) == 0
    said = capsys.readouterr().out
    assert "accuracy" in said
    assert f"{second.summary['test_interval'][0]:.4f} to" in said
    assert "only classifier-wine-s0: " in said
    assert "result" in said.split("\n")[0], "they are judged by different things"
    assert (tmp_path / "compare.png").stat().st_size > 1000
    parts = [final_weights(run)["split"] for run in (first, second)]
    np.testing.assert_array_equal(*parts)
    assert main(["record", second.folder.name]) == 2
    assert "is a run of the task 'sklearn:random-forest', which does not play" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0.0000"),
        (483.94, "483.9"),
        (0.93333, "0.9333"),
        (-57.128, "-57.13"),
        (60_660_672.0, "60,660,672"),
        (0.0000123, "1.23e-05"),
    ],
)
def test_numbers_are_shown_with_significant_digits(value, said):
    assert number(value) == said


def test_names_are_shortened_while_distinct():
    stamped = ["a-s0-20261122-070943", "a-s1-20261122-070943-2"]
    assert short_names(stamped) == ["a-s0", "a-s1"]
    third = "a-s0-20261122-070944"
    assert short_names([*stamped, third]) == [stamped[0], "a-s1", third]


def test_predict_prints_a_table_or_json(capsys, tmp_path):
    lines = ["x,city,label", *(f"{row % 7},{'Oslo' if row % 2 else 'Rome'},{'ab'[row % 2]}" for row in range(80))]
    (tmp_path / "old.csv").write_text("\n".join(lines))
    (tmp_path / "new.csv").write_text("x,city\n3,Oslo\n3,Rome\n")
    trained("classifier", "old.csv", "--epochs", "20", *QUIET)
    capsys.readouterr()
    assert main(["predict", "latest", "new.csv", "--json"]) == 0
    predictions = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [prediction["label"] for prediction in predictions] == ["b", "a"]
    assert predictions[1]["row"] == "new.csv, row 2"
    assert main(["predict", "latest", "new.csv"]) == 0
    assert "confidence" in capsys.readouterr().out
    (tmp_path / "bad.csv").write_text("x,city\nmany,Oslo\n")
    assert main(["predict", "latest", "bad.csv"]) == 2
    assert "bad.csv, column 'x': 'many' is not a number" in capsys.readouterr().err
    (tmp_path / "bad.csv").write_text("x\n1\n")
    assert main(["predict", "latest", "bad.csv"]) == 2
    assert "bad.csv has no column 'city'; it has x" in capsys.readouterr().err
    (tmp_path / "old.csv").write_text("\n".join(lines[:-1]))
    assert main(["evaluate", "latest"]) == 2
    assert "old.csv has changed since this training began" in capsys.readouterr().err


def test_sample_from_a_language_model(capsys, tmp_path):
    (tmp_path / "text.txt").write_text("abcdefgh" * 300)
    trained("language-model", "text.txt", "--network", "gru", "--context-length", "16", "--epochs", "2", *QUIET)
    capsys.readouterr()
    assert main(["sample", "latest", "--prompt", "abc", "--tokens", "5", "--temperature", "0"]) == 0
    said = capsys.readouterr().out.rstrip("\n")
    assert said.startswith("abc")
    assert len(said) == 8
    assert main(["sample", "latest", "--prompt", ""]) == 2
    assert "the prompt is empty" in capsys.readouterr().err
    assert main(["predict", "latest", "text.txt"]) == 2
    assert "a language-model makes no predictions for new rows" in capsys.readouterr().err


def test_train_from_another_run(capsys):
    first = trained("classifier", "digits", "--network", "mlp", "--hidden", "32", "--epochs", "1", *QUIET)
    second = trained("classifier", "digits", "--from", first.folder.name, "--freeze", "1", "--epochs", "1", *QUIET)
    assert second.config["from"] == first.folder.name
    assert second.config["config"]["hidden"] == [32]
    names = [name for name in final_weights(first) if name.startswith("network.backbone.")]
    assert names
    for name in names:
        np.testing.assert_array_equal(final_weights(first)[name], final_weights(second)[name])
    trained("sklearn:svm", "wine", *QUIET)
    assert main(["train", "classifier", "wine", "--from", "latest", *QUIET]) == 2
    assert "has no encoder that another task could start from" in capsys.readouterr().err


def test_describe_a_task(capsys):
    assert main(["describe", "classifier", "digits", "--network", "resnet"]) == 0
    said = capsys.readouterr().out
    for word in ("head", "parameters", "for train", "image (1 × 8 × 8)"):
        assert word in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "clasifier", "digits"], "there is no agent or task 'clasifier'; did you mean classifier?"),
        (["train", "classifier", "digits", "--epochs", "0"], "epochs must be at least 1, not 0"),
        (
            ["train", "classifier", "digits", "--accumulate", "3"],
            "accumulate must divide batch_size, which is 64, not 3",
        ),
        (["train", "classifier", "digits", "--seed", "-1"], "--seed must be at least 0"),
        (["train", "classifier", "nothing.csv"], "there is no file 'nothing.csv'"),
        (["train", "classifier", "digit"], "there is no data set 'digit'; did you mean digits?"),
        (["train", "classifier", "digits", "--network", "cnm"], "there is no network 'cnm'"),
        (["train", "regressor", "digits", "--from", "nobody"], "there is no run 'nobody'"),
        (["predict", "nobody", "a.csv"], "there is no run 'nobody'"),
    ],
)
def test_mistakes_exit_with_one_sentence_and_status_2(words, message, capsys):
    assert main(words) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not runs().exists(), "no half-made run"


@pytest.mark.parametrize("name", ["classifier", "regressor", "forecaster", "language-model", "sklearn:svm"])
def test_help_of_each_task(name, capsys):
    with pytest.raises(SystemExit) as done:
        main(["train", name, "--help-all"])
    assert done.value.code == 0
    assert "--test-share" in capsys.readouterr().out


CASES = {
    "classifier": "digits --epochs 3 --checkpoint-every 7 --network mlp --dropout 0.3 --batch-size 16 --mixup 0.2",
    "language-model": "text.txt --epochs 3 --checkpoint-every 5 --context-length 16 --dropout 0.2 --batch-size 4",
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_resuming_a_killed_run_is_bit_identical(case, tmp_path):
    (tmp_path / "text.txt").write_text("to be or not to be, that is the question\n" * 200)
    words = [case, *CASES[case].split(), *QUIET]
    killed, status, _ = stopped_after_a_checkpoint(words, signal.SIGKILL)
    assert status == -signal.SIGKILL
    reached = int(killed.checkpoints()[-1].name.removeprefix("step-"))
    assert 0 < reached < killed.config["steps"]
    process = sandlot("resume", killed.folder.name)
    _, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    whole = trained_apart(*words)
    assert whole.folder != killed.folder
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(final_weights(killed)[name], value, name)
    assert killed.summary["test"] == whole.summary["test"]
    rows = [[without_times(row) for row in read_metrics(run.folder)] for run in (killed, whole)]
    assert rows[0] == rows[1]


def without_times(row):
    return {key: value for key, value in row.items() if not key.startswith("time/")}
