"""`sandlot fidelity`: how like the data the pictures of a model are."""

from typing import Any

from rich.console import Console

from sandlot.tracking import Run, SandlotError, require

from .options import Fidelity
from .registry import is_generative, load_task, task_of
from .table import print_table


def main(options: Fidelity) -> None:
    """Do what `options` say."""
    from sandlot.generative.evaluation.fidelity import measure_fidelity

    require(options.rows >= 1, "--rows must be at least 1", options.rows)
    run = Run.find(options.runs_dir, options.run)
    if not is_generative(task_of(run)):
        raise SandlotError(f"{run.folder} is no run of a generative model")
    extractor = find_extractor(options, run)
    model = load_task(run, options.step)
    report = measure_fidelity(model, load_task(extractor, with_data=False), options.rows)
    accuracy = extractor.summary.get("test", {}).get("accuracy")
    known = f", test accuracy {accuracy:.4f}" if accuracy else ""
    names = {"fid": "FID", "kid": "KID", "precision": "precision", "recall": "recall"}
    figures = report.model._asdict()
    rows: list[tuple[str, Any]] = [
        ("run", f"{run.folder.name}, {model.name} after {model.step:,} steps"),
        *((name, f"{figures[key]:.4f}  (floor {report.floor._asdict()[key]:.4f})") for key, name in names.items()),
        ("classes", ", ".join(f"{name} {share:.1%}" for name, share in report.shares.items())),
        ("extractor", f"the features of {extractor.folder.name}{known}; comparable in these alone"),
        ("rows", f"{report.rows:,} made against {report.rows:,} of the test; floor: as many of the training"),
    ]
    print_table(Console(), rows)
    run.add_figures({f"fidelity/{key}": value for key, value in figures.items()}, model.step)


def find_extractor(options: Fidelity, run: Run) -> Run:
    """Return the run of the classifier that is asked for, or the newest one on the same data."""
    if options.extractor is not None:
        found = Run.find(options.runs_dir, options.extractor)
        if task_of(found) != "classifier":
            raise SandlotError(f"--extractor must be a run of a classifier, and {found.folder} is none")
        return found
    data = run.config["data"]
    runs = sorted(options.runs_dir.glob("classifier-*/summary.json"), key=lambda path: path.stat().st_mtime)
    same = [path.parent for path in runs if Run(path.parent).config["data"] == data]
    if not same:
        raise SandlotError(f"there is no classifier on {data} yet, in whose features to compare; train one: "
                           f"sandlot train classifier {data}")  # fmt: skip
    return Run(same[-1])
