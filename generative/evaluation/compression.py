"""Lossy compression: the rate-distortion trade-off of an autoencoder's codes."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.generative.autoencoders.vq_vae import VQVAE
from sandlot.generative.base import LABEL, GenerativeModel, Latent, Rows
from sandlot.generative.metrics import EVAL_BATCH_SIZE
from sandlot.supervised.data import Subset
from sandlot.tracking import picture

LEVELS = (2, 3, 4, 6, 8, 12, 16, 32, 64, 128)
"""Numbers of quantization levels to try."""
FITTED_ROWS = 5000
"""Training rows, at most, that the range of codes and the principal components are fitted to."""

PerDimension = Float[Tensor, "latent"]


class RateDistortion(NamedTuple):
    """One point of a method's rate-distortion curve."""

    method: str
    bits: float
    """Bits per row."""
    error: float
    """Mean squared error of a value after decompression."""


def model_rate_distortion(model: GenerativeModel) -> list[RateDistortion]:
    """Return the rate and distortion of an autoencoder on the test rows, at several quantization levels.

    The rate is that of an ideal entropy coder that codes each dimension independently; a VQ-VAE has one point, with
    the rate of its prior.
    """
    test = model.subset("test")
    truth = _inputs_of(model, test)
    if isinstance(model, VQVAE):
        return [_vq_vae_rate_distortion(model, test, truth)]
    labels = test.columns[LABEL][torch.from_numpy(test.rows)] if LABEL in test.columns else None

    def decode(codes: Latent) -> Rows:
        chunks = codes.to(model.device).split(EVAL_BATCH_SIZE)
        chunk_labels = [None] * len(chunks) if labels is None else labels.split(EVAL_BATCH_SIZE)
        return torch.cat([model.decode(*pair).cpu() for pair in zip(chunks, chunk_labels, strict=True)])

    codes = model.embed_part(test)[0].cpu()
    fitted = model.embed_part(model.some_rows("train", FITTED_ROWS))[0].cpu()
    return _rate_distortion_curve(model.name, codes, fitted, decode, truth)


def pca_rate_distortion(model: GenerativeModel) -> list[RateDistortion]:
    """Return the same for as many principal components as the model has latent dimensions."""
    from sklearn.decomposition import PCA

    train = _inputs_of(model, model.some_rows("train", FITTED_ROWS)).flatten(1).numpy()
    truth = _inputs_of(model, model.subset("test"))
    size = min(model.config.latent_size, *train.shape)
    components = PCA(size, svd_solver="full").fit(train)

    def decode(codes: Latent) -> Rows:
        return torch.from_numpy(components.inverse_transform(codes.numpy())).view_as(truth)

    codes = torch.from_numpy(components.transform(truth.flatten(1).numpy()))
    fitted = torch.from_numpy(components.transform(train))
    return _rate_distortion_curve(f"{size} principal components", codes, fitted, decode, truth)


def quantize(codes: Latent, low: PerDimension, high: PerDimension, levels: int) -> Int[Tensor, "row latent"]:
    """Return the index of the nearest of `levels` values, evenly spaced from `low` to `high`, in each dimension."""
    position = (codes - low) / (high - low).clamp(min=1e-9) * (levels - 1)
    return position.round().clamp(0, levels - 1).long()


def entropy_bits(indices: Int[Tensor, "row latent"]) -> float:
    """Return the bits per row of an ideal entropy coder that codes each dimension by its own frequencies."""
    total = 0.0
    for column in indices.T:
        frequencies = torch.bincount(column).float() / len(column)
        total += torch.special.entr(frequencies).sum().item() / math.log(2)
    return total


def mean_squared_error(decoded: Rows, truth: Rows) -> float:
    """Return the mean squared error of a value."""
    return (decoded - truth).square().mean().item()


def plot_rate_distortion(path: Path, points: list[RateDistortion], values: int) -> Path:
    """Plot the error over the bits per value, for rows of so many `values`; a curve for each method."""
    with picture(path, 6, 4) as figure:
        axes = figure.add_subplot()
        for method in dict.fromkeys(point.method for point in points):
            curve = np.array([(point.bits / values, point.error) for point in points if point.method == method])
            axes.plot(*curve.T, marker="o", markersize=4, linewidth=1.2, label=method)
        axes.set(xlabel="bits per value (8 uncompressed)", ylabel="mean squared error", ylim=(0, None))
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return path


def _rate_distortion_curve(
    method: str,
    codes: Latent,
    fitted: Float[Tensor, "fitted latent"],
    decode: Callable[[Latent], Rows],
    truth: Rows,
) -> list[RateDistortion]:
    """Return rate and distortion at each number of levels, which span the range of the `fitted` codes."""
    low, high = fitted.quantile(0.005, dim=0), fitted.quantile(0.995, dim=0)
    points = []
    for levels in LEVELS:
        indices = quantize(codes, low, high, levels)
        dequantized = low + indices.float() * (high - low) / (levels - 1)
        error = mean_squared_error(decode(dequantized), truth)
        points.append(RateDistortion(method, entropy_bits(indices), error))
    return points


def _vq_vae_rate_distortion(model: VQVAE, test: Subset, truth: Rows) -> RateDistortion:
    """Return the rate of a VQ-VAE's prior, which codes each code given those before it, and the distortion."""
    latent = model.embed_part(test)[0]
    decoded = torch.cat([model.decode(chunk) for chunk in latent.split(EVAL_BATCH_SIZE)]).cpu()
    length = math.prod(model.network.code_shape)
    bits = model.compute_metrics(test)["prior_nats"] * length / math.log(2)
    return RateDistortion(f"{model.name}, {length} codes", bits, mean_squared_error(decoded, truth))


def _inputs_of(model: GenerativeModel, subset: Subset) -> Rows:
    return torch.cat([model.inputs(batch) for batch in subset.batches(EVAL_BATCH_SIZE)]).cpu()
