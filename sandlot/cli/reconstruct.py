"""`sandlot reconstruct`: rows of the test, and what an autoencoder leaves of them."""

from sandlot.tracking import require

from .generated import GeneratedOutput
from .options import Reconstruct


def main(options: Reconstruct) -> None:
    """Do what `options` say."""
    from sandlot.generative.plots import draw_rows, in_rows

    require(options.count >= 1, "--count must be at least 1", options.count)
    made = GeneratedOutput(options, "reconstruct", codes=True)
    model = made.model
    with made.thread_context() as path:
        batch = model.some(model.shown_part, options.count)
        rows, again = model.rows(batch), model.reconstruct(batch)
        draw_rows(path, in_rows(rows, again), rows)
        error = (rows - again).square().mean().item()
    seen = f"{len(rows)} rows of the {model.shown_part}"
    made.report([("error", f"{error:.5f}, the mean squared error of a number, of {seen}")])
