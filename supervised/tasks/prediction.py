"""What classifiers, regressors and scikit-learn's models share: a target column that is predicted from others."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sandlot.supervised.data import Batch, DataSplit, Frame, Subset, drop_duplicates, stratified_split
from sandlot.supervised.evaluation.worst_predictions import write_worst_predictions
from sandlot.supervised.modalities import MODALITIES, Modality, modality_of
from sandlot.supervised.modalities.modality import Backbone
from sandlot.supervised.targets import TARGET, Target, default_target_column
from sandlot.supervised.transfer.config import TransferConfig
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import SandlotError
from sandlot.tracking.common.intervals import Interval

from .base import Data, Task

PREDICTION_BATCH = 256
"""Rows that are predicted at a time."""


class PredictionTask(Task):
    """Predict one column of the data from others.

    What the column is, its `target_kind` says; what learns it, the subclass.

    Args:
        data, seed, config, **options: As for `Task`.
        start: A trained encoder to start from, in place of a new one.
    """

    target_kind: ClassVar[type[Target]]

    def __init__(self, data: Data | None, *, start: TrainedEncoder | None = None, config: Any = None, **options: Any):
        self.start = start
        config = self.Config() if config is None else config
        if start is not None:
            if not isinstance(config, TransferConfig):
                raise SandlotError(f"a {self.name} can't start from a trained encoder")
            config = start.applied_to(config)  # pyright: ignore[reportArgumentType, reportCallIssue]
        super().__init__(data, config=config, **options)

    @abstractmethod
    def outputs_of(self, batch: Batch) -> Float[Tensor, "row output"]:
        """Return the outputs for each row: logits, or a standardised number."""

    @property
    def target(self) -> Target:
        """The target column."""
        return self.target_kind.from_metadata(self.metadata)

    @property
    def modality(self) -> Modality:
        """The kind of inputs."""
        return MODALITIES[self.metadata["kind"]]

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        target = self.config.target or default_target_column(frame) or list(frame.columns)[-1]
        frame.column(target)
        columns = self.config.columns or tuple(name for name in frame.columns if name != target)
        if not columns or target in columns:
            raise SandlotError(f"{frame.name} needs columns other than {target!r} to predict it from")
        kind, columns = modality_of(frame, columns)
        return {"target": target, "kind": kind, "inputs": columns}

    def split_rows(self, frame: Frame) -> DataSplit:
        inputs, shares = self.metadata["inputs"], (self.config.validation_share, self.config.test_share)
        split = stratified_split(frame, inputs, self.target.strata(frame), *shares, self.seed)
        # A text or image that the source's own test split repeats is a duplicate. Rows of a table may be equal and
        # yet different cases.
        return split if self.metadata["kind"] == "tables" else drop_duplicates(split, frame, inputs)

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        target = self.target.fit(train)
        preprocessing = self.modality.fit(train, self.metadata["inputs"], self.config)
        if self.start is not None:
            preprocessing = self.start.adapt_preprocessing(preprocessing, self.metadata["kind"])
        return {"preprocessing": preprocessing, **target}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        return {**self.encode_inputs(frame), TARGET: self.target.encode(frame)}

    def encode_inputs(self, frame: Frame) -> dict[str, Tensor]:
        """Convert the inputs of each row to tensors."""
        return self.modality.encode(frame, self.metadata["preprocessing"])

    def new_backbone(self) -> Backbone:
        """Return a new network for the inputs, with the weights of the encoder to start from if there is one."""
        backbone = self.modality.backbone(self.metadata["preprocessing"], self.config)
        if self.start is not None:
            self.start.load_into(backbone)
        return backbone

    def outputs(self, subset: Subset) -> Float[Tensor, "row output"]:
        """Return the outputs for each row of a subset, on the CPU."""
        return torch.cat([self.outputs_of(batch).cpu() for batch in subset.batches(PREDICTION_BATCH)])

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        return self.target.metrics(self.outputs(subset), subset.column(TARGET))

    def compute_interval(self, subset: Subset, metrics: Mapping[str, float]) -> Interval:
        return self.target.interval(self.outputs(subset), subset.column(TARGET), metrics)

    def plot_evaluation(self, subset: Subset, folder: Path) -> dict[str, Path]:
        outputs, truth = self.outputs(subset), subset.column(TARGET)
        paths = self.target.plot(outputs, truth, folder)
        order, headings, cells = self.target.rank_errors(outputs, truth)
        if not len(order):
            return paths
        rows = subset.rows[order]
        return paths | write_worst_predictions(folder, self.frame, rows, self.metadata["inputs"], headings, cells)

    def predict(self, frame: Frame) -> list[dict[str, Any]]:
        columns = {name: column.to(self.device) for name, column in self.encode_inputs(frame).items()}
        self.train(False)
        with torch.no_grad():
            outputs = self.outputs(Subset("new", columns, np.arange(len(frame))))
        predictions = self.target.decode(outputs)
        return [{"row": frame.place(row), **prediction} for row, prediction in enumerate(predictions)]
