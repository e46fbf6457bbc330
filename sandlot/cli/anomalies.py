"""`sandlot anomalies`: detect the test rows of a class that was held out of training."""

from .generated import GeneratedOutput
from .options import Anomalies


def main(options: Anomalies) -> None:
    """Run the command."""
    from sandlot.generative.evaluation.anomalies import plot_extremes, plot_scores, score_anomalies

    output = GeneratedOutput(options, "anomalies", needs_encoder=True)
    model, held_out = output.model, output.model.config.held_out
    with output.evaluation_context() as path:
        scores = score_anomalies(model)
        plot_scores(path, scores, held_out)
        media = [("extremes", path.with_stem(f"{path.stem}-extremes"))] if model.makes_images else []
        for _, extremes in media:
            plot_extremes(extremes, model, scores)
    rows = f"{int(scores.is_anomaly.sum()):,} of {len(scores.score):,} test rows are of the held-out class {held_out!r}"
    others = [
        (f"AUROC of {name}", f"{scores.auroc_of(name):.4f} ({len(unseen):,} more test rows of a class not trained on)")
        for name, unseen in scores.unseen.items()
    ]
    output.report([("AUROC", f"{scores.auroc:.4f} ({rows})"), *others], *media)
