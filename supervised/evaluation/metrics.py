"""Metrics of predictions, by torchmetrics, which is imported (in a second) when it is needed."""

import warnings
from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

BINS = 15
"""Confidence bins of the calibration error (Guo et al., "On calibration of modern neural networks", 2017)."""


def classification_metrics(
    logits: Float[Tensor, "row class"], labels: Int[Tensor, "row"], classes: Sequence[str]
) -> dict[str, float]:
    """Return accuracy, cross-entropy, calibration error, and macro-averaged AUROC, precision, recall and F1.

    Classes without rows are left out of the averages. F1 is also returned for each class with rows.
    """
    count, probabilities = len(classes), logits.softmax(-1)
    present = labels.bincount(minlength=count) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about classes without rows
        import torchmetrics.functional.classification as metrics

        each = {
            name: getattr(metrics, f"multiclass_{name}")(probabilities, labels, count, average=None)
            for name in ("auroc", "precision", "recall", "f1_score")
        }
        calibration = metrics.multiclass_calibration_error(probabilities, labels, count, BINS)
    found = {
        "accuracy": (logits.argmax(-1) == labels).float().mean(),
        "loss": F.cross_entropy(logits, labels),
        "calibration_error": calibration,
        **{name.removesuffix("_score"): values[present].mean() for name, values in each.items()},
        **{f"f1/{classes[place]}": each["f1_score"][place] for place in present.nonzero().squeeze(-1).tolist()},
    }
    return {name: float(value) for name, value in found.items()}


def regression_metrics(prediction: Float[Tensor, "row"], target: Float[Tensor, "row"]) -> dict[str, float]:
    """Return RMSE, MSE, MAE and R²."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchmetrics.functional.regression as metrics

        squared = metrics.mean_squared_error(prediction, target)
        found = {"rmse": squared.sqrt(), "mse": squared, "mae": metrics.mean_absolute_error(prediction, target)}
        if len(target) > 1:
            found["r2"] = metrics.r2_score(prediction, target)
    return {name: float(value) for name, value in found.items()}
