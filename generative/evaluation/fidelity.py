"""Fidelity of generated images: FID, KID, precision and recall, in the features of a classifier of the same data.

The numbers are only comparable within one feature space: the classifier, the number of rows, and the values that
training images get against test images belong to them.
"""

import warnings
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Shaped
from torch import Tensor

from sandlot.generative.base import GenerativeModel
from sandlot.supervised import Classifier
from sandlot.supervised.data import Batch
from sandlot.supervised.modalities.columns import IMAGE
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.tasks.predictor import Predictor
from sandlot.tracking import SandlotError, derived_seed

from .metrics import CHUNK, NEIGHBOURS, Features, FidelityMetrics, fidelity_intervals, fidelity_metrics

Pixels = Shaped[Tensor, "row channel height width"]
SEED = 6


@runtime_checkable
class Extractor(Protocol):
    """Turns images into features to compare."""

    def check(self, model: GenerativeModel) -> None:
        """Raise `SandlotError` if it can't read the model's images."""
        ...

    def features(self, pixels: Pixels) -> Features:
        """Return the features of images."""
        ...

    def class_shares(self, features: Features) -> dict[str, float]:
        """Return the fraction of rows of each class, given their features; empty if it knows no classes."""
        ...


class ClassifierFeatures:
    """The features of a classifier of the same data, before its last layer."""

    def __init__(self, classifier: Classifier):
        self.classifier = classifier
        classifier.train(False)
        network = classifier.learners["network"].module
        assert isinstance(network, Predictor)
        self.network = network

    def check(self, model: GenerativeModel) -> None:
        if self.classifier.metadata["kind"] != "images":
            raise SandlotError(f"the extractor reads {self.classifier.metadata['kind']}, not images")
        shape = tuple(self.classifier.metadata["preprocessing"]["shape"])
        if shape != model.shape:
            raise SandlotError(f"the extractor reads images of shape {shape}, and the model's are {model.shape}")

    def features(self, pixels: Pixels) -> Features:
        batches: list[Batch] = [{IMAGE: chunk.to(self.classifier.device)} for chunk in pixels.split(CHUNK)]
        return torch.cat([self.network.backbone(batch) for batch in batches]).cpu().double()

    def class_shares(self, features: Features) -> dict[str, float]:
        predicted = self.network.head(features.float().to(self.classifier.device)).argmax(1).cpu()
        shares = torch.bincount(predicted, minlength=len(self.classifier.classes)).float() / len(features)
        return dict(zip(self.classifier.classes, shares.tolist(), strict=True))


class FileFeatures:
    """The features of a TorchScript network in a file, such as StyleGAN's InceptionV3 (`inception-2015-12-05.pt`).

    It is given RGB bytes [row, 3, height, width], and asked to `return_features` if it knows that word.
    """

    def __init__(self, path: Path):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.network: Any = torch.jit.load(str(path), map_location="cpu").eval()
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise SandlotError(
                f"--features must be a TorchScript file, and {path} can't be loaded: {reason}"
            ) from error

    def check(self, model: GenerativeModel) -> None:
        if model.shape[0] not in (1, 3):
            raise SandlotError(f"--features reads grey or RGB images, and the model's have {model.shape[0]} channels")

    def features(self, pixels: Pixels) -> Features:
        return torch.cat([self._of(chunk) for chunk in pixels.split(CHUNK)]).flatten(1).double()

    def class_shares(self, features: Features) -> dict[str, float]:
        return {}

    def _of(self, pixels: Pixels) -> Tensor:
        images = pixels.round().to(torch.uint8).cpu().expand(-1, 3, -1, -1)
        known = {argument.name for argument in self.network.forward.schema.arguments}
        return self.network(images, return_features=True) if "return_features" in known else self.network(images)


class FidelityReport(NamedTuple):
    """The fidelity of a model's images, and of as many training images for reference: both against test images."""

    model: FidelityMetrics
    reference: FidelityMetrics
    rows: int
    intervals: dict[str, tuple[float, float]]
    """95 % interval of each of the model's metrics, over images: of generated ones and of test images."""
    class_shares: dict[str, float]
    """Fraction of the model's images that the classifier assigns to each class."""


def measure_fidelity(model: GenerativeModel, extractor: Extractor, rows: int) -> FidelityReport:
    """Compare up to `rows` generated images with test images, in the features of a classifier."""
    if not model.makes_images:
        raise SandlotError(
            f"fidelity is measured on images, and the {model.name} learned from {model.metadata['kind']}"
        )
    extractor.check(model)
    test, train = model.subset("test"), model.subset("train")
    count = min(rows, len(test), len(train))
    if count < 2 * NEIGHBOURS:
        raise SandlotError(f"there are {len(test)} test rows, too few to compare with")
    model.train(False)
    pixels = {name: model.fixed_batch(name, count)[IMAGE] for name in ("test", "train")}
    with torch.no_grad(), seeded_rng(derived_seed(model.seed, SEED)):
        chunks = torch.arange(count).split(CHUNK)
        samples = torch.cat([model.sample(len(chunk), model.cycle_labels(len(chunk))) for chunk in chunks])
        real = extractor.features(pixels["test"])
        reference = extractor.features(pixels["train"])
        fake = extractor.features((samples.clamp(0, 1) * 255).round().to(torch.uint8))
        shares = extractor.class_shares(fake)
    return FidelityReport(
        fidelity_metrics(real, fake),
        fidelity_metrics(real, reference),
        count,
        fidelity_intervals(real, fake),
        shares,
    )
