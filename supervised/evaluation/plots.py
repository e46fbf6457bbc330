"""Plots of predictions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.tracking import picture
from sandlot.tracking.common.figures import readable_on

from .metrics import BINS

MOST_CURVES = 10
"""Classes with a ROC curve of their own in a plot."""
MOST_SHARES = 12
"""The most classes for which a confusion matrix shows shares beside counts."""
MOST_WRITTEN = 25
"""Confusion matrices of more classes show colours without counts."""


def draw_confusion(
    path: Path, predicted: Int[Tensor, "row"], labels: Int[Tensor, "row"], classes: Sequence[str]
) -> None:
    """Plot the confusion matrix, coloured by the share of the true class."""
    count = len(classes)
    matrix = torch.bincount(labels * count + predicted, minlength=count**2).view(count, count).numpy()
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = min(max(4.0, 0.5 * count), 14.0)
    with picture(path, side + 1.5, side + 0.5, svg=True) as figure:
        axes = figure.add_subplot()
        shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        figure.colorbar(shown, ax=axes, label="share of the true class")
        axes.set(xlabel="predicted", ylabel="true", title=f"{np.trace(matrix)} of {matrix.sum()} correct")
        axes.set_xticks(range(count), classes, rotation=90 if max(map(len, classes)) > 2 else 0, fontsize=8)
        axes.set_yticks(range(count), classes, fontsize=8)
        for row, column in np.argwhere(matrix > 0) if count <= MOST_WRITTEN else []:
            colour = readable_on(shown.to_rgba(share[row, column]))
            written = (
                f"{matrix[row, column]}\n{100 * share[row, column]:.0f} %"
                if count <= MOST_SHARES
                else str(matrix[row, column])
            )
            axes.text(column, row, written, ha="center", va="center", fontsize=8, color=colour)


def draw_roc(path: Path, probabilities: Float[Tensor, "row class"], labels: Int[Tensor, "row"],
             classes: Sequence[str]) -> None:  # fmt: skip
    """Plot the one-vs-rest ROC curve of each class; of more than ten, those with the smallest area under it."""
    curves = []
    for place, name in enumerate(classes if len(classes) > 2 else classes[1:], start=len(classes) == 2):
        own = labels == place
        if own.any() and not own.all():
            false, true = roc(probabilities[:, place], own)
            curves.append((float(torch.trapezoid(true, false)), name, false, true))
    with picture(path, 5.5, 4.5) as figure:
        axes = figure.add_subplot()
        for area, name, false, true in sorted(curves, key=lambda curve: curve[0])[:MOST_CURVES]:
            axes.plot(false.numpy(), true.numpy(), linewidth=1.4, label=f"{name} ({area:.3f})")
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC (area under the curve)")
        _plain(axes)
        axes.legend(frameon=False, fontsize=8, loc="lower right")


def roc(score: Float[Tensor, "row"], positive: Tensor) -> tuple[Float[Tensor, "point"], Float[Tensor, "point"]]:
    """Return the false and true positive rates for all thresholds of a score, from the highest on."""
    order = score.argsort(descending=True)
    found = positive[order].float()
    last = torch.cat([score[order].diff() != 0, found.new_ones(1, dtype=torch.bool)])
    rates = [torch.cat([found.new_zeros(1), hits.cumsum(0)[last] / hits.sum()]) for hits in (1 - found, found)]
    return rates[0], rates[1]


def draw_reliability(path: Path, probabilities: Float[Tensor, "row class"], labels: Int[Tensor, "row"]) -> None:
    """Plot a reliability diagram: accuracy over confidence (Guo et al., 2017, figure 1)."""
    confidence, predicted = probabilities.max(-1)
    right = (predicted == labels).float()
    place = (confidence * BINS).long().clamp(max=BINS - 1)
    count = torch.bincount(place, minlength=BINS)
    accuracy = torch.bincount(place, right, minlength=BINS) / count.clamp(min=1)
    count, accuracy = count.numpy(), accuracy.numpy()
    centres = (np.arange(BINS) + 0.5) / BINS
    with picture(path, 5, 5.5) as figure:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        axes.bar(centres, accuracy, 0.92 / BINS, color="tab:blue", label="accuracy")
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":", label="calibrated")
        axes.set(ylabel="accuracy", title="reliability", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        below.bar(centres, count, 0.92 / BINS, color="tab:grey")
        below.set(xlabel="confidence", ylabel="rows")
        _plain(axes)
        _plain(below)


def draw_residuals(path: Path, predicted: Float[Tensor, "row"], true: Float[Tensor, "row"], name: str) -> None:
    """Plot predictions over true values, and residuals over predictions."""
    prediction, target = predicted.numpy(), true.numpy()
    with picture(path, 9, 4) as figure:
        left, right = figure.subplots(1, 2)
        left.scatter(target, prediction, s=10, alpha=0.6, linewidths=0)
        low, high = min(target.min(), prediction.min()), max(target.max(), prediction.max())
        left.plot([low, high], [low, high], color="grey", linewidth=0.8, linestyle=":")
        left.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
        right.scatter(prediction, prediction - target, s=10, alpha=0.6, linewidths=0)
        right.axhline(0, color="grey", linewidth=0.8, linestyle=":")
        right.set(xlabel=f"predicted {name}", ylabel="residual")
        for axes in (left, right):
            _plain(axes)


def draw_forecasts(path: Path, forecasts: Float[Tensor, "time target"], truth: Float[Tensor, "time target"],
                   names: Sequence[str]) -> None:  # fmt: skip
    """Plot forecasts of the longest horizon and the true values, for up to six columns."""
    shown, forecast, future = list(names)[:6], forecasts.numpy(), truth.numpy()
    with picture(path, 9, 2.2 * len(shown) + 0.4) as figure:
        for place, name in enumerate(shown):
            axes = figure.add_subplot(len(shown), 1, place + 1)
            axes.plot(future[:, place], color="black", linewidth=1.0, label="true")
            axes.plot(forecast[:, place], color="tab:blue", linewidth=1.2, label="forecast")
            axes.set(ylabel=name, xlabel="time step of the test split" if place == len(shown) - 1 else "")
            _plain(axes)
            if not place:
                axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper right")


def draw_images(path: Path, images: Float[np.ndarray, "row height width channel"], titles: Sequence[str],
                columns: int = 6) -> None:  # fmt: skip
    """Plot images, with pixels between 0 and 255, in a grid, each under its title."""
    rows = -(-len(images) // columns)
    with picture(path, 1.5 * columns, 1.85 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, image, title in zip(grid.flat, images, titles, strict=False):
            shown = image[..., 0] if image.shape[-1] == 1 else image / 255
            axes.imshow(shown, cmap="gray", vmin=0, vmax=255 if image.shape[-1] == 1 else None)
            axes.set_title(title, fontsize=7)


def _plain(axes: Any) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
