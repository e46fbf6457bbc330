"""`sandlot latents`: a map of the latent vectors of an autoencoder's test rows."""

from sandlot.tracking import require

from .generated import GeneratedOutput
from .options import Latents


def main(options: Latents) -> None:
    """Run the command."""
    from sandlot.generative.evaluation.latent_map import plot_latents

    require(options.rows >= 1, "--rows must be at least 1", options.rows)
    output = GeneratedOutput(options, "latents", needs_encoder=True)
    model = output.model
    subset = model.some_rows(model.evaluation_part, options.rows)
    with output.evaluation_context() as path:
        latent, labels = model.embed_part(subset)
        classes = None if labels is None else [model.class_of(label) for label in labels.tolist()]
        plot_latents(path, latent.cpu(), classes, options.seed)
    output.report([("rows", f"{len(latent):,} {subset.name} rows"), ("latent size", str(latent.shape[1]))])
