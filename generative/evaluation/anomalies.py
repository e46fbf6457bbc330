"""Rows that are unlike those that a model has learned from."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sandlot.generative.autoencoders.base import EXAMINED, Autoencoder
from sandlot.generative.base import LABEL
from sandlot.generative.plots import to_pixels
from sandlot.supervised.data import Batch
from sandlot.supervised.evaluation.plots import draw_images, roc
from sandlot.tracking import SandlotError, picture

SHOWN = 12
KNOWN = 5000
"""Rows, of those learned from, that tell what is usual."""
TINY = 1e-9
LEAST_ERROR, LEAST_SPREAD = 0.25, 1e-3
"""What is added to each number's usual error, as a share of the mean over numbers, and how narrow codes may lie, as a
share of their widest direction: where nothing ever was, everything would be infinitely strange."""


class Anomalies(NamedTuple):
    """How strange each row of the test is, and which ones are of the class that was held out."""

    score: Float[Tensor, "row"]
    strange: Bool[Tensor, "row"]

    @property
    def auroc(self) -> float:
        """How often a row of the class that was held out is stranger than another row."""
        return auroc(self.score, self.strange)


def auroc(score: Float[Tensor, "row"], positive: Bool[Tensor, "row"]) -> float:
    """Return the area under the curve of the true over the false positive rate."""
    false, true = roc(score, positive)
    return float(torch.trapezoid(true, false))


def pieces(batch: Batch) -> list[Batch]:
    """Return a batch in pieces that are small enough to look at."""
    columns = (column.split(EXAMINED) for column in batch.values())
    return [dict(zip(batch, parts, strict=True)) for parts in zip(*columns, strict=True)]


class Usual:
    """What is usual of rows that a model has learned from, beside which others are strange.

    A row is strange if its reconstruction is wrong where it seldom is, or if its code is far from the known ones. The
    first is the squared error, each number's divided by what is usual for that number; the second Mahalanobis's
    distance. Each is standardised over known rows, and they are added.

    Source of the second: Denouden et al., "Improving reconstruction autoencoder out-of-distribution detection with
    Mahalanobis distance", 2018.
    """

    def __init__(self, model: Any, known: Batch):
        self.model = model
        looks = [self._look(batch) for batch in pieces(known)]
        error, code = (torch.cat(parts) for parts in zip(*looks, strict=True))
        mean_error = error.mean(0)
        self._error = (mean_error + LEAST_ERROR * mean_error.mean()).clamp(min=TINY)
        self._center = code.mean(0)
        spread, directions = torch.linalg.eigh(torch.cov(code.T).reshape(len(code[0]), -1))
        self._whiten = directions / spread.clamp(min=max(LEAST_SPREAD * spread.max().item(), TINY)).sqrt()
        both = self._both(error, code)
        self._mean, self._std = both.mean(1, keepdim=True), both.std(1, keepdim=True).clamp(min=TINY)

    def score(self, batch: Batch) -> Float[Tensor, "row"]:
        """Return how strange rows are; those that were learned from are at 0 on average."""
        return ((self._both(*self._look(batch)) - self._mean) / self._std).sum(0)

    def _look(self, batch: Batch) -> tuple[Float[Tensor, "row number"], Float[Tensor, "row latent"]]:
        """Return the squared error of each number of each row, and the rows' codes."""
        code = self.model.latent(batch)
        rows = self.model.rows(batch)
        return (self.model.decode(code, batch.get(LABEL)) - rows).square().flatten(1), code

    def _both(self, error: Float[Tensor, "row number"], code: Float[Tensor, "row latent"]) -> Float[Tensor, "2 row"]:
        distance = ((code - self._center) @ self._whiten).square().sum(1)
        return torch.stack([(error / self._error).sum(1), distance])


def find_anomalies(model: Autoencoder) -> Anomalies:
    """Score the rows of the test, with the model of a training that held a class out."""
    if not model.config.held_out:
        raise SandlotError("this model has learned from all classes; train one with --held-out CLASS")
    subset = model.subset("test")
    usual = Usual(model, model.some("train", KNOWN))
    score = torch.cat([usual.score(batch) for batch in subset.batches(EXAMINED)]).cpu()
    strange = subset.columns[LABEL][torch.from_numpy(subset.rows)].cpu() == -1
    if strange.all() or not strange.any():
        which = "only" if strange.all() else "no"
        raise SandlotError(f"the test has {which} rows of the class {model.config.held_out!r}")
    return Anomalies(score, strange)


def draw_strangest(path: Path, model: Autoencoder, found: Anomalies) -> Path:
    """Draw the strangest rows of the test, and the least strange ones, with their scores."""
    subset = model.subset("test")
    order = found.score.argsort(descending=True)
    chosen = torch.cat([order[:SHOWN], order[-SHOWN:]])
    rows = torch.from_numpy(subset.rows[chosen.numpy()])
    batch = {name: column[rows.to(column.device)] for name, column in subset.columns.items()}
    names = [*model.classes, model.config.held_out]
    labels = [names[place] for place in batch[LABEL].tolist()]
    titles = [f"{name} ({score:.3g})" for name, score in zip(labels, found.score[chosen].tolist(), strict=True)]
    draw_images(path, to_pixels(model.rows(batch)).astype(np.float32), titles)
    return path


def draw_scores(path: Path, found: Anomalies, held_out: str) -> Path:
    """Draw how the scores of the class that was held out lie among those of the others."""
    low, high = found.score.min().item(), found.score.quantile(0.995).item()
    bins = np.linspace(low, high, 30)
    with picture(path, 6, 3.5) as figure:
        axes = figure.add_subplot()
        for name, rows in (("known classes", ~found.strange), (f"{held_out}, held out", found.strange)):
            axes.hist(found.score[rows].clamp(max=high).tolist(), bins, density=True, alpha=0.6, label=name)
        axes.set(xlabel="score", ylabel="density", title=f"area under the ROC curve {found.auroc:.3f}")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return path
