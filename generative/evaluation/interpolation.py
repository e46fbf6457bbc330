"""Ways from one code to another, and what lies on them."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import UInt8

from sandlot.generative.autoencoders.base import Autoencoder
from sandlot.generative.base import Label, Latent, Model
from sandlot.generative.plots import Shown, image_grid

STOPS = 6
"""Codes that a film passes on its way round."""
ABREAST = 9
"""Ways that a film shows at the same time."""
FRAMES = 24
"""Frames of a film between two stops, and in a second."""


def between(first: Latent, last: Latent, share: float, spherical: bool) -> Latent:
    """Return what lies at the `share` of the way from codes to others: on a line, or on an arc.

    Source of the arc: White, "Sampling generative networks", 2016, section 2.1.
    """
    if not spherical:
        return first + share * (last - first)
    lengths = first.norm(dim=1) * last.norm(dim=1)
    angle = ((first * last).sum(1) / lengths.clamp(min=1e-9)).clamp(-1, 1).acos()[:, None]
    arc = (((1 - share) * angle).sin() * first + (share * angle).sin() * last) / angle.sin().clamp(min=1e-9)
    # There is no arc between codes in the same direction, or in opposite ones.
    return torch.where(angle.sin() > 1e-4, arc, first + share * (last - first))


def interpolations(model: Model, pairs: int, steps: int) -> Shown:
    """Return what lies on the way between pairs of codes, a line of pictures for each pair."""
    first, last, label = ends(model, pairs), ends(model, pairs, shift=pairs), model.asked_for(pairs)
    shares = torch.linspace(0, 1, steps).tolist()
    columns = [model.decode(between(first, last, share, model.spherical), label) for share in shares]
    return Shown(torch.stack(columns, 1).flatten(0, 1), steps)


def film(model: Model) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Yield the frames of walks through the space of codes, which come back to where they began."""
    label: Label = model.asked_for(ABREAST)
    stops = [ends(model, ABREAST, shift=place * ABREAST) for place in range(STOPS)]
    for first, last in zip(stops, [*stops[1:], stops[0]], strict=True):
        for frame in range(FRAMES):
            # A cosine, so that the walk is slow at its stops.
            share = 0.5 - 0.5 * float(np.cos(np.pi * frame / FRAMES))
            yield image_grid(model.decode(between(first, last, share, model.spherical), label), 3, smallest=112)


def ends(model: Model, count: int, shift: int = 0) -> Latent:
    """Return codes to walk between: of rows of the data if the model can encode, or new ones."""
    if not isinstance(model, Autoencoder):
        return model.draw_codes(count)
    codes = model.latent(model.some(model.shown_part, shift + count))
    return codes[torch.arange(shift, shift + count) % len(codes)]
