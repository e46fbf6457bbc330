"""scikit-learn's learners, in the same record, on the same rows, by the same measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Batch, DataConfig
from sandlot.supervised.modalities.config import ReadingConfig
from sandlot.supervised.modalities.tokenizer import Tokenizer
from sandlot.supervised.modalities.vectors import vectors
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner
from sandlot.tracking import SandlotError, json_object

from .classification import Classifying
from .prediction import TARGET, PredictingTask
from .regression import Regressing
from .sklearn_models import estimator_from_bytes, estimator_to_bytes

Kind = tuple[type[PredictingTask], str, str, dict[str, Any]]
ESTIMATORS: dict[str, Kind] = {
    "logistic-regression": (Classifying, "linear_model", "LogisticRegression", {"max_iter": 1000}),
    "random-forest": (Classifying, "ensemble", "RandomForestClassifier", {"n_estimators": 200}),
    "svm": (Classifying, "svm", "SVC", {}),
    "gradient-boosting": (Classifying, "ensemble", "HistGradientBoostingClassifier", {}),
    "k-means": (Classifying, "cluster", "KMeans", {}),
    # By comparing all with all: trees of points are no format that can be loaded safely.
    "nearest-neighbours": (Classifying, "neighbors", "KNeighborsClassifier", {"algorithm": "brute"}),
    "linear-regression": (Regressing, "linear_model", "Ridge", {}),
    "random-forest-regressor": (Regressing, "ensemble", "RandomForestRegressor", {"n_estimators": 200}),
    "svm-regressor": (Regressing, "svm", "SVR", {}),
    "gradient-boosting-regressor": (Regressing, "ensemble", "HistGradientBoostingRegressor", {}),
}
"""For each learner's name: what it predicts, its module and class in scikit-learn, and what we set."""
PREFIX = "sklearn:"


@dataclass(frozen=True, kw_only=True)
class BaselineConfig(DataConfig, ReadingConfig):
    """How a learner of scikit-learn learns."""

    # What the fit loop asks of all tasks: one step on one batch of all rows.
    epochs: ClassVar[int] = 1
    accumulate: ClassVar[int] = 1
    patience: ClassVar[int] = 0
    validate_every: ClassVar[int] = 0
    checkpoint_every: ClassVar[int] = 0
    batch_size: ClassVar[int] = 10**9
    device: ClassVar[str] = "cpu"

    options: str = "{}"
    """Options of scikit-learn's class, as JSON: '{"C": 10}'."""

    def __post_init__(self) -> None:
        DataConfig.__post_init__(self)
        ReadingConfig.__post_init__(self)
        json_object("--options", self.options)


class Baseline(PredictingTask):
    """A learner of scikit-learn, which takes all rows in one step. Images are vectors of pixels, texts of counts."""

    Config = BaselineConfig
    config: BaselineConfig
    estimator: ClassVar[tuple[str, str, dict[str, Any]]]

    def build(self) -> dict[str, Learner]:
        module, kind, ours = self.estimator
        options: dict[str, Any] = {**ours, **json_object("--options", self.config.options)}
        make = getattr(import_module(f"sklearn.{module}"), kind)
        if kind == "KMeans":
            options = {"n_clusters": 2 * self.outputs, **options}
        if "random_state" in make().get_params():
            options["random_state"] = self.seed
        try:
            self.model = Model(make(**options))
        except TypeError as error:
            raise SandlotError(f"--options: {error}") from error
        return {}

    def components(self) -> dict[str, Stateful]:
        return {"model": self.model}

    def train_step(self, batches: Sequence[Batch]) -> None:
        (batch,) = batches
        inputs, target = self._vectors(batch), batch[TARGET].numpy()
        try:
            self.model.fit(inputs, target, self.outputs)
        except ValueError as error:
            raise SandlotError(f"{self.name}: {error}") from error

    def outputs_of(self, batch: Batch) -> Float[Tensor, "row output"]:
        return torch.from_numpy(np.asarray(self.model.outputs(self._vectors(batch)), np.float32))

    def _vectors(self, batch: Batch) -> Float[np.ndarray, "row size"]:
        metadata = self.metadata["reading"].get("tokenizer")
        return vectors(batch, len(Tokenizer(metadata)) if metadata else 0)


class Model:
    """An estimator of scikit-learn, and what its clusters stand for if it is one that makes such."""

    def __init__(self, estimator: Any):
        self.estimator = estimator
        self.shares: np.ndarray | None = None

    def fit(self, inputs: np.ndarray, target: np.ndarray, outputs: int) -> None:
        """Learn from all rows."""
        if not hasattr(self.estimator, "cluster_centers_") and type(self.estimator).__name__ != "KMeans":
            self.estimator.fit(inputs, target)
            return
        cluster = self.estimator.fit_predict(inputs)
        counts = np.zeros((self.estimator.n_clusters, outputs))
        np.add.at(counts, (cluster, target), 1)
        self.shares = (counts + 1 / outputs) / (counts + 1 / outputs).sum(1, keepdims=True)

    def outputs(self, inputs: np.ndarray) -> Float[np.ndarray, "row output"]:
        """Return logits of classes, or numbers."""
        if self.shares is not None:
            return np.log(self.shares[self.estimator.predict(inputs)])
        if hasattr(self.estimator, "predict_proba"):
            return np.log(np.maximum(self.estimator.predict_proba(inputs), 1e-9))
        if hasattr(self.estimator, "decision_function"):
            margin = self.estimator.decision_function(inputs)
            return margin if margin.ndim > 1 else np.stack([-margin, margin], 1)
        return self.estimator.predict(inputs)[:, None]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the estimator as bytes."""
        written = {"estimator": torch.frombuffer(bytearray(estimator_to_bytes(self.estimator)), dtype=torch.uint8)}
        return written if self.shares is None else {**written, "shares": torch.from_numpy(self.shares)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state_dict` returned."""
        self.estimator = estimator_from_bytes(state["estimator"].numpy().tobytes())
        self.shares = state["shares"].numpy() if "shares" in state else None


@cache
def baseline(name: str) -> type[Baseline]:
    """Return the class of the task that scikit-learn's learner called `name` is."""
    target, module, kind, options = ESTIMATORS[name.removeprefix(PREFIX)]
    return type(kind, (Baseline, target), {"__module__": __name__, "name": name, "estimator": (module, kind, options)})
