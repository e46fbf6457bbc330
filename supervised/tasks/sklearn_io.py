"""Serialise scikit-learn estimators without pickle."""

import io
import json
import zipfile
from typing import Any

from sandlot.tracking import SandlotError

from .sklearn_checks import check_estimator

ESTIMATORS = frozenset(
    {
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.linear_model._ridge", "Ridge"),
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
        ("sklearn.ensemble._forest", "RandomForestRegressor"),
        ("sklearn.ensemble._hist_gradient_boosting.gradient_boosting", "HistGradientBoostingClassifier"),
        ("sklearn.ensemble._hist_gradient_boosting.gradient_boosting", "HistGradientBoostingRegressor"),
        ("sklearn.svm._classes", "SVC"),
        ("sklearn.svm._classes", "SVR"),
        ("sklearn.cluster._kmeans", "KMeans"),
        ("sklearn.neighbors._classification", "KNeighborsClassifier"),
    }
)
"""What we write."""
PARTS = ESTIMATORS | {
    ("sklearn.tree._classes", "DecisionTreeClassifier"),
    ("sklearn.tree._classes", "DecisionTreeRegressor"),
    ("sklearn.tree._tree", "Tree"),
    ("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"),
    ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
    ("sklearn.preprocessing._label", "LabelEncoder"),
}
"""What these consist of, beside losses, numbers and arrays."""
LOSSES = ("sklearn._loss.loss", "sklearn._loss.link", "sklearn._loss._loss")
PLAIN = ("builtins", "numpy", "numpy.random._generator", "numpy.random.mtrand", "numpy.random._pcg64")
PLAIN_LOADERS = (
    "DictNode", "ListNode", "TupleNode", "SetNode", "JsonNode", "TypeNode", "NdArrayNode", "RandomGeneratorNode",
    "RandomStateNode",
)  # fmt: skip
TREES = ["sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""Types that skops loads only if trusted: their numbers are array indices, which `check_estimator` checks."""


def estimator_to_bytes(estimator: Any) -> bytes:
    """Serialise an estimator with `skops`."""
    import skops.io

    return skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)


def estimator_from_bytes(data: bytes, kind: str | None = None) -> Any:
    """Load what `estimator_to_bytes` wrote: an estimator of the class `kind`, if given.

    Raises `SandlotError` if it holds anything but one of our estimators, or one that compiled code would trip over.
    """
    import skops.io

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read("schema.json"))
        root = (schema["__module__"], schema["__class__"])
        if root not in ESTIMATORS or kind not in (None, root[1]):
            raise SandlotError(f"this is not a model that Sandlot saved: it is a {root[1]}")
        _check_types(schema)
        estimator = skops.io.loads(data, trusted=TREES)
        check_estimator(estimator)
    except SandlotError:
        raise
    except Exception as error:  # whatever a damaged archive makes of it
        said = (str(error).strip().splitlines() or [""])[0]
        raise SandlotError(f"this is not a model that Sandlot saved: {type(error).__name__}: {said}") from error
    return estimator


def _check_types(schema: Any) -> None:
    """Raise `SandlotError` unless all types in a skops schema are ours."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "__loader__" in node and not _is_ours(node.get("__module__"), node.get("__class__"), node["__loader__"]):
                held = f"{node.get('__module__')}.{node.get('__class__')}"
                raise SandlotError(f"this is not a model that Sandlot saved: it holds a {held}")
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _is_ours(module: Any, name: Any, loader: Any) -> bool:
    if loader in ("ObjectNode", "TreeNode"):
        return (module, name) in PARTS or (loader == "ObjectNode" and module in LOSSES)
    if loader == "LossNode":
        return module in LOSSES
    return loader in PLAIN_LOADERS and module in PLAIN
