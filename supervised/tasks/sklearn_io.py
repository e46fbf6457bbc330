"""Serialise scikit-learn estimators without pickle."""

import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError

TREES = ["sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""Types that skops loads only if trusted: their numbers are array indices, which are checked below."""
LEAF = -1


def estimator_to_bytes(estimator: Any) -> bytes:
    """Serialise an estimator with `skops`."""
    import skops.io

    return skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)


def estimator_from_bytes(data: bytes) -> Any:
    """Load what `estimator_to_bytes` wrote. Raises `SandlotError` if it holds anything but a scikit-learn estimator."""
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        estimator = skops.io.loads(data, trusted=TREES)
    except UntrustedTypesFoundException as error:
        raise SandlotError(f"this is not a model that Sandlot saved: {str(error).splitlines()[0]}") from error
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
            raise SandlotError("the trees of this model have indices out of range")
    return estimator


def _trees(estimator: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield, for each tree, each node's left and right child, or -1, and the feature it splits on."""
    for tree in getattr(estimator, "estimators_", ()):
        yield tree.tree_.children_left, tree.tree_.children_right, tree.tree_.feature
    for stage in getattr(estimator, "_predictors", ()):
        for tree in stage:
            nodes = tree.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left, right = (np.where(leaf, LEAF, nodes[side].astype(np.int64)) for side in ("left", "right"))
            yield left, right, nodes["feature_idx"]
