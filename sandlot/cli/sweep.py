"""`sandlot sweep FILE.yaml`: search for hyperparameters with a sweep of W&B."""

import os

from sandlot.tracking import require
from sandlot.tracking.sweeps import read_sweep, run_sweep

from .options import Sweep


def main(options: Sweep) -> None:
    """Run the command."""
    if options.count is not None:
        require(options.count >= 1, "--count must be at least 1", options.count)
    config = read_sweep(options.file)
    project = options.project or config.get("project") or os.environ.get("WANDB_PROJECT") or "sandlot"
    entity = options.wandb_entity or config.get("entity") or os.environ.get("WANDB_ENTITY")
    run_sweep(config, project=project, entity=entity, count=options.count)
