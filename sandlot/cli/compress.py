"""`sandlot compress`: bits for a row, against what is lost."""

import math

from sandlot.generative.evaluation.compression import Rate, draw_rates, rates_of, rates_of_components

from .generated import GeneratedOutput
from .options import Compress


def main(options: Compress) -> None:
    """Do what `options` say."""
    made = GeneratedOutput(options, "compress", codes=True)
    model = made.model
    numbers = math.prod(model.shape)
    with made.thread_context() as path:
        rates = rates_of(model) + rates_of_components(model)
        draw_rates(path, rates, numbers)
    made.report([(rate.what, in_words(rate, numbers)) for rate in rates])


def in_words(rate: Rate, numbers: int) -> str:
    """Return how many bits a way to compress takes, and what is lost, for rows of so many numbers."""
    return f"{rate.bits:8.1f} bits a row ({rate.bits / numbers:.3f} a number), error {rate.error:.5f}"
