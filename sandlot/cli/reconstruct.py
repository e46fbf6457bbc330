"""`sandlot reconstruct`: test rows and their reconstructions by an autoencoder."""

from sandlot.tracking import require

from .generated import GeneratedOutput
from .options import Reconstruct


def main(options: Reconstruct) -> None:
    """Run the command."""
    from sandlot.generative.plots import comparison_grid, plot_grid

    require(options.count >= 1, "--count must be at least 1", options.count)
    output = GeneratedOutput(options, "reconstruct", needs_encoder=True)
    model = output.model
    with output.evaluation_context() as path:
        batch = model.fixed_batch(model.evaluation_part, options.count)
        rows, reconstructions = model.inputs(batch), model.reconstruct(batch)
        plot_grid(path, comparison_grid(rows, reconstructions), rows)
        error = (rows - reconstructions).square().mean().item()
    output.report([("error", f"{error:.5f} (mean squared error per value, {len(rows)} {model.evaluation_part} rows)")])
