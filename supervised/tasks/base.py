"""The interface of tasks: what is fitted to data by gradient steps, and measured on held-out rows."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sandlot.supervised.data import Batch, Columns, DataSplit, Frame, Loader, Subset, load_frame
from sandlot.supervised.fitting.learning import learn
from sandlot.supervised.fitting.monitor import Best, Monitor
from sandlot.supervised.optimization.components import Stateful, component_tensors, load_components
from sandlot.supervised.optimization.device import choose_device
from sandlot.supervised.optimization.learner import Learner
from sandlot.supervised.optimization.random_state import random_state, seeded_rng
from sandlot.tracking import (
    TRAIN,
    Checkpoint,
    Run,
    SandlotError,
    derived_seed,
    options_from_json,
    read_checkpoint,
    with_options,
    write_checkpoint,
)
from sandlot.tracking.common.extensions import is_from_outside
from sandlot.tracking.common.intervals import Interval
from sandlot.tracking.common.memory import allocating

Data = str | Path | Frame
"""A data set's name, a file or folder, or rows that are already loaded."""


class Task(ABC):
    """Fit networks to a data set. The fit loop calls these methods and knows nothing else of a task.

    Rows are split before anything is computed from them: `fit_preprocessing` (class names, scales, vocabularies)
    sees the train split alone.

    Args:
        data: A data set's name, a file, a folder or a `Frame`. None makes an empty task for `restore` to fill.
        seed: Seed of the split, the initial weights and the order of batches.
        config: The hyperparameters; the defaults if None.
        **options: Fields of the config by name, which beat those of `config`.

    Example:
        >>> task = Classifier("digits", network="cnn", epochs=5).learn()
        >>> task.evaluate("test")["accuracy"]
        >>> task.save("digits-classifier"); Classifier.load("digits-classifier")

    To write your own, implement the abstract methods; `Classifier` is an example.
    """

    name: ClassVar[str]
    """Its name on the command line."""
    Config: ClassVar[Any]
    """Its frozen dataclass of hyperparameters, usually a `FitConfig`."""
    monitor: ClassVar[Monitor | None] = None
    """The validation metric that selects the best checkpoint; without one, the newest is used."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if is_from_outside(cls):
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    def __init__(self, data: Data | None, *, seed: int = 0, config: Any = None, **options: Any):
        self.config = with_options(self.Config() if config is None else config, options)
        self.seed = seed
        self.step = 0
        self.run: Run | None = None
        """The record of its latest training."""
        self.data_name = str(data) if isinstance(data, str | Path) else None
        self.best: Best | None = None
        self.validations_since_best = 0
        self.metadata: dict[str, Any] = {}
        """What is needed of the data to build the networks and to encode more of it, as JSON."""
        self.source: dict[str, Any] = {}
        """The data set's name and fingerprint."""
        self.columns: Columns = {}
        self.split: DataSplit | None = None
        if data is not None:
            frame = self._read(data)
            self.metadata = self.find_columns(frame)
            self.split = self.split_rows(frame)
            self.metadata |= self.fit_preprocessing(frame.take(self.split.rows("train")))
            self._encode_frame(frame)
            self._build()

    @abstractmethod
    def find_columns(self, frame: Frame) -> dict[str, Any]:
        """Return the roles of the data's columns (inputs, target), as metadata."""

    @abstractmethod
    def split_rows(self, frame: Frame) -> DataSplit:
        """Assign each row to the train, validation or test split."""

    @abstractmethod
    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        """Compute what `encode` and `build` need from the train split, as metadata."""

    @abstractmethod
    def encode(self, frame: Frame) -> dict[str, Tensor]:
        """Convert the rows of `frame` to tensors."""

    @abstractmethod
    def build(self) -> dict[str, Learner]:
        """Build new learners, by name, for `metadata` and `config`."""

    @abstractmethod
    def train_step(self, batches: Sequence[Batch]) -> None:
        """Take a gradient step on a batch, given as `config.accumulate` micro-batches."""

    @abstractmethod
    def compute_metrics(self, subset: Subset) -> dict[str, float]:
        """Compute the metrics of the current networks on `subset`, by name. Gradients and dropout are off."""

    def compute_interval(self, subset: Subset, metrics: Mapping[str, float]) -> Interval | None:
        """Return the 95 % confidence interval of the monitored metric on `subset`, whose `metrics` are given.

        None if rows are not independent, as the overlapping windows of a time series or a text are not.
        """
        return None

    def plot_samples(self, folder: Path) -> dict[str, Path]:
        """Plot, at each validation, into new files in `folder`, and return them by name."""
        return {}

    def plot_evaluation(self, subset: Subset, folder: Path) -> dict[str, Path]:
        """Plot, after training, the results on `subset` into new files in `folder`, and return them by name."""
        return {}

    def predict(self, frame: Frame) -> list[dict[str, Any]]:
        """Return a prediction for each row of `frame`, as named values."""
        raise SandlotError(f"a {self.name} makes no predictions for new rows")

    def forward_pass(self, name: str, batch: Batch) -> None:
        """Run `batch` through the networks of the learner called `name`, to observe its layers."""
        self.learners[name].module(batch)

    def loader(self) -> Loader:
        """Return the loader of training batches."""
        return Loader(self.columns, self.subset("train").rows, self.config.batch_size, self.seed)

    @property
    def device(self) -> torch.device:
        """The device it trains on."""
        return choose_device(self.config.device)

    def subset(self, name: str) -> Subset:
        """Return the train, validation or test split. Raises `SandlotError` if the task was loaded without data."""
        if self.split is None:
            raise SandlotError(f"this {self.name} was loaded without its data")
        return Subset(name, self.columns, self.split.rows(name))

    def components(self) -> dict[str, Stateful]:
        """Return the stateful components of a checkpoint: modules and optimizers, by name."""
        modules = {name: learner.module for name, learner in self.learners.items()}
        return {**modules, **{f"{name}-optimizer": learner for name, learner in self.learners.items()}}

    def metrics(self) -> dict[str, float]:
        """Return the means of the learners' metrics since the last call. This waits for the device."""
        prefixes = {name: f"{TRAIN}{name}/" if len(self.learners) > 1 else TRAIN for name in self.learners}
        read = {name: learner.metrics() for name, learner in self.learners.items()}
        return {f"{prefixes[name]}{key}": value for name, row in read.items() for key, value in row.items()}

    def anneal(self, progress: float) -> None:
        """Update the schedules for the fraction `progress` of the training."""
        for learner in self.learners.values():
            learner.anneal(progress)

    def prepare(self, steps: int) -> None:
        """Prepare to train for `steps` gradient steps in all."""
        for learner in self.learners.values():
            learner.prepare(steps)

    def finish(self) -> None:
        """Compute, when training ends with the best weights restored, what else the task needs of its data."""
        return

    def notes(self, metrics: Mapping[str, float]) -> list[str]:
        """Return what a user should know of a trained task with these `metrics`: a sentence each."""
        return []

    def thread_context(self) -> AbstractContextManager[None]:
        """Return a context with as many CPU threads as pay off for the largest network."""
        largest = max(self.learners.values(), key=lambda learner: learner.flat.numel(), default=None)
        return nullcontext() if largest is None else largest.threads()

    def train(self, learning: bool) -> None:
        """Set the networks to training mode or, if not `learning`, to evaluation mode."""
        for learner in self.learners.values():
            learner.module.train(learning)

    def learn(
        self,
        epochs: int | None = None,
        record: Run | str | Path | None = None,
        *,
        until: int | None = None,
        **unknown: Any,
    ) -> Self:
        """Train for `epochs` more (by default the config's), or `until` as many in all, and restore the best weights.

        `record` is the folder to create a run in, as `sandlot train` does, such as "runs"; or an open `Run`.
        """
        learn(self, epochs, until, record, unknown)
        return self

    def evaluate(self, name: str = "test") -> dict[str, float]:
        """Return the metrics on the train, validation or test split."""
        subset = self.subset(name)
        if not len(subset):
            raise SandlotError(f"{self.source['name']} has no rows in the {name} split")
        with self._evaluation_mode():
            return self.compute_metrics(subset)

    def interval(self, metrics: Mapping[str, float], name: str = "test") -> Interval | None:
        """Return the 95 % interval of the monitored metric, if it has one, on a split whose `metrics` are given."""
        with self._evaluation_mode():
            return self.compute_interval(self.subset(name), metrics)

    def rebuild(self, **options: Any) -> None:
        """Build new, untrained networks, with some fields of the config replaced."""
        self.config = with_options(self.config, options)
        self._build()

    def save(self, folder: str | Path) -> None:
        """Save the task to `folder`, as safetensors and JSON."""
        write_checkpoint(Path(folder), self.tensors(), self.state())

    @classmethod
    def load(cls, folder: str | Path, data: Data | None = None) -> Self:
        """Load a task that `save` wrote. Give it the `data` it was trained on to evaluate it or train on."""
        return cls.restore(read_checkpoint(Path(folder)), data)

    @classmethod
    def restore(cls, checkpoint: Checkpoint, data: Data | None = None) -> Self:
        """Restore a task from a checkpoint. Raises `SandlotError` if `data` is not what it was trained on."""
        state = checkpoint.state
        if state.get("task") != cls.name:
            raise SandlotError(f"this is a checkpoint of a {state.get('task')!r}, not of a {cls.name!r}")
        task = cls(None, seed=state["seed"], config=options_from_json(cls.Config, state["config"]))
        for key in ("step", "validations_since_best", "metadata", "source"):
            setattr(task, key, state[key])
        task.best = Best(**state["best"]) if state["best"] else None
        if data is not None:
            frame = task._read(data)
            if task.source != state["source"]:
                raise SandlotError(f"{frame.name} has changed since this training began")
            task.split = DataSplit(checkpoint.tensors["split"])
            task._encode_frame(frame)
        task._build()
        task.load_tensors(checkpoint.tensors)
        return task

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the tensors of a checkpoint: components, the split, and the state of the random generators."""
        split = {} if self.split is None else {"split": self.split.assignment}
        return {
            **component_tensors(self.components()),
            **split,
            **{f"random.{key}": state for key, state in self.random.items()},
        }

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Restore what `tensors` returned."""
        load_components(self.components(), tensors)
        prefix = "random."
        self.random = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}

    def state(self) -> dict[str, Any]:
        """Return the JSON state of a checkpoint."""
        return {
            "task": self.name,
            "seed": self.seed,
            "step": self.step,
            "best": self.best._asdict() if self.best else None,
            "validations_since_best": self.validations_since_best,
            "source": self.source,
            "metadata": self.metadata,
            "config": dataclasses.asdict(self.config),
        }

    @contextmanager
    def _evaluation_mode(self) -> Iterator[None]:
        """Switch dropout and gradients off, and seed random numbers so that each evaluation draws the same."""
        self.train(False)
        with torch.no_grad(), self.thread_context(), seeded_rng(derived_seed(self.seed, 2)):
            yield

    def _read(self, data: Data) -> Frame:
        frame = data if isinstance(data, Frame) else load_frame(data, self.config)
        self.source = {"name": frame.name, "fingerprint": frame.fingerprint()}
        self.unreadable = frame.unreadable
        return frame

    def _encode_frame(self, frame: Frame) -> None:
        self.frame = frame
        self.columns = {name: column.to(self.device) for name, column in self.encode(frame).items()}

    def _build(self) -> None:
        with seeded_rng(derived_seed(self.seed, 3)):
            with allocating(f"a {self.name} of this size", "hidden, or what else makes its networks large"):
                self.learners = self.build()
            self.random = random_state()
