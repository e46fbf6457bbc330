"""`sandlot compress`: the rate-distortion trade-off of an autoencoder's codes, beside PCA."""

import math

from sandlot.generative.evaluation.compression import (
    RateDistortion,
    image_format_rate_distortion,
    model_rate_distortion,
    pca_rate_distortion,
    plot_rate_distortion,
)

from .generated import GeneratedOutput
from .options import Compress


def main(options: Compress) -> None:
    """Run the command."""
    output = GeneratedOutput(options, "compress", needs_encoder=True)
    values = math.prod(output.model.shape)
    with output.evaluation_context() as path:
        points = model_rate_distortion(output.model) + pca_rate_distortion(output.model)
        points += image_format_rate_distortion(output.model)
        plot_rate_distortion(path, points, values)
    output.report([(point.method, format_point(point, values)) for point in points])


def format_point(point: RateDistortion, values: int) -> str:
    """Return the rate and distortion of a method as text, for rows of `values` numbers."""
    return f"{point.bits:8.1f} bits per row ({point.bits / values:.3f} per value), mean squared error {point.error:.5f}"
