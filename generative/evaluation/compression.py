"""How few bits a model needs for a row, and what is lost at that."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.generative.autoencoders.base import EXAMINED, Autoencoder
from sandlot.generative.base import LABEL, Rows
from sandlot.supervised.data import Subset
from sandlot.tracking import picture

LEVELS = (2, 3, 4, 6, 8, 12, 16, 32, 64, 128)
"""Values that a number of a code may take."""
FROM = 5000
"""Rows, at most, that principal components are learned from."""


class Rate(NamedTuple):
    """A way to compress: bits for a row, and the squared error of a row that is made from them."""

    what: str
    bits: float
    error: float


def rates_of(model: Autoencoder) -> list[Rate]:
    """Return what a model can do with the rows of the test, at several rates.

    Bits are those of an ideal entropy coder, which codes each number (or word) by itself.
    """
    test, train = model.subset("test"), model.subset("train")
    codes, truth = model.code(test)[0], rows_of_subset(model, test)
    if hasattr(model, "codes"):
        return [_of_words(model, test, codes, truth)]
    codes = codes.cpu()
    low, high = _range(model.code(Subset("train", train.columns, train.rows[:FROM]))[0].cpu())
    labels = test.columns[LABEL][torch.from_numpy(test.rows)] if LABEL in test.columns else None
    found = []
    for levels in LEVELS:
        places = quantized(codes, low, high, levels)
        restored = low + places.float() * (high - low) / (levels - 1)
        pieces = restored.to(model.device).split(EXAMINED)
        given = [None] * len(pieces) if labels is None else labels.split(EXAMINED)
        made = torch.cat([model.decode(some, label).cpu() for some, label in zip(pieces, given, strict=True)])
        found.append(Rate(model.name, entropy_bits(places), squared_error(made, truth)))
    return found


def rates_of_components(model: Autoencoder) -> list[Rate]:
    """Return what as many principal components, coded in the same way, can do."""
    from sklearn.decomposition import PCA

    train = model.subset("train")
    learned = rows_of_subset(model, Subset("train", train.columns, train.rows[:FROM])).flatten(1).numpy()
    truth = rows_of_subset(model, model.subset("test"))
    size = min(model.config.latent_size, *learned.shape)
    components = PCA(size, svd_solver="full").fit(learned)
    low, high = _range(torch.from_numpy(components.transform(learned)))
    codes = torch.from_numpy(components.transform(truth.flatten(1).numpy()))
    found = []
    for levels in LEVELS:
        places = quantized(codes, low, high, levels)
        restored = low + places.float() * (high - low) / (levels - 1)
        made = torch.from_numpy(components.inverse_transform(restored.numpy())).view_as(truth)
        found.append(Rate(f"{size} principal components", entropy_bits(places), squared_error(made, truth)))
    return found


def quantized(
    codes: Float[Tensor, "row latent"], low: Float[Tensor, "latent"], high: Float[Tensor, "latent"], levels: int
) -> Int[Tensor, "row latent"]:
    """Return the nearest of so many `levels`, from `low` to `high`, to each number."""
    place = (codes - low) / (high - low).clamp(min=1e-9) * (levels - 1)
    return place.round().clamp(0, levels - 1).long()


def entropy_bits(places: Int[Tensor, "row latent"]) -> float:
    """Return the bits that a row takes when each number is coded by itself, as often as it takes each value."""
    total = 0.0
    for column in places.T:
        shares = torch.bincount(column).float() / len(column)
        total += torch.special.entr(shares).sum().item() / math.log(2)
    return total


def squared_error(made: Rows, truth: Rows) -> float:
    """Return the mean squared error of a number."""
    return (made - truth).square().mean().item()


def rows_of_subset(model: Autoencoder, subset: Subset) -> Rows:
    """Return the rows of a subset as the model reads them."""
    return torch.cat([model.rows(batch) for batch in subset.batches(EXAMINED)]).cpu()


def draw_rates(path: Path, rates: list[Rate], numbers: int) -> Path:
    """Draw the error over the bits for each of a row's `numbers`."""
    with picture(path, 6, 4) as figure:
        axes = figure.add_subplot()
        for name in dict.fromkeys(rate.what for rate in rates):
            points = np.array([(rate.bits / numbers, rate.error) for rate in rates if rate.what == name])
            axes.plot(*points.T, marker="o", markersize=4, linewidth=1.2, label=name)
        axes.set(xlabel="bits for each number (8 as they are)", ylabel="mean squared error", ylim=(0, None))
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return path


def _range(codes: Float[Tensor, "row latent"]) -> tuple[Float[Tensor, "latent"], Float[Tensor, "latent"]]:
    return codes.quantile(0.005, dim=0), codes.quantile(0.995, dim=0)


def _of_words(model: Autoencoder, test: Subset, codes: Float[Tensor, "row latent"], truth: Rows) -> Rate:
    """Return what a vocabulary can do: the bits are those of the model of codes, which is told the words before."""
    made = torch.cat([model.decode(some) for some in codes.split(EXAMINED)]).cpu()
    length = model.codes(test).shape[1]  # pyright: ignore[reportAttributeAccessIssue]
    bits = model.compute_metrics(test)["nats"] * length / math.log(2)
    return Rate(f"{model.name}, {length} words", bits, squared_error(made, truth))
