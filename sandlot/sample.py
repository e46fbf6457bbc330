"""`sandlot sample`: what a language model writes."""

import sys

from tracking import Run, SandlotError, require

from .catalogue import load_task, task_of
from .options import Sample


def main(options: Sample) -> None:
    """Do what `options` say."""
    require(options.tokens >= 1, "--tokens must be at least 1", options.tokens)
    require(options.temperature >= 0, "--temperature must be at least 0", options.temperature)
    run = Run.find(options.runs_dir, options.run)
    if task_of(run) != "language-model":
        raise SandlotError(f"{run.folder} is a run of {task_of(run) or run.config.get('agent')}, which writes nothing")
    task = load_task(run, options.step, with_data=False)
    sys.stdout.write(task.sample(options.prompt, options.tokens, options.temperature, options.seed) + "\n")
