"""Two-dimensional maps of a model's latent space."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from sandlot.generative.base import Latent
from sandlot.tracking import SandlotError, picture

MIN_ROWS = 10
SAME = 1e-5
"""Latent vectors whose spread is below this, as a fraction of their size, are all the same."""


def plot_latents(path: Path, latent: Latent, classes: Sequence[str] | None, seed: int) -> Path:
    """Plot latent vectors by their first two principal components and by t-SNE, coloured by class."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(latent) < MIN_ROWS:
        raise SandlotError(f"a latent map needs at least {MIN_ROWS} rows, and there are {len(latent)}")
    vectors = latent.double().numpy()
    if not np.isfinite(vectors).all() or vectors.std(0).max() < SAME * max(1.0, float(abs(vectors).max())):
        raise SandlotError(
            f"the latent vectors of all {len(latent)} rows are the same, so there is nothing to map: the rows are all "
            "alike, or the codes carry nothing (posterior collapse; a VAE with a lower --beta or --warm-up may learn)"
        )
    if vectors.shape[1] == 1:
        vectors = np.concatenate([vectors, np.zeros_like(vectors)], 1)
    components = PCA(2, random_state=seed)
    projected = components.fit_transform(vectors)
    explained = components.explained_variance_ratio_.sum()
    perplexity = min(30, (len(vectors) - 1) / 3)
    embedded = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)
    with picture(path, 11, 5) as figure:
        left, right = figure.subplots(1, 2)
        left.set_title(f"principal components, {explained:.0%} of the variance")
        right.set_title("t-SNE")
        for axes, points in ((left, projected), (right, embedded)):
            _scatter(axes, points, classes)
        if classes is not None:
            right.legend(frameon=False, fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5))
    return path


def _scatter(axes: Axes, points: Float[np.ndarray, "row 2"], classes: Sequence[str] | None) -> None:
    names = sorted(set(classes)) if classes is not None else [None]
    for index, name in enumerate(names):
        rows = slice(None) if classes is None or name is None else np.array(classes) == name
        color = f"C{index}" if len(names) <= 10 else None
        axes.scatter(*points[rows].T, s=12, linewidths=0, alpha=0.8, label=name, color=color)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
