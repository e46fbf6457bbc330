"""What must hold of a loaded scikit-learn estimator before compiled code reads it, which checks no indices itself."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sandlot.tracking import SandlotError

LEAF = -1


def check_estimator(estimator: Any) -> None:
    """Raise `SandlotError` if an index in `estimator` is out of range, or its arrays don't fit each other."""
    features = getattr(estimator, "n_features_in_", None)
    for part in _parts(estimator):
        match type(part).__name__:
            case "Tree":
                _check_tree(part, features)
            case "DecisionTreeClassifier" | "DecisionTreeRegressor":
                tree = getattr(part, "tree_", None)
                _require(tree is None or part.n_features_in_ == tree.n_features == features, "trees of other inputs")
            case "TreePredictor":
                _check_predictor(part, estimator)
            case "SVC" | "SVR":
                _check_svm(part)
            case "KMeans" if hasattr(part, "cluster_centers_"):
                centers = part.cluster_centers_
                _require(_is_matrix(centers, len(centers), features) and len(centers) > 0, "centers of other inputs")
                _require(0 < part._n_threads <= 4096, "no number of threads")
            case "KNeighborsClassifier" if hasattr(part, "_fit_X"):
                _check_neighbours(part)


def _require(holds: Any, otherwise: str) -> None:
    if not holds:
        raise SandlotError(f"this model is damaged: it has {otherwise}")


def _parts(root: Any) -> Iterator[Any]:
    """Yield all that `root` consists of."""
    waiting, seen = [root], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple | set):
            waiting += part
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype == object else []
        elif type(part).__module__.startswith("sklearn."):
            yield part
            waiting += getattr(part, "__dict__", {}).values()


def _check_tree(tree: Any, features: int | None) -> None:
    _require(0 < tree.node_count == tree.capacity, "trees of another size")
    left, right = tree.children_left, tree.children_right
    _check_nodes(left, right, left == LEAF, tree.feature, features)
    _require((right[left == LEAF] == LEAF).all(), "nodes with one child")


def _check_predictor(predictor: Any, estimator: Any) -> None:
    nodes, features = predictor.nodes, getattr(estimator, "n_features_in_", None)
    leaf = nodes["is_leaf"].astype(bool)
    left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
    _check_nodes(left, right, leaf, nodes["feature_idx"].astype(np.int64), features)
    chosen = nodes[~leaf & nodes["is_categorical"].astype(bool)]
    if len(chosen):
        known = getattr(estimator, "is_categorical_", None)
        _require(known is not None and len(known) == features, "categories of no feature")
        _require(np.asarray(known)[chosen["feature_idx"]].all(), "categories of numbers")
        _require((chosen["bitset_idx"] < len(predictor.raw_left_cat_bitsets)).all(), "categories out of range")


def _check_nodes(left: np.ndarray, right: np.ndarray, leaf: np.ndarray, feature: np.ndarray, features: Any) -> None:
    """Check the children and the features of a tree's nodes: a child comes after its parent, so each path ends."""
    nodes = np.arange(len(left))
    good = len(left) > 0 and isinstance(features, int)
    for children in (left, right):
        good = good and bool(((children > nodes) & (children < len(nodes)))[~leaf].all())
    if not good or not ((feature >= 0) & (feature < features))[~leaf].all():
        raise SandlotError("the trees of this model have indices out of range")


def _check_svm(model: Any) -> None:
    if not hasattr(model, "support_vectors_"):
        return
    _require(not getattr(model, "_sparse", False), "sparse vectors")
    _require(model.kernel in ("linear", "poly", "rbf", "sigmoid"), f"the kernel {model.kernel!r}")
    count, per_class = len(model.support_vectors_), np.asarray(model._n_support)
    _require(_is_matrix(model.support_vectors_, count, model.n_features_in_), "vectors of other inputs")
    _require(per_class.ndim == 1 and (per_class >= 0).all(), "no number of vectors")
    classifies = type(model).__name__ == "SVC"
    _require(int(per_class.sum()) == count if classifies else int(per_class[0]) == count, "another number of vectors")
    classes = len(per_class) if classifies else 2
    pairs = classes * (classes - 1) // 2
    _require(classes >= 2 and model.support_.shape == (count,), "another number of vectors")
    for name, shape in (("dual_coef_", (classes - 1, count)), ("_dual_coef_", (classes - 1, count))):
        _require(_is_matrix(getattr(model, name), *shape), "coefficients of other vectors")
    for name in ("intercept_", "_intercept_"):
        _require(getattr(model, name).shape == (pairs,), "other intercepts")
    for name in ("_probA", "_probB"):
        _require(getattr(model, name, np.empty(0)).size in (0, pairs), "other probabilities")
    if classifies:
        _require(len(model.classes_) == classes and len(model.class_weight_) == classes, "other classes")


def _check_neighbours(model: Any) -> None:
    rows = len(model._fit_X)
    _require(_is_matrix(model._fit_X, rows, model.n_features_in_), "neighbours of other inputs")
    _require(model._fit_method == "brute" and model.n_samples_fit_ == rows > 0, "another number of neighbours")
    _require(isinstance(model.n_neighbors, int) and 0 < model.n_neighbors <= rows, "no number of neighbours")
    target = np.asarray(model._y)
    _require(target.shape == (rows,) and target.dtype.kind in "iu", "targets of other rows")
    _require(((target >= 0) & (target < len(model.classes_))).all(), "targets out of range")


def _is_matrix(array: Any, rows: int, columns: Any) -> bool:
    return isinstance(array, np.ndarray) and array.shape == (rows, columns) and array.dtype.kind == "f"
