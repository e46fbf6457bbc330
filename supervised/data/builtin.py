"""The data sets that come with scikit-learn."""

from typing import Any

import numpy as np

from .frame import Frame

BUILTIN = {
    "digits": "load_digits",
    "iris": "load_iris",
    "wine": "load_wine",
    "breast-cancer": "load_breast_cancer",
    "diabetes": "load_diabetes",
}
DARKEST = 16
"""Largest pixel value of scikit-learn's digits."""


def read_builtin(name: str) -> Frame:
    """Load the data set called `name`."""
    import sklearn.datasets

    bunch: Any = getattr(sklearn.datasets, BUILTIN[name])()
    classes = {}
    if name == "digits":
        pixels = np.round(bunch.images[..., None] * (255 / DARKEST)).astype(np.uint8)
        columns = {"image": pixels}
    else:
        columns = {feature: bunch.data[:, index] for index, feature in enumerate(bunch.feature_names)}
    if "target_names" in bunch:
        columns["label"] = bunch.target.astype(np.int64)
        classes["label"] = [str(name) for name in bunch.target_names]
    else:
        columns["target"] = bunch.target.astype(float)
    return Frame(name, columns, [(name, len(bunch.target))], classes)
