"""`sandlot fidelity`: FID, KID, precision and recall of a generative model's images."""

from rich.console import Console

from sandlot.generative import GenerativeModel
from sandlot.tracking import Run, SandlotError, require

from .options import Fidelity
from .registry import is_generative, load_task, task_of
from .table import print_table, wandb_rows

TITLES = {"fid": "FID", "kid": "KID", "precision": "precision", "recall": "recall"}


def main(options: Fidelity) -> None:
    """Run the command."""
    from sandlot.generative.evaluation.fidelity import measure_fidelity

    require(options.rows >= 1, "--rows must be at least 1", options.rows)
    run = Run.find(options.runs_dir, options.run)
    if not is_generative(task_of(run)):
        raise SandlotError(f"{run.folder} is not a run of a generative model")
    extractor = find_extractor(options, run)
    model: GenerativeModel = load_task(run, options.step)
    report = measure_fidelity(model, load_task(extractor, with_data=False), options.rows)
    metrics, reference = report.model._asdict(), report.reference._asdict()
    accuracy = extractor.summary.get("test", {}).get("accuracy")
    tested = f" (test accuracy {accuracy:.4f})" if accuracy else ""
    rows = [
        ("run", f"{run.folder.name}, {model.name} after {model.step:,} steps"),
        *((title, f"{metrics[key]:.4f}  (training images: {reference[key]:.4f})") for key, title in TITLES.items()),
        ("classes", ", ".join(f"{name} {share:.1%}" for name, share in report.class_shares.items())),
        ("extractor", f"features of {extractor.folder.name}{tested}; comparable only within the same extractor"),
        ("rows", f"{report.rows:,} generated and {report.rows:,} training images, each against as many test images"),
    ]
    run.add_figures({f"fidelity/{key}": value for key, value in metrics.items()}, model.step)
    print_table(Console(), [*rows, *wandb_rows(run)])


def find_extractor(options: Fidelity, run: Run) -> Run:
    """Return the run of the given classifier, or the newest classifier on the same data."""
    if options.extractor is not None:
        extractor = Run.find(options.runs_dir, options.extractor)
        if task_of(extractor) != "classifier":
            raise SandlotError(f"--extractor must be a run of a classifier, and {extractor.folder} is not")
        return extractor
    data = run.config["data"]
    summaries = sorted(options.runs_dir.glob("classifier-*/summary.json"), key=lambda path: path.stat().st_mtime)
    candidates = [path.parent for path in summaries if Run(path.parent).config["data"] == data]
    if not candidates:
        raise SandlotError(f"fidelity compares images in the features of a classifier, and there is none for {data} "
                           f"yet; train one: sandlot train classifier {data}")  # fmt: skip
    return Run(candidates[-1])
