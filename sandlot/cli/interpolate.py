"""`sandlot interpolate`: what lies between codes."""

from sandlot.tracking import VIDEOS, SandlotError, require, write_video

from .generated import GeneratedOutput
from .options import Interpolate


def main(options: Interpolate) -> None:
    """Do what `options` say."""
    from sandlot.generative.evaluation.interpolation import FRAMES, film, interpolations
    from sandlot.generative.plots import draw_rows

    for name in ("pairs", "between"):
        require(getattr(options, name) >= 1, f"--{name} must be at least 1", getattr(options, name))
    made = GeneratedOutput(options, "interpolate")
    if not made.model.makes_images:
        raise SandlotError(f"{made.run.folder} is a run on a table, and interpolate shows images")
    with made.thread_context() as path:
        shown = interpolations(made.model, options.pairs, options.between)
        draw_rows(path, shown, shown.rows)
        video = path.with_suffix(".mp4") if options.output else made.run.folder / VIDEOS / f"{path.stem}.mp4"
        write_video(video, film(made.model), FRAMES)
    made.report([], ("walk", video))
