"""Interpolation between latent vectors."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8

from sandlot.generative.base import LABEL, GenerativeModel, Label, Latent, Rows
from sandlot.generative.plots import SampleGrid, image_grid

WAYPOINTS = 6
"""Latent vectors that a video passes before it is back at the first."""
VIDEO_COLUMNS = 3
"""Sides of the square grid of interpolations in a video."""
FRAMES_PER_SECOND = 24
"""Also the frames between two waypoints."""
MIN_ARC = 1e-4


def interpolate(first: Latent, last: Latent, fraction: float, spherical: bool) -> Latent:
    """Return the latent vectors at a `fraction` of the way from `first` to `last`: linearly, or along an arc.

    Source of spherical interpolation: White, "Sampling generative networks", 2016, section 2.1.
    """
    linear = first + fraction * (last - first)
    if not spherical:
        return linear
    norms = first.norm(dim=1) * last.norm(dim=1)
    angle = ((first * last).sum(1) / norms.clamp(min=1e-9)).clamp(-1, 1).acos()[:, None]
    arc = (((1 - fraction) * angle).sin() * first + (fraction * angle).sin() * last) / angle.sin().clamp(min=1e-9)
    # No arc is defined between vectors of the same or opposite directions.
    return torch.where(angle.sin() > MIN_ARC, arc, linear)


def interpolation_grid(model: GenerativeModel, pairs: int, steps: int) -> SampleGrid:
    """Return interpolations between pairs of latent vectors: a row of `steps` images for each pair.

    A conditional model goes from the class of the first row to that of the last, so both ends are reconstructions.
    """
    first, last = endpoints(model, pairs), endpoints(model, pairs, offset=pairs)
    columns = [decode_between(model, first, last, fraction) for fraction in torch.linspace(0, 1, steps).tolist()]
    return SampleGrid(torch.stack(columns, 1).flatten(0, 1), steps)


def interpolation_video(model: GenerativeModel) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Yield the frames of a video of interpolations through the latent space, which ends where it starts."""
    count = VIDEO_COLUMNS**2
    waypoints = [endpoints(model, count, offset=index * count) for index in range(WAYPOINTS)]
    for first, last in zip(waypoints, [*waypoints[1:], waypoints[0]], strict=True):
        for frame in range(FRAMES_PER_SECOND):
            # A cosine schedule slows down at the waypoints.
            fraction = 0.5 - 0.5 * float(np.cos(np.pi * frame / FRAMES_PER_SECOND))
            yield image_grid(decode_between(model, first, last, fraction), VIDEO_COLUMNS, min_side=112)


class Endpoints(NamedTuple):
    """Latent vectors to interpolate between, and the class of each if the model is conditional."""

    latent: Latent
    label: Label


def endpoints(model: GenerativeModel, count: int, offset: int = 0) -> Endpoints:
    """Return the latent vectors of rows of the data if there is an encoder, or else samples."""
    if not model.has_encoder:
        return Endpoints(model.sample_prior(count), model.cycle_labels(count))
    batch = model.fixed_batch(model.evaluation_part, offset + count)
    latent = model.embed(batch)
    rows = torch.arange(offset, offset + count) % len(latent)
    return Endpoints(latent[rows], batch[LABEL][rows] if model.is_conditional else None)


def decode_between(model: GenerativeModel, first: Endpoints, last: Endpoints, fraction: float) -> Rows:
    """Return the rows at a `fraction` of the way; between two classes, of a mixture of both."""
    latent = interpolate(first.latent, last.latent, fraction, model.spherical_prior)
    if first.label is None or last.label is None or torch.equal(first.label, last.label):
        return model.decode(latent, first.label)
    start, end = (F.one_hot(label, model.num_conditions).float() for label in (first.label, last.label))
    return model.decode(latent, start + fraction * (end - start))
