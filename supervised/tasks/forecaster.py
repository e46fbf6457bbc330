"""Time-series forecasting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sandlot.supervised.data import Batch, DataSplit, Frame, Subset, ordered_split
from sandlot.supervised.data.frame import looks_numeric
from sandlot.supervised.encoder_builder import MEMORY_NETWORKS, EncoderConfig, build_vector_encoder
from sandlot.supervised.evaluation.metrics import regression_metrics
from sandlot.supervised.evaluation.plots import draw_forecasts
from sandlot.supervised.fitting.config import FitConfig
from sandlot.supervised.fitting.monitor import Monitor
from sandlot.supervised.networks import MLP, orthogonal
from sandlot.supervised.optimization.learner import Learner
from sandlot.tracking import SandlotError, require

from .base import Task

PAST, FUTURE = "past", "future"


@dataclass(frozen=True, kw_only=True)
class ForecasterConfig(FitConfig, EncoderConfig):
    """Hyperparameters of a forecaster."""

    learning_rate: float = 1e-3
    max_grad_norm: float = 1.0
    memory_length: int = 128
    epochs: int = 30
    window: int = 32
    """Time steps of the past that a forecast is based on."""
    horizon: int = 1
    """Time steps to forecast."""

    def __post_init__(self) -> None:
        FitConfig.__post_init__(self)
        EncoderConfig.__post_init__(self)
        for name in ("window", "horizon"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))


class ForecastNetwork(nn.Module):
    """Encode the past and predict the targets' change from their last value."""

    def __init__(self, columns: int, targets: Sequence[int], config: ForecasterConfig):
        super().__init__()
        name = "gru" if config.network == "auto" else config.network
        if name != "mlp" and name not in MEMORY_NETWORKS:
            raise SandlotError(
                f"the network {name!r} can't read time series; choose from {', '.join((*MEMORY_NETWORKS, 'mlp'))}"
            )
        size = columns * config.window if name == "mlp" else columns
        self.encoder = build_vector_encoder(name, size, config)
        self.head = orthogonal(nn.Linear(self.encoder.feature_size, config.horizon * len(targets)), gain=0.01)
        self.targets, self.horizon = list(targets), config.horizon

    @property
    def compiles(self) -> bool:
        """Whether a gradient step can be compiled whole."""
        return isinstance(self.encoder, MLP)

    def forward(self, batch: Batch) -> Float[Tensor, "row horizon target"]:
        """Return the standardised forecasts."""
        past = batch[PAST]
        if isinstance(self.encoder, MLP):
            features = self.encoder.encode(past.flatten(1))
        else:
            episode_start = torch.zeros(past.shape[1], len(past), dtype=torch.bool, device=past.device)
            memory = self.encoder.no_memory(len(past))
            features = self.encoder.features(past.transpose(0, 1), memory, episode_start)[-1]
        change = self.head(features).unflatten(-1, (self.horizon, len(self.targets)))
        return past[:, -1:, self.targets] + change


def forecast_loss(module: Callable[[Batch], Tensor], batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mean squared error of the standardised forecasts, and metrics."""
    loss = F.mse_loss(module(batch), batch[FUTURE])
    return loss, {"loss": loss.detach()}


class Forecaster(Task):
    """Forecast numeric columns from their past. The rows of the data are time steps, in order.

    The test split is the end of the series, the validation split comes before it, and no forecast spans two splits.

    Example:
        >>> task = Forecaster("series.csv", window=32, horizon=8).learn()
        >>> task.evaluate("test")
        {"rmse": …, …, "naive_rmse": …}
        >>> task.predict(load_frame("series.csv"))  # the next 8 time steps
    """

    name = "forecaster"
    Config = ForecasterConfig
    monitor = Monitor("rmse", higher=False)
    config: ForecasterConfig

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        numeric = [name for name, column in frame.columns.items() if looks_numeric(column)]
        columns = list(self.config.columns) or numeric
        targets = [self.config.target] if self.config.target else columns
        for name in (*columns, *targets):
            frame.numbers(name)
        if not columns:
            raise SandlotError(f"{frame.name} has no numeric column to forecast")
        return {"columns": list(dict.fromkeys([*columns, *targets])), "targets": targets}

    def split_rows(self, frame: Frame) -> DataSplit:
        split = ordered_split(len(frame), self.config.validation_share, self.config.test_share)
        least = self.config.window + self.config.horizon
        if len(self._complete(split.rows("train"))) < 1:
            raise SandlotError(
                f"{frame.name} has {len(frame)} rows, too few for a window of {self.config.window} and a "
                f"horizon of {self.config.horizon}; the train split needs {least}"
            )
        return split

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        scales = {}
        for name in self.metadata["columns"]:
            values = train.numbers(name)
            if name in self.metadata["targets"] and values.std() == 0:
                raise SandlotError(
                    f"the column {name!r} of {train.name} is always {values[0]:g}; there is nothing to forecast"
                )
            scales[name] = [float(values.mean()), float(values.std()) or 1.0]
        return {"scales": scales}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        window, horizon = self.config.window, self.config.horizon
        series = self._standardised(frame).to(self.device)
        # A row of the data stands for the forecast that ends with it: those before the first are padded.
        padded = F.pad(series, (0, 0, window + horizon - 1, 0))
        past = padded.unfold(0, window, 1).transpose(1, 2)[: len(series)]
        targets = [self.metadata["columns"].index(name) for name in self.metadata["targets"]]
        future = padded[window:, targets].unfold(0, horizon, 1).transpose(1, 2)
        return {PAST: past, FUTURE: future}

    def subset(self, name: str) -> Subset:
        subset = super().subset(name)
        return Subset(name, subset.columns, self._complete(subset.rows))

    def build(self) -> dict[str, Learner]:
        names = self.metadata["columns"]
        targets = [names.index(name) for name in self.metadata["targets"]]
        self.network = ForecastNetwork(len(names), targets, self.config)
        return {"network": Learner(self.network, forecast_loss, self.config, device=self.device)}

    def train_step(self, batches: Sequence[Batch]) -> None:
        self.learners["network"].step(*batches)

    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        forecast, future, past = self.forecasts(subset)
        metrics = regression_metrics(forecast.flatten(), future.flatten())
        naive = regression_metrics(past[:, -1:].expand_as(future).flatten(), future.flatten())
        return {**metrics, "naive_rmse": naive["rmse"]}

    def plot_evaluation(self, subset: Subset, folder: Path) -> dict[str, Path]:
        forecast, future, _ = self.forecasts(subset)
        draw_forecasts(folder / "forecasts.png", forecast[:, -1], future[:, -1], self.metadata["targets"])
        return {"forecasts": folder / "forecasts.png"}

    def predict(self, frame: Frame) -> list[dict[str, Any]]:
        """Return a forecast of the time steps that follow the last row of `frame`."""
        if len(frame) < self.config.window:
            raise SandlotError(f"{frame.name} has {len(frame)} rows; a forecast needs {self.config.window}")
        self.train(False)
        past = self._standardised(frame)[None, -self.config.window :].to(self.device)
        with torch.no_grad():
            forecast = self._in_units(self.network({PAST: past})[0].cpu())
        return [
            {"row": f"{frame.name}, {ahead} ahead", **dict(zip(self.metadata["targets"], values, strict=True))}
            for ahead, values in enumerate(forecast.tolist(), 1)
        ]

    def forecasts(self, subset: Subset) -> tuple[Tensor, Tensor, Tensor]:
        """Return the forecasts, the true future, and the past of the targets, in the units of the data."""
        targets = self.network.targets
        read = [(self.network(batch), batch[FUTURE], batch[PAST][:, :, targets]) for batch in subset.batches(512)]
        forecast, future, past = (self._in_units(torch.cat(pieces).cpu()) for pieces in zip(*read, strict=True))
        return forecast, future, past

    def _standardised(self, frame: Frame) -> Float[Tensor, "time column"]:
        names = self.metadata["columns"]
        scales = np.array([self.metadata["scales"][name] for name in names])
        values = np.stack([frame.numbers(name) for name in names], 1)
        return torch.from_numpy((values - scales[:, 0]) / scales[:, 1]).float()

    def _in_units(self, scaled: Float[Tensor, "*row target"]) -> Float[Tensor, "*row target"]:
        scales = torch.tensor([self.metadata["scales"][name] for name in self.metadata["targets"]])
        return scaled * scales[:, 1] + scales[:, 0]

    def _complete(self, rows: np.ndarray) -> np.ndarray:
        """Return the consecutive `rows` of a subset with which a forecast within that subset ends.

        In the validation and test split, the past of a forecast may reach back into the split before.
        """
        first = self.config.horizon - 1 if len(rows) and rows[0] > 0 else self.config.window + self.config.horizon - 1
        return rows[first:]
