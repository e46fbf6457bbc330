"""`sandlot predict`: predictions for new data."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from sandlot.tracking import Run, SandlotError

from .options import Predict
from .registry import load_task, task_of
from .table import number


def main(options: Predict) -> None:
    """Run the command."""
    from sandlot.supervised.data import load_frame

    run = Run.find(options.runs_dir, options.run)
    if not task_of(run):
        raise SandlotError(f"{run.folder} is the run of an agent; `sandlot evaluate` and `record` show what it does")
    if not options.files:
        raise SandlotError("give the files to predict")
    task = load_task(run, options.step, with_data=False)
    predictions = [row for file in options.files for row in task.predict(load_frame(file, task.config))]
    if options.json:
        for prediction in predictions:
            sys.stdout.write(json.dumps(prediction, ensure_ascii=False) + "\n")
        return
    Console().print(table_of(predictions))


def table_of(predictions: list[dict[str, Any]]) -> Table:
    """Return predictions as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, cell in predictions[0].items() if predictions else ():
        table.add_column(name, overflow="fold", justify="right" if isinstance(cell, float) else "left")
    for prediction in predictions:
        table.add_row(*(number(cell) if isinstance(cell, float) else str(cell) for cell in prediction.values()))
    return table
