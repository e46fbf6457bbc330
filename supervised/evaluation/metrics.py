"""How well predictions fit, by torchmetrics, whose import (a second) waits until it is needed."""

import warnings

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

BINS = 15
"""Bins of confidence in the calibration error (Guo et al., "On calibration of modern neural networks", 2017)."""


def classification_measures(
    logits: Float[Tensor, "row class"], labels: Int[Tensor, "row"], classes: list[str]
) -> dict[str, float]:
    """Return the accuracy, cross-entropy, calibration error, and as means over classes AUROC, precision, recall, F1.

    Classes without a row are left out of the means. F1 is also given for each class that has one.
    """
    count, probabilities = len(classes), logits.softmax(-1)
    there = labels.bincount(minlength=count) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about classes without a row
        import torchmetrics.functional.classification as metrics

        each = {
            name: getattr(metrics, f"multiclass_{name}")(probabilities, labels, count, average=None)
            for name in ("auroc", "precision", "recall", "f1_score")
        }
        calibration = metrics.multiclass_calibration_error(probabilities, labels, count, BINS)
    measures = {
        "accuracy": (logits.argmax(-1) == labels).float().mean(),
        "loss": F.cross_entropy(logits, labels),
        "calibration_error": calibration,
        **{name.removesuffix("_score"): values[there].mean() for name, values in each.items()},
        **{f"f1/{classes[place]}": each["f1_score"][place] for place in there.nonzero().squeeze(-1).tolist()},
    }
    return {name: float(value) for name, value in measures.items()}


def regression_measures(prediction: Float[Tensor, "row"], target: Float[Tensor, "row"]) -> dict[str, float]:
    """Return the mean squared error, its root, the mean absolute error and R²."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchmetrics.functional.regression as metrics

        squared = metrics.mean_squared_error(prediction, target)
        measures = {"rmse": squared.sqrt(), "mse": squared, "mae": metrics.mean_absolute_error(prediction, target)}
        if len(target) > 1:
            measures["r2"] = metrics.r2_score(prediction, target)
    return {name: float(value) for name, value in measures.items()}
