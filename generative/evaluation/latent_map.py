"""Maps of where a model puts the rows of its data."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sandlot.tracking import SandlotError, picture

FEWEST = 10


def draw_latents(path: Path, codes: Float[Tensor, "row latent"], labels: list[str] | None, seed: int) -> Path:
    """Draw codes in two dimensions, by their principal components and by t-SNE, in the colours of their classes."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(codes) < FEWEST:
        raise SandlotError(f"a map needs at least {FEWEST} rows, and there are {len(codes)}")
    flat = codes.double().numpy()
    if flat.shape[1] == 1:
        flat = np.concatenate([flat, np.zeros_like(flat)], 1)
    components = PCA(2, random_state=seed)
    spread = components.fit_transform(flat)
    share = components.explained_variance_ratio_.sum()
    near = TSNE(2, perplexity=min(30, (len(flat) - 1) / 3), init="pca", random_state=seed).fit_transform(flat)
    with picture(path, 11, 5) as figure:
        left, right = figure.subplots(1, 2)
        left.set_title(f"principal components, {share:.0%} of the variance")
        right.set_title("t-SNE")
        for axes, points in ((left, spread), (right, near)):
            _scatter(axes, points, labels)
        if labels is not None:
            right.legend(frameon=False, fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5))
    return path


def _scatter(axes, points: Float[np.ndarray, "row 2"], labels: list[str] | None) -> None:
    names = sorted(set(labels)) if labels is not None else [None]
    for place, name in enumerate(names):
        rows = slice(None) if labels is None or name is None else np.array(labels) == name
        colour = f"C{place}" if len(names) <= 10 else None
        axes.scatter(*points[rows].T, s=12, linewidths=0, alpha=0.8, label=name, color=colour)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
