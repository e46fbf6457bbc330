"""scikit-learn's estimators as bytes, without pickle."""

import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError

TREES = ["sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""Types that skops loads only if told so: their numbers are places in memory, which are checked below."""
LEAF = -1


def estimator_to_bytes(estimator: Any) -> bytes:
    """Return an estimator as `skops` writes it."""
    import skops.io

    return skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)


def estimator_from_bytes(data: bytes) -> Any:
    """Return what `estimator_to_bytes` wrote. Raises `SandlotError` if there is more in it than an estimator."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        estimator = skops.io.loads(data, trusted=TREES)
    except UntrustedTypesFoundException as error:
        raise SandlotError(f"this is not a model of ours: {str(error).splitlines()[0]}") from error
    features = getattr(estimator, "n_features_in_", 0)
    for left, right, feature in _trees(estimator):
        nodes = len(left)
        inner = left != LEAF
        children = np.concatenate([left[inner], right[inner]])
        if (
            (children < 0).any()
            or (children >= nodes).any()
            or not ((feature >= 0) & (feature < features))[inner].all()
        ):
            raise SandlotError("this model's trees point to where nothing is")
    return estimator


def _trees(estimator: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, for each tree, the left and right child of each node, or -1, and the feature that it looks at."""
    for tree in getattr(estimator, "estimators_", ()):
        yield tree.tree_.children_left, tree.tree_.children_right, tree.tree_.feature
    for stage in getattr(estimator, "_predictors", ()):
        for tree in stage:
            nodes = tree.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left, right = (np.where(leaf, LEAF, nodes[side].astype(np.int64)) for side in ("left", "right"))
            yield left, right, nodes["feature_idx"]
