"""`sandlot anomalies`: rows of a class that was held out, told from the others."""

from .generated import GeneratedOutput
from .options import Anomalies


def main(options: Anomalies) -> None:
    """Do what `options` say."""
    from sandlot.generative.evaluation.anomalies import draw_scores, draw_strangest, find_anomalies

    made = GeneratedOutput(options, "anomalies", codes=True)
    model = made.model
    with made.thread_context() as path:
        found = find_anomalies(model)
        draw_scores(path, found, model.config.held_out)
        more = [("strangest", path.with_stem(f"{path.stem}-strangest"))] if model.makes_images else []
        for _, place in more:
            draw_strangest(place, model, found)
    strange = int(found.strange.sum())
    rows = f"{strange:,} rows of the class {model.config.held_out!r} among {len(found.strange):,} of the test"
    made.report([("AUROC", f"{found.auroc:.4f}, {rows}")], *more)
