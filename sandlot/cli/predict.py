"""`sandlot predict`: what a task says of new data."""

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
    """Do what `options` say."""
    from sandlot.supervised.data import load_frame

    run = Run.find(options.runs_dir, options.run)
    if not task_of(run):
        raise SandlotError(f"{run.folder} is the run of an agent; `sandlot evaluate` and `record` show what it does")
    if not options.files:
        raise SandlotError("name the files to predict")
    task = load_task(run, options.step, with_data=False)
    answers = [answer for file in options.files for answer in task.predict(load_frame(file, task.config))]
    if options.json:
        for answer in answers:
            sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        return
    Console().print(table_of(answers))


def table_of(answers: list[dict[str, Any]]) -> Table:
    """Return answers as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, cell in answers[0].items() if answers else ():
        table.add_column(name, overflow="fold", justify="right" if isinstance(cell, float) else "left")
    for answer in answers:
        table.add_row(*(number(cell) if isinstance(cell, float) else str(cell) for cell in answer.values()))
    return table
