"""Anomaly detection: how unlike the training rows others are, by an autoencoder."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sandlot.generative.base import LABEL, GenerativeModel, Latent
from sandlot.generative.metrics import EVAL_BATCH_SIZE
from sandlot.generative.plots import to_pixels
from sandlot.supervised.data import Batch
from sandlot.supervised.evaluation.plots import draw_images, roc
from sandlot.tracking import SandlotError, picture

PLOTTED = 12
"""Rows with the highest scores that are plotted, and as many with the lowest."""
REFERENCE_ROWS = 5000
"""Training rows, at most, that an `AnomalyScorer` is fitted to."""
EPSILON = 1e-9
NEIGHBOURS = 5
"""The distance to the so many-th nearest code counts."""
FLOOR = 1e-3
"""Added to errors and distances, as a fraction of their means, so that those of 0 have a logarithm."""

PerRow = Float[Tensor, "row"]


class AnomalyScores(NamedTuple):
    """The anomaly score of each test row, and which rows are of the class that was held out."""

    score: PerRow
    is_anomaly: Bool[Tensor, "row"]
    unseen: dict[str, PerRow]
    """The scores of test rows of other classes that training lacks, by class; they are not among the others."""
    rows: Int[np.ndarray, "row"]
    """The scored rows' places in the data."""

    @property
    def auroc(self) -> float:
        """Probability that a row of the held-out class scores higher than another row."""
        return auroc(self.score, self.is_anomaly)

    def auroc_of(self, unseen: str) -> float:
        """Probability that a row of another class that training lacks scores higher than one of a known class."""
        known, other = self.score[~self.is_anomaly], self.unseen[unseen]
        return auroc(torch.cat([known, other]), torch.arange(len(known) + len(other)) >= len(known))


def auroc(score: PerRow, positive: Bool[Tensor, "row"]) -> float:
    """Return the area under the ROC curve of a score."""
    false_positive_rate, true_positive_rate = roc(score, positive)
    return float(torch.trapezoid(true_positive_rate, false_positive_rate))


class AnomalyScorer:
    """Score how anomalous rows are for an autoencoder, relative to reference rows that it was trained on.

    The score is the sum of two terms, each standardized over the reference rows: the logarithms of the squared
    reconstruction error, and of the distance of the code to its fifth nearest of the reference rows.

    Source of the second: Sun et al., "Out-of-distribution detection with deep nearest neighbors", 2022.
    """

    def __init__(self, model: GenerativeModel, reference: Batch):
        self.model = model
        parts = [self._errors_and_codes(batch) for batch in _split(reference)]
        errors, self._codes = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        neighbours = min(NEIGHBOURS, len(self._codes) - 1)
        distances = self._distances(self._codes, neighbours + 1)  # of which the nearest is the row itself
        self._neighbours = neighbours
        self._floors = torch.stack([errors.mean(), distances.mean()]).mul(FLOOR).clamp(min=EPSILON)[:, None]
        terms = (torch.stack([errors, distances]) + self._floors).log()
        self._mean, self._std = terms.mean(1, keepdim=True), terms.std(1, keepdim=True).clamp(min=EPSILON)

    def score(self, batch: Batch) -> PerRow:
        """Return the anomaly score of each row; the mean of rows like the reference is 0."""
        errors, codes = self._errors_and_codes(batch)
        terms = (torch.stack([errors, self._distances(codes, self._neighbours)]) + self._floors).log()
        return ((terms - self._mean) / self._std).sum(0)

    def _errors_and_codes(self, batch: Batch) -> tuple[PerRow, Latent]:
        """Return the rows' squared errors and codes."""
        codes = self.model.embed(batch)
        difference = self.model.decode(codes, batch.get(LABEL)) - self.model.inputs(batch)
        return difference.square().flatten(1).sum(1), codes

    def _distances(self, codes: Latent, neighbour: int) -> PerRow:
        """Return the distance of each code to its so many-th nearest reference code."""
        chunks = codes.split(EVAL_BATCH_SIZE)
        return torch.cat([torch.cdist(chunk, self._codes).kthvalue(neighbour, dim=1).values for chunk in chunks])


def score_anomalies(model: GenerativeModel) -> AnomalyScores:
    """Score the test rows of an autoencoder that was trained with a class held out."""
    held_out = model.config.held_out
    if not held_out:
        raise SandlotError("this model was trained on all classes; train one with --held-out CLASS")
    subset = model.subset("test")
    if not len(subset):
        raise SandlotError("the data has no test rows to score; train with a --test-share above 0")
    scorer = AnomalyScorer(model, model.fixed_batch("train", REFERENCE_ROWS))
    score = torch.cat([scorer.score(batch) for batch in model.batches(subset)]).cpu()
    label = subset.column(LABEL)
    unseen = {model.class_of(index): score[label == index] for index in sorted({*label[label < -1].tolist()})}
    compared = label >= -1
    score, is_anomaly = score[compared], (label == -1)[compared]
    if is_anomaly.all() or not is_anomaly.any():
        raise SandlotError(f"the test has {'only' if is_anomaly.all() else 'no'} rows of the class {held_out!r}")
    return AnomalyScores(score, is_anomaly, unseen, subset.rows[compared.numpy()])


def plot_extremes(path: Path, model: GenerativeModel, scores: AnomalyScores) -> Path:
    """Plot the test images with the highest and the lowest anomaly scores, titled by class and score."""
    subset = model.subset("test")
    order = scores.score.argsort(descending=True)
    chosen = torch.cat([order[:PLOTTED], order[-PLOTTED:]])
    rows = torch.from_numpy(scores.rows[chosen.numpy()])
    batch = {name: column[rows.to(column.device)] for name, column in subset.columns.items()}
    labels = [model.class_of(label) for label in batch[LABEL].tolist()]
    titles = [f"{name} ({score:.3g})" for name, score in zip(labels, scores.score[chosen].tolist(), strict=True)]
    draw_images(path, to_pixels(model.inputs(batch)).astype(np.float32), titles)
    return path


def plot_scores(path: Path, scores: AnomalyScores, held_out: str) -> Path:
    """Plot histograms of the scores of the held-out class and of the others."""
    low, high = scores.score.min().item(), scores.score.quantile(0.995).item()
    bins = np.linspace(low, high, 30)
    with picture(path, 6, 3.5) as figure:
        axes = figure.add_subplot()
        for name, rows in (("known classes", ~scores.is_anomaly), (f"{held_out} (held out)", scores.is_anomaly)):
            axes.hist(scores.score[rows].clamp(max=high).tolist(), bins, density=True, alpha=0.6, label=name)
        axes.set(xlabel="anomaly score", ylabel="density", title=f"AUROC {scores.auroc:.3f}")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return path


def _split(batch: Batch) -> list[Batch]:
    columns = (column.split(EVAL_BATCH_SIZE) for column in batch.values())
    return [dict(zip(batch, parts, strict=True)) for parts in zip(*columns, strict=True)]
