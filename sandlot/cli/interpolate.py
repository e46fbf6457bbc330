"""`sandlot interpolate`: interpolations between latent vectors, as a picture and a video."""

from sandlot.tracking import VIDEOS, SandlotError, require, write_video

from .generated import GeneratedOutput
from .options import Interpolate


def main(options: Interpolate) -> None:
    """Run the command."""
    from sandlot.generative.evaluation.interpolation import FRAMES_PER_SECOND, interpolation_grid, interpolation_video
    from sandlot.generative.plots import plot_grid

    for name in ("pairs", "images"):
        require(getattr(options, name) >= 1, f"--{name} must be at least 1", getattr(options, name))
    output = GeneratedOutput(options, "interpolate")
    if not output.model.makes_images:
        raise SandlotError(f"{output.run.folder} is a run on a table, and interpolate needs a model of images")
    with output.evaluation_context() as path:
        grid = interpolation_grid(output.model, options.pairs, options.images)
        plot_grid(path, grid, grid.rows)
        video = path.with_suffix(".mp4") if options.output else output.run.folder / VIDEOS / f"{path.stem}.mp4"
        write_video(video, interpolation_video(output.model), FRAMES_PER_SECOND)
    output.report([], ("interpolation", video))
