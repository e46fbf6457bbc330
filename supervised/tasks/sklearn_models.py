"""scikit-learn's models as tasks: the same record, splits and metrics as the networks'."""

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
from sandlot.supervised.modalities.config import TextConfig
from sandlot.supervised.modalities.tokenizer import Tokenizer
from sandlot.supervised.modalities.vectors import flatten_inputs
from sandlot.supervised.optimization.components import Stateful
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.targets import TARGET, ClassTarget, NumberTarget, Target
from sandlot.tracking import SandlotError, json_object

from .prediction import PredictionTask
from .sklearn_io import estimator_from_bytes, estimator_to_bytes

Kind = tuple[type[Target], str, str, dict[str, Any]]
SKLEARN_MODELS: dict[str, Kind] = {
    "logistic-regression": (ClassTarget, "linear_model", "LogisticRegression", {"max_iter": 1000}),
    "random-forest": (ClassTarget, "ensemble", "RandomForestClassifier", {"n_estimators": 200}),
    "svm": (ClassTarget, "svm", "SVC", {}),
    "gradient-boosting": (ClassTarget, "ensemble", "HistGradientBoostingClassifier", {}),
    "k-means": (ClassTarget, "cluster", "KMeans", {}),
    # Brute force: the trees of the other algorithms have no format that can be loaded safely.
    "nearest-neighbours": (ClassTarget, "neighbors", "KNeighborsClassifier", {"algorithm": "brute"}),
    "linear-regression": (NumberTarget, "linear_model", "Ridge", {}),
    "random-forest-regressor": (NumberTarget, "ensemble", "RandomForestRegressor", {"n_estimators": 200}),
    "svm-regressor": (NumberTarget, "svm", "SVR", {}),
    "gradient-boosting-regressor": (NumberTarget, "ensemble", "HistGradientBoostingRegressor", {}),
}
"""For each model's name: what it predicts, its module and class in scikit-learn, and the options that we set."""
PREFIX = "sklearn:"


@dataclass(frozen=True, kw_only=True)
class SklearnConfig(DataConfig, TextConfig):
    """Hyperparameters of a scikit-learn model."""

    # What the fit loop asks of every config: here, one step on one batch of all rows.
    epochs: ClassVar[int] = 1
    accumulate: ClassVar[int] = 1
    patience: ClassVar[int] = 0
    validate_every: ClassVar[int] = 0
    checkpoint_every: ClassVar[int] = 0
    batch_size: ClassVar[int] = 10**9
    device: ClassVar[str] = "cpu"

    options: str = "{}"
    """Constructor arguments of the scikit-learn class, as JSON, such as '{"C": 10}'."""

    def __post_init__(self) -> None:
        DataConfig.__post_init__(self)
        TextConfig.__post_init__(self)
        json_object("--options", self.options)


class SklearnTask(PredictionTask):
    """Fit a scikit-learn model to all training rows in one step.

    Images become vectors of pixels, texts become token counts. `sklearn_task` makes a subclass for each model.
    """

    Config = SklearnConfig
    config: SklearnConfig
    estimator: ClassVar[tuple[str, str, dict[str, Any]]]

    def build(self) -> dict[str, Learner]:
        module, kind, ours = self.estimator
        options: dict[str, Any] = {**ours, **json_object("--options", self.config.options)}
        make = getattr(import_module(f"sklearn.{module}"), kind)
        if kind == "KMeans":
            options = {"n_clusters": 2 * self.target.outputs, **options}
        if "random_state" in make().get_params():
            options["random_state"] = self.seed
        try:
            self.model = SklearnModel(make(**options))
        except TypeError as error:
            raise SandlotError(f"--options: {error}") from error
        return {}

    def components(self) -> dict[str, Stateful]:
        return {"model": self.model}

    def train_step(self, batches: Sequence[Batch]) -> None:
        (batch,) = batches
        inputs, target = self._flatten(batch), batch[TARGET].numpy()
        try:
            self.model.fit(inputs, target, self.target.outputs)
        except ValueError as error:
            raise SandlotError(f"{self.name}: {error}") from error
        if self.config.options != "{}":
            try:
                estimator_from_bytes(estimator_to_bytes(self.model.estimator))
            except SandlotError as error:
                raise SandlotError(
                    f"{self.name}: with these --options it could not be loaded again: {error}"
                ) from error

    def outputs_of(self, batch: Batch) -> Float[Tensor, "row output"]:
        return torch.from_numpy(np.asarray(self.model.outputs(self._flatten(batch)), np.float32))

    def _flatten(self, batch: Batch) -> Float[np.ndarray, "row size"]:
        tokenizer = self.metadata["preprocessing"].get("tokenizer")
        return flatten_inputs(batch, len(Tokenizer(tokenizer)) if tokenizer else 0)


class SklearnModel:
    """A scikit-learn estimator and, if it clusters, the share of each class in each cluster."""

    def __init__(self, estimator: Any):
        self.estimator = estimator
        self.shares: np.ndarray | None = None

    def fit(self, inputs: np.ndarray, target: np.ndarray, outputs: int) -> None:
        """Fit to all rows."""
        if not hasattr(self.estimator, "cluster_centers_") and type(self.estimator).__name__ != "KMeans":
            self.estimator.fit(inputs, target)
            return
        cluster = self.estimator.fit_predict(inputs)
        counts = np.zeros((self.estimator.n_clusters, outputs))
        np.add.at(counts, (cluster, target), 1)
        self.shares = (counts + 1 / outputs) / (counts + 1 / outputs).sum(1, keepdims=True)

    def outputs(self, inputs: np.ndarray) -> Float[np.ndarray, "row output"]:
        """Return the logits of classes, or a number, for each row."""
        if self.shares is not None:
            return np.log(self.shares[self.estimator.predict(inputs)])
        if hasattr(self.estimator, "predict_proba"):
            return np.log(np.maximum(self.estimator.predict_proba(inputs), 1e-9))
        if hasattr(self.estimator, "decision_function"):
            margin = self.estimator.decision_function(inputs)
            return margin if margin.ndim > 1 else np.stack([-margin, margin], 1)
        return self.estimator.predict(inputs)[:, None]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the estimator, serialised."""
        state = {"estimator": torch.frombuffer(bytearray(estimator_to_bytes(self.estimator)), dtype=torch.uint8)}
        return state if self.shares is None else {**state, "shares": torch.from_numpy(self.shares)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state_dict` returned."""
        self.estimator = estimator_from_bytes(state["estimator"].numpy().tobytes(), type(self.estimator).__name__)
        self.shares = state["shares"].numpy() if "shares" in state else None


@cache
def sklearn_task(name: str) -> type[SklearnTask]:
    """Return the task class of the scikit-learn model called `name`, such as "sklearn:random-forest"."""
    target, module, kind, options = SKLEARN_MODELS[name.removeprefix(PREFIX)]
    attributes = {"name": name, "estimator": (module, kind, options), "target_kind": target, "monitor": target.monitor}
    return type(kind, (SklearnTask,), {"__module__": __name__, **attributes})
