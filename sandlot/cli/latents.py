"""`sandlot latents`: a map of the latent vectors of an autoencoder's test rows."""

from sandlot.tracking import require

from .generated import GeneratedOutput
from .options import Latents


def main(options: Latents) -> None:
    """Run the command."""
    from sandlot.generative.evaluation.latent_map import plot_latents
    from sandlot.supervised.data import Part

    require(options.rows >= 1, "--rows must be at least 1", options.rows)
    output = GeneratedOutput(options, "latents", needs_encoder=True)
    model = output.model
    part = model.part(model.evaluation_part)
    with output.evaluation_context() as path:
        latent, labels = model.embed_part(Part(part.name, part.columns, part.rows[: options.rows]))
        names = [*model.classes, model.config.held_out]
        classes = None if labels is None else [names[label] for label in labels.tolist()]
        plot_latents(path, latent.cpu(), classes, options.seed)
    output.report([("rows", f"{len(latent):,} {part.name} rows"), ("latent size", str(latent.shape[1]))])
