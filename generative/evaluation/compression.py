"""Lossy compression: the rate-distortion trade-off of an autoencoder's codes."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.generative.autoencoders.vq_vae import VQVAE
from sandlot.generative.base import LABEL, GenerativeModel, Latent, Rows
from sandlot.generative.metrics import EVAL_BATCH_SIZE
from sandlot.supervised.data import Subset
from sandlot.tracking import SandlotError, picture

from .arithmetic_coder import encode, frequency_tables

LEVELS = (2, 3, 4, 6, 8, 12, 16, 32, 64, 128)
"""Numbers of quantization levels to try."""
QUALITIES = (5, 10, 25, 50, 75, 95)
FITTED_ROWS = 5000
"""Training rows, at most, that the range of codes and the principal components are fitted to."""

PerDimension = Float[Tensor, "latent"]


class RateDistortion(NamedTuple):
    """One point of a method's rate-distortion curve."""

    method: str
    bits: float
    """Bits per row of an arithmetic coder's file."""
    error: float
    """Mean squared error of a value after decompression."""


def model_rate_distortion(model: GenerativeModel) -> list[RateDistortion]:
    """Return the rate and distortion of an autoencoder on the test rows, at several quantization levels.

    The rate is the size of an arithmetic coder's file with frequencies from the training rows, for each dimension by
    itself; a VQ-VAE has one point, with the probabilities of its prior.
    """
    test = _test_rows(model)
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
    truth = _inputs_of(model, _test_rows(model))
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


def code_lengths(
    indices: Int[Tensor, "row latent"], trained: Int[Tensor, "fitted latent"], levels: int
) -> tuple[float, bytes]:
    """Return the ideal bits per row of a code for each dimension, and the bytes of an arithmetic coder with it.

    The code's frequencies are those of the `trained` indices alone, plus one half each (Krichevsky and Trofimov,
    1981), so what is coded tells nothing about it.
    """
    counts = torch.stack([torch.bincount(column, minlength=levels) for column in trained.T]) + 0.5
    frequency = counts / counts.sum(1, keepdim=True)
    ideal = -frequency.T.gather(0, indices).log2().sum(1).mean().item()
    tables = frequency_tables(frequency.double().numpy())
    symbols = indices.flatten().tolist()
    return ideal, encode(symbols, (table for _ in range(len(indices)) for table in tables))


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
        _, coded = code_lengths(indices, quantize(fitted, low, high, levels), levels)
        points.append(RateDistortion(method, 8 * len(coded) / len(indices), error))
    return points


def _vq_vae_rate_distortion(model: VQVAE, test: Subset, truth: Rows) -> RateDistortion:
    """Return the rate of a VQ-VAE's prior, which codes each code given those before it, and the distortion."""
    codes = model.codes_of(test)
    decoded = torch.cat([model.network.decode(model.network.look_up(chunk)) for chunk in codes.split(EVAL_BATCH_SIZE)])
    length = math.prod(model.network.code_shape)
    size = 0
    for chunk in codes.split(EVAL_BATCH_SIZE):
        probabilities = model.prior(chunk).softmax(-1).transpose(0, 1).flatten(0, 1)
        size += len(encode(chunk.flatten().tolist(), frequency_tables(probabilities.double().cpu().numpy())))
    return RateDistortion(
        f"{model.name}, {length} codes", 8 * size / len(codes), mean_squared_error(decoded.cpu(), truth)
    )


def image_format_rate_distortion(model: GenerativeModel) -> list[RateDistortion]:
    """Return the rates and distortions of JPEG at several qualities, and of PNG, on the same test images."""
    if not model.makes_images or model.shape[0] not in (1, 3):
        return []
    truth = _inputs_of(model, _test_rows(model))
    pixels = (truth * 255).round().to(torch.uint8).permute(0, 2, 3, 1).squeeze(-1).numpy()
    points = [_file_rate_distortion("JPEG", pixels, truth, format="JPEG", quality=quality) for quality in QUALITIES]
    return [*points, _file_rate_distortion("PNG", pixels, truth, format="PNG", optimize=True)]


def _file_rate_distortion(method: str, pixels: np.ndarray, truth: Rows, **options: Any) -> RateDistortion:
    from PIL import Image

    size, decoded = 0, []
    for image in pixels:
        file = io.BytesIO()
        Image.fromarray(image).save(file, **options)
        size += file.tell()
        decoded.append(np.asarray(Image.open(file)))
    values = torch.from_numpy(np.stack(decoded)).float() / 255
    values = values[:, None] if values.ndim == 3 else values.permute(0, 3, 1, 2)
    return RateDistortion(method, 8 * size / len(pixels), mean_squared_error(values, truth))


def _test_rows(model: GenerativeModel) -> Subset:
    test = model.subset("test")
    if not len(test):
        raise SandlotError(
            "the data has no test rows, on which compression is measured; train with a --test-share above 0"
        )
    return test


def _inputs_of(model: GenerativeModel, subset: Subset) -> Rows:
    return torch.cat([model.inputs(batch) for batch in model.batches(subset)]).cpu()
