"""Fidelity of generated images: FID, KID, precision and recall, in the features of a classifier of the same data.

The numbers are only comparable within one feature space: the classifier, the number of rows, and the values that
training images get against test images belong to them.
"""

import warnings
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sandlot.generative.base import GenerativeModel
from sandlot.supervised import Classifier
from sandlot.supervised.data import Batch
from sandlot.supervised.modalities.columns import IMAGE
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.tasks.predictor import Predictor
from sandlot.tracking import SandlotError, derived_seed

Features = Float[Tensor, "row feature"]
OtherFeatures = Float[Tensor, "other feature"]
NEIGHBOURS = 3
"""k of the k-nearest-neighbour manifolds of precision and recall (Kynkäänniemi et al., 2019, section 3.1)."""
KID_BLOCK = 1000
"""Rows per block; KID is a mean over blocks (Bińkowski et al., 2018)."""
CHUNK = 256
SEED = 6


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


class FidelityReport(NamedTuple):
    """The fidelity of a model's images, and of as many training images for reference: both against test images."""

    model: FidelityMetrics
    reference: FidelityMetrics
    rows: int
    class_shares: dict[str, float]
    """Fraction of the model's images that the classifier assigns to each class."""


def measure_fidelity(model: GenerativeModel, extractor: Classifier, rows: int) -> FidelityReport:
    """Compare up to `rows` generated images with test images, in the features of a classifier."""
    if not model.makes_images or extractor.metadata["kind"] != "images":
        raise SandlotError(
            f"fidelity is measured on images, and the {model.name} learned from {model.metadata['kind']}"
        )
    extractor_shape = tuple(extractor.metadata["reading"]["shape"])
    if extractor_shape != model.shape:
        raise SandlotError(f"the extractor reads images of shape {extractor_shape}, and the model's are {model.shape}")
    test, train = model.part("test"), model.part("train")
    count = min(rows, len(test), len(train))
    if count < 2 * NEIGHBOURS:
        raise SandlotError(f"there are {len(test)} test rows, too few to compare with")
    extractor.train(False)
    model.train(False)
    pixels = {name: model.fixed_batch(name, count)[IMAGE] for name in ("test", "train")}
    with torch.no_grad(), seeded_rng(derived_seed(model.seed, SEED)):
        chunks = torch.arange(count).split(CHUNK)
        samples = torch.cat([model.sample(len(chunk), model.cycle_labels(len(chunk))) for chunk in chunks])
        real = extract_features(extractor, pixels["test"])
        reference = extract_features(extractor, pixels["train"])
        fake = extract_features(extractor, (samples.clamp(0, 1) * 255).round().to(torch.uint8))
        shares = class_shares(extractor, fake)
    return FidelityReport(fidelity_metrics(real, fake), fidelity_metrics(real, reference), count, shares)


def extract_features(extractor: Classifier, pixels: Shaped[Tensor, "row channel height width"]) -> Features:
    """Return the classifier's features of images, before its last layer."""
    reader = _network_of(extractor).reader
    batches: list[Batch] = [{IMAGE: chunk.to(extractor.device)} for chunk in pixels.split(CHUNK)]
    return torch.cat([reader(batch) for batch in batches]).cpu().double()


def class_shares(extractor: Classifier, features: Features) -> dict[str, float]:
    """Return the fraction of rows that the classifier assigns to each class, given their features."""
    predicted = _network_of(extractor).head(features.float().to(extractor.device)).argmax(1).cpu()
    shares = torch.bincount(predicted, minlength=len(extractor.classes)).float() / len(features)
    return dict(zip(extractor.classes, shares.tolist(), strict=True))


def fidelity_metrics(real: Features, fake: OtherFeatures) -> FidelityMetrics:
    """Return all metrics of how close `fake` features are to `real` ones."""
    return FidelityMetrics(fid(real, fake), kid(real, fake), precision(real, fake), recall(real, fake))


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


def precision(real: Features, fake: OtherFeatures) -> float:
    """Return the fraction of `fake` rows within the distance of a real row to its third nearest real neighbour.

    Source: Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", 2019,
    equation 1.
    """
    radii = [torch.cdist(chunk, real).kthvalue(NEIGHBOURS + 1, dim=1).values for chunk in real.split(CHUNK)]
    radius = torch.cat(radii)
    inside = [(torch.cdist(chunk, real) <= radius).any(1) for chunk in fake.split(CHUNK)]
    return torch.cat(inside).double().mean().item()


def recall(real: Features, fake: OtherFeatures) -> float:
    """Return the fraction of `real` rows within the distance of a fake row to its third nearest fake neighbour."""
    return precision(fake, real)


def _network_of(extractor: Classifier) -> Predictor:
    network = extractor.learners["network"].module
    assert isinstance(network, Predictor)
    return network


class _Identity(nn.Identity):
    """Stands in for torchmetrics' Inception network: what it is given are features already."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features
