"""`sandlot fidelity`: FID, KID, precision and recall of a generative model's images."""

from pathlib import Path
from typing import Any

from rich.console import Console

from sandlot.generative import GenerativeModel
from sandlot.supervised.data.split import TEST, TRAIN
from sandlot.tracking import Run, SandlotError, require

from .options import Fidelity
from .registry import is_generative, load_task, task_of
from .table import print_table, span, wandb_rows

TITLES = {"fid": "FID", "kid": "KID", "precision": "precision", "recall": "recall", "density": "density",
          "coverage": "coverage"}  # fmt: skip


def main(options: Fidelity) -> None:
    """Run the command."""
    require(options.rows >= 1, "--rows must be at least 1", options.rows)
    run = Run.find(options.runs_dir, options.run)
    if not is_generative(task_of(run)):
        raise SandlotError(f"{run.folder} is not a run of a generative model")
    if options.features is not None and options.extractor is not None:
        raise SandlotError("give --features or --extractor, not both")
    extractor = None if options.features is not None else find_extractor(options, run)
    model: GenerativeModel = load_task(run, options.step)
    title = ("run", f"{run.folder.name}, {model.name} after {model.step:,} steps")
    lines = fidelity_lines(run, model, extractor or options.features, options.rows)
    print_table(Console(), [title, *lines, *wandb_rows(run)])


def fidelity_lines(run: Run, model: GenerativeModel, source: Any, rows: int) -> list[tuple[str, str]]:
    """Measure the fidelity of a model in the features of a classifier's run or a file, record it, return its lines."""
    from sandlot.generative.evaluation.fidelity import ClassifierFeatures, FileFeatures, measure_fidelity

    if isinstance(source, Run):
        report = measure_fidelity(model, ClassifierFeatures(load_task(source, with_data=False)), rows)
        accuracy = source.summary.get("test", {}).get("accuracy")
        tested = f" (test accuracy {accuracy:.4f})" if accuracy else ""
        features = f"features of {source.folder.name}{tested}; comparable only within the same extractor"
        known = known_share(source, run)
    else:
        report = measure_fidelity(model, FileFeatures(source), rows)
        features, known = f"features of {source}", 0.0
    metrics, reference = report.model._asdict(), report.reference._asdict()
    run.add_figures({f"fidelity/{key}": value for key, value in metrics.items()}, model.step)
    lines = [
        (title, f"{metrics[key]:.4f}  ({span(report.intervals[key])}; training images: {reference[key]:.4f})")
        for key, title in TITLES.items()
    ]
    if report.class_shares:
        lines.append(("classes", ", ".join(f"{name} {share:.1%}" for name, share in report.class_shares.items())))
    lines.append(("extractor", features))
    if known:
        other = source.config["seed"]
        seen = f"the extractor has learned from {known:.0%} of the test rows, by the split of seed {other}"
        lines.append(("note", f"{seen}; train one of the same split with --seed {run.config['seed']}"))
    counted = f"{report.rows:,} generated and {report.rows:,} training images, each against as many test images"
    return [*lines, ("rows", counted)]


def find_extractor(options: Fidelity, run: Run) -> Run:
    """Return the run of the given classifier, or the newest classifier on the same data."""
    if options.extractor is not None:
        extractor = Run.find(options.runs_dir, options.extractor)
        if task_of(extractor) != "classifier":
            raise SandlotError(f"--extractor must be a run of a classifier, and {extractor.folder} is not")
        return extractor
    found = newest_extractor(options.runs_dir, run)
    if found is None:
        data = run.config["data"]
        raise SandlotError(f"fidelity compares images in the features of a classifier, and there is none for {data} "
                           f"yet; train one: sandlot train classifier {data}")  # fmt: skip
    return found


def newest_extractor(runs_dir: Path, run: Run) -> Run | None:
    """Return the newest classifier on the data of `run`, of those that know as few of its test rows as any."""
    summaries = sorted(runs_dir.glob("classifier-*/summary.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    candidates = [Run(path.parent) for path in summaries if same_data(Run(path.parent), run)]
    return min(candidates, key=lambda candidate: known_share(candidate, run), default=None)


def same_data(extractor: Run, run: Run) -> bool:
    """Return whether a classifier was trained on the data of `run`."""
    return extractor.config["data"] == run.config["data"]


def known_share(extractor: Run, run: Run) -> float:
    """Return the fraction of the test rows of `run` that the classifier `extractor` has learned from."""
    if not same_data(extractor, run):
        return 0.0
    (theirs, mine) = (
        checkpoint.tensors.get("split") for checkpoint in (extractor.checkpoint()[1], run.checkpoint()[1])
    )
    if theirs is None or mine is None or len(theirs) != len(mine) or not (mine == TEST).any():
        return 0.0
    return float((theirs[mine == TEST] == TRAIN).mean())
