"""Pictures of how well predictions fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.tracking import picture

from .metrics import BINS

MOST_CURVES = 10
MOST_WRITTEN = 25
"""Classes up to which a confusion matrix has its counts written in."""


def draw_confusion(path: Path, predicted: Int[Tensor, "row"], labels: Int[Tensor, "row"], classes: list[str]) -> None:
    """Draw how many rows of each class were taken for which, coloured by the share of the class."""
    count = len(classes)
    matrix = torch.bincount(labels * count + predicted, minlength=count**2).view(count, count).numpy()
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = min(max(4.0, 0.5 * count), 14.0)
    with picture(path, side + 1.5, side + 0.5) as figure:
        axes = figure.add_subplot()
        figure.colorbar(axes.imshow(share, cmap="Blues", vmin=0, vmax=1), ax=axes, label="share of the true class")
        axes.set(xlabel="predicted", ylabel="true", title=f"{np.trace(matrix)} of {matrix.sum()} right")
        axes.set_xticks(range(count), classes, rotation=90 if max(map(len, classes)) > 2 else 0, fontsize=8)
        axes.set_yticks(range(count), classes, fontsize=8)
        for row, column in np.argwhere(matrix > 0) if count <= MOST_WRITTEN else []:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(matrix[row, column]), ha="center", va="center", fontsize=7, color=colour)


def draw_roc(path: Path, probabilities: Float[Tensor, "row class"], labels: Int[Tensor, "row"],
             classes: list[str]) -> None:  # fmt: skip
    """Draw the share of a class that is found over the share of the others that is taken for it, for each class.

    Of more than ten classes, those with the smallest area under the curve are shown.
    """
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
    last = torch.cat([score[order].diff() != 0, torch.tensor([True])])
    rates = [torch.cat([torch.zeros(1), part.cumsum(0)[last] / part.sum()]) for part in (1 - found, found)]
    return rates[0], rates[1]


def draw_reliability(path: Path, probabilities: Float[Tensor, "row class"], labels: Int[Tensor, "row"]) -> None:
    """Draw how often predictions are right over how sure the network is of them (Guo et al., 2017, figure 1)."""
    confidence, predicted = probabilities.max(-1)
    right = (predicted == labels).float()
    place = (confidence * BINS).long().clamp(max=BINS - 1)
    count = torch.bincount(place, minlength=BINS)
    accuracy = torch.bincount(place, right, minlength=BINS) / count.clamp(min=1)
    count, accuracy = count.numpy(), accuracy.numpy()
    centres = (np.arange(BINS) + 0.5) / BINS
    with picture(path, 5, 5.5) as figure:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        axes.bar(centres, accuracy, 0.92 / BINS, color="tab:blue", label="right")
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":", label="as sure as right")
        axes.set(ylabel="share that is right", title="reliability", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        below.bar(centres, count, 0.92 / BINS, color="tab:grey")
        below.set(xlabel="confidence", ylabel="rows")
        for part in (axes, below):
            _plain(part)


def draw_residuals(path: Path, predicted: Float[Tensor, "row"], true: Float[Tensor, "row"], name: str) -> None:
    """Draw predictions over what is true, and how the errors are spread."""
    prediction, target = predicted.numpy(), true.numpy()
    with picture(path, 9, 4) as figure:
        left, right = figure.subplots(1, 2)
        left.scatter(target, prediction, s=10, alpha=0.6, linewidths=0)
        low, high = min(target.min(), prediction.min()), max(target.max(), prediction.max())
        left.plot([low, high], [low, high], color="grey", linewidth=0.8, linestyle=":")
        left.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
        right.scatter(prediction, prediction - target, s=10, alpha=0.6, linewidths=0)
        right.axhline(0, color="grey", linewidth=0.8, linestyle=":")
        right.set(xlabel=f"predicted {name}", ylabel="error")
        for axes in (left, right):
            _plain(axes)


def draw_forecasts(path: Path, forecasts: Float[Tensor, "time target"], came: Float[Tensor, "time target"],
                   names: Sequence[str]) -> None:  # fmt: skip
    """Draw forecasts of the longest horizon beside what came, for up to six columns."""
    shown, forecast, future = list(names)[:6], forecasts.numpy(), came.numpy()
    with picture(path, 9, 2.2 * len(shown) + 0.4) as figure:
        for place, name in enumerate(shown):
            axes = figure.add_subplot(len(shown), 1, place + 1)
            axes.plot(future[:, place], color="black", linewidth=1.0, label="what came")
            axes.plot(forecast[:, place], color="tab:blue", linewidth=1.2, label="forecast")
            axes.set(ylabel=name, xlabel="row of the test" if place == len(shown) - 1 else "")
            _plain(axes)
            if not place:
                axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper right")


def draw_images(path: Path, images: Float[np.ndarray, "row height width channel"], titles: Sequence[str],
                columns: int = 6) -> None:  # fmt: skip
    """Draw images, with pixels between 0 and 255, in a grid, each under its title."""
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
