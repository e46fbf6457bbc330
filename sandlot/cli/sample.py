"""`sandlot sample`: generate text with a language model, or rows with a generative model."""

import sys

from sandlot.tracking import Run, SandlotError, require

from .options import Sample
from .registry import is_generative, load_task, task_of


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
    require(options.tokens >= 1, "--tokens must be at least 1", options.tokens)
    require(options.temperature >= 0, "--temperature must be at least 0", options.temperature)
    task = load_task(run, options.step, with_data=False)
    sys.stdout.write(task.sample(options.prompt, options.tokens, options.temperature, options.seed) + "\n")


def generate_rows(options: Sample) -> None:
    """Generate rows and plot them."""
    import torch

    from sandlot.generative.plots import SampleGrid, plot_grid

    from .generated import GeneratedOutput

    require(options.count >= 1, "--count must be at least 1", options.count)
    output = GeneratedOutput(options, "sample", with_data=False)
    model = output.model
    label = model.cycle_labels(options.count)
    if options.label is not None:
        if label is None:
            raise SandlotError(f"there is no class {options.label!r} to ask for; this {model.name} is not conditional")
        if options.label not in model.classes:
            known = ", ".join(model.classes)
            raise SandlotError(f"there is no class {options.label!r} to ask for; the {model.name} knows {known}")
        label = torch.full_like(label, model.classes.index(options.label))
    with output.evaluation_context() as path:
        rows = model.sample(options.count, label)
        plot_grid(path, SampleGrid(rows, model.num_conditions or 8), rows[:0])
    output.report([])
