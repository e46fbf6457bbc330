"""Close the record of a training that ends early."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from sandlot.tracking import Run, SandlotError


@contextmanager
def ended_in_order(run: Run, console: Console, step: Callable[[], int]) -> Iterator[None]:
    """Close the record of a training that is stopped or fails in the context."""
    try:
        yield
    except KeyboardInterrupt:
        run.finish({"status": "interrupted", run.axis: step()})
        steps = run.axis.replace("_", " ")
        console.print(f"Stopped at {steps} {step():,}. Go on with: sandlot resume {run.folder}")
        raise
    except SandlotError as error:
        try:
            run.finish({"status": "failed", run.axis: step(), "error": str(error)})
        except SandlotError:
            raise error from None  # nor can that be written
        raise SandlotError(f"{error}; the record up to the last checkpoint is in {run.folder}") from error
