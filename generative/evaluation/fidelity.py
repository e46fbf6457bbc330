"""How like the data the rows that a model makes are, in the feature space of a network that has learned from the data.

Such numbers mean something beside others in the same space alone: the network, the number of rows, and what real
rows get against real ones belong to them. The distances are torchmetrics', whose import waits until it is needed.
"""

import warnings
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.generative.base import Model
from sandlot.supervised.data import Batch, Subset
from sandlot.supervised.modalities.columns import IMAGE
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.tracking import SandlotError, derived_seed

Features = Float[Tensor, "row feature"]
Others = Float[Tensor, "other feature"]
NEIGHBOURS = 3
"""Nearest rows that a region of the manifold reaches to (Kynkäänniemi et al., 2019, section 3.1)."""
SUBSET = 1000
"""Rows of the blocks that the kernel distance is the mean of (Bińkowski et al., 2018)."""
AT_ONCE = 256
SEED = 6


class Fidelity(NamedTuple):
    """How like real rows others are."""

    fid: float
    """Fréchet distance between normal distributions with the features' means and covariances."""
    kid: float
    """Squared maximum mean discrepancy of the features, for a cubic kernel."""
    precision: float
    """Share of the rows that lie among real ones."""
    recall: float
    """Share of the real rows that lie among the others."""


class Report(NamedTuple):
    """The fidelity of a model's rows, and the floor: that of real rows which it has learned from."""

    model: Fidelity
    floor: Fidelity
    rows: int
    shares: dict[str, float]
    """What share of the model's rows the extractor takes for each class."""


def measure_fidelity(model: Model, extractor: Any, rows: int) -> Report:
    """Compare as many rows of the model with rows of the test, in the features of the classifier `extractor`."""
    if not model.makes_images or extractor.metadata["kind"] != "images":
        raise SandlotError(
            f"fidelity is measured on images, and the {model.name} learned from {model.metadata['kind']}"
        )
    theirs = tuple(extractor.metadata["preprocessing"]["shape"])
    if theirs != model.shape:
        raise SandlotError(f"the extractor reads images of the shape {theirs}, and these are of {model.shape}")
    test, train = model.subset("test"), model.subset("train")
    count = min(rows, len(test), len(train))
    if count < 2 * NEIGHBOURS:
        raise SandlotError(f"there are {len(test)} rows for the test, too few to compare with")
    extractor.train(False)
    model.train(False)
    chosen = {name: some_rows(model, subset, count) for name, subset in (("test", test), ("train", train))}
    with torch.no_grad(), seeded_rng(derived_seed(model.seed, SEED)):
        made = [model.sample(len(some), model.asked_for(len(some))) for some in torch.arange(count).split(AT_ONCE)]
        pixels = (torch.cat(made).clamp(0, 1) * 255).round().to(torch.uint8)
        real = features_of(extractor, chosen["test"])
        learned = features_of(extractor, chosen["train"])
        fake = features_of(extractor, pixels)
        guessed = extractor.learners["network"].module.head(fake.float().to(extractor.device)).argmax(1).cpu()
    share = torch.bincount(guessed, minlength=len(extractor.classes)).float() / count
    shares = dict(zip(extractor.classes, share.tolist(), strict=True))
    return Report(fidelity(real, fake), fidelity(real, learned), count, shares)


def some_rows(model: Model, subset: Subset, count: int) -> Tensor:
    """Return the pixels of some rows of a subset."""
    return model.some(subset.name, count)[IMAGE]


def features_of(extractor: Any, pixels: Tensor) -> Features:
    """Return what the classifier's backbone makes of images."""
    backbone = extractor.learners["network"].module.backbone
    batches: list[Batch] = [{IMAGE: some.to(extractor.device)} for some in pixels.split(AT_ONCE)]
    return torch.cat([backbone(batch) for batch in batches]).cpu().double()


def fidelity(real: Features, fake: Others) -> Fidelity:
    """Return all measures of how like the real features others are."""
    return Fidelity(
        frechet_distance(real, fake), kernel_distance(real, fake), coverage(real, fake), coverage(fake, real)
    )


def frechet_distance(first: Features, second: Others) -> float:
    """Return the Fréchet distance between the normal distributions with the means and covariances of features.

    Source: Heusel et al., "GANs trained by a two time-scale update rule", 2017, equation 6.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import FrechetInceptionDistance

        as_they_are = nn.Identity()  # they are features already
        as_they_are.num_features = first.shape[1]  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
        metric = FrechetInceptionDistance(as_they_are)
        metric.update(first, real=True)
        metric.update(second, real=False)
        return metric.compute().item()


def kernel_distance(first: Features, second: Others) -> float:
    """Return the unbiased squared maximum mean discrepancy for the kernel (x·y/size + 1)³, a mean over blocks.

    Source: Bińkowski et al., "Demystifying MMD GANs", 2018.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.kid import poly_mmd

    pairs = zip(first.split(SUBSET), second.split(SUBSET), strict=False)
    found = [poly_mmd(one, other).item() for one, other in pairs if len(one) == len(other) > 1]
    return sum(found) / len(found)


def coverage(real: Features, fake: Others) -> float:
    """Return the share of `fake` within the reach of a real row, which is as far as that row's third neighbour.

    Precision; with the arguments swapped, recall (Kynkäänniemi et al., "Improved precision and recall metric for
    assessing generative models", 2019, equation 1).
    """
    reach = torch.cat([torch.cdist(some, real).kthvalue(NEIGHBOURS + 1, dim=1).values for some in real.split(AT_ONCE)])
    inside = [(torch.cdist(some, real) <= reach).any(1) for some in fake.split(AT_ONCE)]
    return torch.cat(inside).double().mean().item()
