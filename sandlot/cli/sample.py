"""`sandlot sample`: generate text with a language model, or rows with a generative model."""

import sys
from collections.abc import Sequence
from typing import Any

from sandlot.generative import GenerativeModel
from sandlot.tracking import Run, SandlotError, require

from .options import Sample
from .registry import is_generative, load_task, task_of

MOST_SHOWN = 100
"""Images in a picture of samples, at most."""
CHUNK = 256


def main(options: Sample) -> None:
    """Run the command."""
    run = Run.find(options.runs_dir, options.run)
    kind = task_of(run) or run.config.get("agent")
    if kind == "language-model":
        generate_text(run, options)
    elif is_generative(kind):
        generate_rows(options)
    else:
        raise SandlotError(f"{run.folder} is a run of {kind}, which generates nothing")


def generate_text(run: Run, options: Sample) -> None:
    """Print a continuation of the prompt."""
    refuse(options, ("output", "count", "label", "mean", "truncation", "nearest"), "a language model")
    tokens = 300 if options.tokens is None else options.tokens
    temperature = 0.8 if options.temperature is None else options.temperature
    require(tokens >= 1, "--tokens must be at least 1", tokens)
    require(temperature >= 0, "--temperature must be at least 0", temperature)
    task = load_task(run, options.step, with_data=False)
    prompt = "\n" if options.prompt is None else options.prompt
    sys.stdout.write(task.sample(prompt, tokens, temperature, options.seed) + "\n")


def refuse(options: Sample, names: Sequence[str], model: str) -> None:
    """Raise `SandlotError` for the first of the options called `names` that is given, and does nothing for `model`."""
    for name in names:
        if getattr(options, name) not in (None, False):
            raise SandlotError(f"--{name} does nothing for {model}")


def generate_rows(options: Sample) -> None:
    """Generate rows, and plot them or write them to files."""
    from sandlot.generative.evaluation.nearest import nearest_training_rows
    from sandlot.generative.export import SUFFIXES, export_rows
    from sandlot.generative.plots import SampleGrid, comparison_grid, plot_grid

    from .generated import GeneratedOutput

    count = 64 if options.count is None else options.count
    require(count >= 1, "--count must be at least 1", count)
    output = GeneratedOutput(options, "sample", with_data=options.nearest, suffixes=(*SUFFIXES, ""))
    model = output.model
    refuse(options, ("prompt", "tokens", "temperature"), f"a {model.name}")
    if options.mean and type(model).add_noise is GenerativeModel.add_noise:
        raise SandlotError(f"--mean does nothing for a {model.name}, which has no spread around what it decodes")
    if output.path.suffix == "" and not model.makes_images:
        raise SandlotError("a folder is for pictures; rows of a table go to a .csv, .npz or .npy file")
    label = asked_label(model, count, options.label)
    files, lines = [], [("rows", f"{count:,}")]
    with output.evaluation_context() as path:
        rows = sample_in_chunks(model, count, label, options)
        shown = rows[:MOST_SHOWN] if model.makes_images else rows
        grid = SampleGrid(shown, model.num_conditions or 8)
        if options.nearest:
            near = nearest_training_rows(model, rows)
            lines.append(("nearest", near.note()))
            grid = comparison_grid(shown, near.rows[: len(shown)]) if model.makes_images else grid
        if path.suffix == ".png":
            plot_grid(path, grid, rows[:0])
        else:
            export_rows(path, model, rows, label)
        if path.suffix == ".png" and (len(shown) < count or not model.makes_images):
            files.append(("all rows", export_rows(path.with_suffix(".npz" if model.makes_images else ".csv"),
                                                  model, rows, label)))  # fmt: skip
    if len(shown) < count and path.suffix == ".png":
        lines[0] = ("rows", f"{count:,}, of which the picture shows the first {len(shown)}")
    output.report(lines, *files)


def asked_label(model: GenerativeModel, count: int, asked: str | None) -> Any:
    """Return the class of each row: the one that is `asked` for, or each in turn."""
    label = model.cycle_labels(count)
    if asked is None:
        return label
    if label is None:
        raise SandlotError(f"there is no class {asked!r} to ask for; this {model.name} is not conditional")
    if asked not in model.classes:
        known = ", ".join(model.classes)
        raise SandlotError(f"there is no class {asked!r} to ask for; the {model.name} knows {known}")
    return label.new_full(label.shape, model.classes.index(asked))


def sample_in_chunks(model: GenerativeModel, count: int, label: Any, options: Sample) -> Any:
    """Return so many samples, drawn as many at a time as fit into memory."""
    import torch

    parts = []
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        chunk = None if label is None else label[first : first + size]
        parts.append(model.sample(size, chunk, mean=options.mean, truncation=options.truncation).cpu())
    rows = torch.cat(parts)
    return rows.to(model.device) if options.nearest else rows
