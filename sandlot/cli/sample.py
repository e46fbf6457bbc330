"""`sandlot sample`: what a language model writes, or what a generative model makes."""

import sys

from sandlot.tracking import Run, SandlotError, require

from .options import Sample
from .registry import is_generative, load_task, task_of


def main(options: Sample) -> None:
    """Do what `options` say."""
    run = Run.find(options.runs_dir, options.run)
    kind = task_of(run) or run.config.get("agent")
    if kind == "language-model":
        write(run, options)
    elif is_generative(kind):
        make(options)
    else:
        raise SandlotError(f"{run.folder} is a run of {kind}, which makes nothing")


def write(run: Run, options: Sample) -> None:
    """Write on from a prompt."""
    require(options.tokens >= 1, "--tokens must be at least 1", options.tokens)
    require(options.temperature >= 0, "--temperature must be at least 0", options.temperature)
    task = load_task(run, options.step, with_data=False)
    sys.stdout.write(task.sample(options.prompt, options.tokens, options.temperature, options.seed) + "\n")


def make(options: Sample) -> None:
    """Make rows and draw them."""
    import torch

    from sandlot.generative.plots import Shown, draw_rows

    from .generated import GeneratedOutput

    require(options.count >= 1, "--count must be at least 1", options.count)
    made = GeneratedOutput(options, "sample", with_data=False)
    model = made.model
    label = model.asked_for(options.count)
    if options.label is not None:
        if options.label not in model.classes[: model.conditions]:
            known = f"it knows {', '.join(model.classes)}" if model.conditions else f"a {model.name} is told none"
            raise SandlotError(f"there is no class {options.label!r} to ask for; {known}")
        label = torch.full_like(label, model.classes.index(options.label))
    with made.thread_context() as path:
        rows = model.sample(options.count, label)
        draw_rows(path, Shown(rows, model.conditions or 8), rows[:0])
    made.report([])
