"""`sandlot latents`: a map of where an autoencoder puts the rows of the test."""

from sandlot.tracking import require

from .generated import GeneratedOutput
from .options import Latents


def main(options: Latents) -> None:
    """Do what `options` say."""
    from sandlot.generative.evaluation.latent_map import draw_latents
    from sandlot.supervised.data import Subset

    require(options.rows >= 1, "--rows must be at least 1", options.rows)
    made = GeneratedOutput(options, "latents", codes=True)
    model = made.model
    subset = model.subset(model.shown_part)
    with made.thread_context() as path:
        codes, labels = model.code(Subset(subset.name, subset.columns, subset.rows[: options.rows]))
        names = [*model.classes, model.config.held_out]
        words = None if labels is None else [names[place] for place in labels.tolist()]
        draw_latents(path, codes.cpu(), words, options.seed)
    made.report([("rows", f"{len(codes):,} of the {subset.name}"), ("code", f"{codes.shape[1]} numbers")])
