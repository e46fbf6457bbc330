"""How close two sets of features are: FID, KID, precision, recall, density and coverage, with intervals."""

import math
import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.tracking.common.intervals import share_interval

Features = Float[Tensor, "row feature"]
OtherFeatures = Float[Tensor, "other feature"]
NEIGHBOURS = 3
"""k of the k-nearest-neighbour manifolds of precision and recall (Kynkäänniemi et al., 2019, section 3.1)."""
DENSITY_NEIGHBOURS = 5
"""k of density and coverage (Naeem et al., 2020, section 5)."""
KID_BLOCK = 1000
"""Rows per block; KID is a mean over blocks (Bińkowski et al., 2018)."""
GROUPS, STUDENT_T = 10, 2.262
"""Groups of rows that the jackknife leaves out, and Student's t for a 95 % interval with one degree fewer."""
CHUNK = 256
Metric = Callable[[Features, OtherFeatures], float]


class FidelityMetrics(NamedTuple):
    """How close the distribution of some images is to that of real ones."""

    fid: float
    """Fréchet distance between gaussians fitted to the features; lower is better."""
    kid: float
    """Squared maximum mean discrepancy of the features, with a cubic kernel; lower is better."""
    precision: float
    """Fraction of the images that lie in the manifold of the real ones."""
    recall: float
    """Fraction of the real images that lie in the manifold of the others."""
    density: float
    """How many real neighbourhoods an image lies in, over the number that a real one would."""
    coverage: float
    """Fraction of the real images in whose neighbourhood one of the images lies."""


def fidelity_metrics(real: Features, fake: OtherFeatures) -> FidelityMetrics:
    """Return all metrics of how close `fake` features are to `real` ones."""
    return FidelityMetrics(
        fid(real, fake),
        kid(real, fake),
        precision(real, fake),
        recall(real, fake),
        density(real, fake),
        coverage(real, fake),
    )


def fid(first: Features, second: OtherFeatures) -> float:
    """Return the Fréchet distance between gaussians fitted to two sets of features, by torchmetrics.

    Source: Heusel et al., "GANs trained by a two time-scale update rule", 2017, equation 6.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.fid import FrechetInceptionDistance

        metric = FrechetInceptionDistance(_Identity(first.shape[1]))
        metric.update(first, real=True)
        metric.update(second, real=False)
        return metric.compute().item()


def kid(first: Features, second: OtherFeatures) -> float:
    """Return the unbiased squared maximum mean discrepancy with the kernel (x·y/size + 1)³, averaged over blocks.

    Source: Bińkowski et al., "Demystifying MMD GANs", 2018; computed by torchmetrics.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.image.kid import poly_mmd

    blocks = zip(first.split(KID_BLOCK), second.split(KID_BLOCK), strict=False)
    values = [poly_mmd(one, other).item() for one, other in blocks if len(one) == len(other) > 1]
    return sum(values) / len(values)


def in_manifold(real: Features, fake: OtherFeatures) -> Float[Tensor, "other"]:
    """Return for each `fake` row whether it is within the distance of a real row to its third nearest real one."""
    radius = _radii(real, NEIGHBOURS)
    return torch.cat([(torch.cdist(chunk, real) <= radius).any(1) for chunk in fake.split(CHUNK)]).double()


def precision(real: Features, fake: OtherFeatures) -> float:
    """Return the fraction of `fake` rows in the manifold of the real ones.

    Source: Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", 2019,
    equation 1.
    """
    return in_manifold(real, fake).mean().item()


def recall(real: Features, fake: OtherFeatures) -> float:
    """Return the fraction of `real` rows in the manifold of the fake ones."""
    return precision(fake, real)


def densities(real: Features, fake: OtherFeatures) -> Float[Tensor, "other"]:
    """Return for each `fake` row the number of real neighbourhoods that it lies in, over their k."""
    radius = _radii(real, DENSITY_NEIGHBOURS)
    inside = [(torch.cdist(chunk, real) < radius).sum(1) for chunk in fake.split(CHUNK)]
    return torch.cat(inside).double() / DENSITY_NEIGHBOURS


def density(real: Features, fake: OtherFeatures) -> float:
    """Return the mean of `densities`: 1 for rows of the same distribution, and above 1 in denser regions.

    Source: Naeem et al., "Reliable fidelity and diversity metrics for generative models", 2020, equation 4.
    """
    return densities(real, fake).mean().item()


def covered(real: Features, fake: OtherFeatures) -> Float[Tensor, "row"]:
    """Return for each `real` row whether a fake one lies in its neighbourhood."""
    radius = _radii(real, DENSITY_NEIGHBOURS)
    nearest = torch.cat([torch.cdist(chunk, fake).min(1).values for chunk in real.split(CHUNK)])
    return (nearest < radius).double()


def coverage(real: Features, fake: OtherFeatures) -> float:
    """Return the fraction of `real` rows that `fake` ones cover (Naeem et al., 2020, equation 5)."""
    return covered(real, fake).mean().item()


def fidelity_intervals(real: Features, fake: OtherFeatures) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of each metric.

    Of FID and KID by the jackknife over ten groups of rows, of shares Wilson's, of the density by its standard error.
    """
    means = {
        "precision": in_manifold(real, fake),
        "recall": in_manifold(fake, real),
        "density": densities(real, fake),
        "coverage": covered(real, fake),
    }
    intervals = {name: jackknife_interval(metric, real, fake) for name, metric in (("fid", fid), ("kid", kid))}
    for name, values in means.items():
        mean, error = values.mean().item(), 1.96 * values.std().item() / math.sqrt(len(values))
        intervals[name] = share_interval(mean, len(values))
        if name == "density":  # no share: a mean of numbers
            intervals[name] = (max(0.0, mean - error), mean + error)
    return intervals


def jackknife_interval(metric: Metric, real: Features, fake: OtherFeatures) -> tuple[float, float]:
    """Return a 95 % interval of a metric, by leaving out a tenth of the rows of both sets at a time.

    Source: Shao and Tu, "The jackknife and bootstrap", 1995, section 2.3.
    """
    value = metric(real, fake)
    groups = min(GROUPS, len(real), len(fake))
    parts = [(torch.arange(len(rows)) % groups) for rows in (real, fake)]
    left = torch.tensor([metric(real[parts[0] != g], fake[parts[1] != g]) for g in range(groups)]).double()
    error = STUDENT_T * ((groups - 1) * (left - left.mean()).square().mean()).sqrt().item()
    return value - error, value + error


def _radii(rows: Features, neighbours: int) -> Float[Tensor, "row"]:
    """Return the distance of each row to its so many-th nearest other."""
    neighbours = min(neighbours, len(rows) - 1)
    return torch.cat([torch.cdist(chunk, rows).kthvalue(neighbours + 1, dim=1).values for chunk in rows.split(CHUNK)])


class _Identity(nn.Identity):
    """Stands in for torchmetrics' Inception network: what it is given are features already."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features
