"""What is fitted to data: its learners, its training step, its measures and its pictures."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sandlot.supervised.data import Batch, Columns, Frame, Loader, Part, Split, load_frame
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

Data = str | Path | Frame
"""A data set's name, a file or folder, or rows that were read."""


class Task(ABC):
    """Something to fit to data. The fit loop calls its methods and knows nothing else of it.

    Rows are shared out before anything is learned from them: `fit_preprocessing` (classes, scales, words) sees the
    rows for training alone. Subclasses are final.
    """

    name: ClassVar[str]
    """What the command line calls it."""
    Config: ClassVar[Any]
    """Its frozen dataclass of hyperparameters, a `FitConfig`."""
    monitor: ClassVar[Monitor | None] = None
    """What the best checkpoint is best at; without a goal, it is the newest."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if is_from_outside(cls):
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    def __init__(self, data: Data | None, *, seed: int = 0, config: Any = None, **options: Any):
        """Make an untrained task for `data`; `options` are fields of the config by name, which beat `config`'s.

        Without data, it is an empty shell that `restore` fills.
        """
        self.config = with_options(self.Config() if config is None else config, options)
        self.seed = seed
        self.step = 0
        self.best: Best | None = None
        self.stale = 0
        """Validations since the best."""
        self.metadata: dict[str, Any] = {}
        """What must be known of the data to build the modules and to read more of it, as JSON."""
        self.source: dict[str, Any] = {}
        """The data set's name and fingerprint."""
        self.columns: Columns = {}
        self.split: Split | None = None
        if data is not None:
            frame = self._read(data)
            self.metadata = self.find_columns(frame)
            self.split = self.split_rows(frame)
            self.metadata |= self.fit_preprocessing(frame.take(self.split.rows("train")))
            self._take_in(frame)
            self._build()

    @abstractmethod
    def find_columns(self, frame: Frame) -> dict[str, Any]:
        """Return which of the data's columns play which role."""

    @abstractmethod
    def split_rows(self, frame: Frame) -> Split:
        """Return which rows are for training, validation and test."""

    @abstractmethod
    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        """Return what there is to know of the rows for training."""

    @abstractmethod
    def encode(self, frame: Frame) -> dict[str, Tensor]:
        """Return the rows of `frame` as tensors."""

    @abstractmethod
    def build(self) -> dict[str, Learner]:
        """Return new learners, by name, for `metadata` and `config`."""

    @abstractmethod
    def train_step(self, batches: Sequence[Batch]) -> None:
        """Learn from a batch, which is in as many pieces as `config.accumulate` says."""

    @abstractmethod
    def measure(self, part: Part) -> dict[str, float]:
        """Return how well it does on some rows, by name."""

    def interval_of(self, part: Part, measures: Mapping[str, float]) -> Interval | None:
        """Return the interval of the goal's measure on some rows, whose `measures` are given.

        There is none where rows are not drawn one by one: windows of a series or a text overlap or go together.
        """
        return None

    def plot_samples(self, folder: Path) -> dict[str, Path]:
        """Draw, at each validation, how it does into new files in `folder`, and return them by name."""
        return {}

    def draw(self, part: Part, folder: Path) -> dict[str, Path]:
        """Draw, when it has learned, how well it does on some rows into new files in `folder`; return them by name."""
        return {}

    def predict(self, frame: Frame) -> list[dict[str, Any]]:
        """Return what it says of each row of new data, in words."""
        raise SandlotError(f"a {self.name} says nothing of new rows")

    def pass_through(self, name: str, batch: Batch) -> None:
        """Send a batch through the networks of the learner called `name`, for those who watch the layers."""
        self.learners[name].module(batch)

    def loader(self) -> Loader:
        """Return the batches to learn from."""
        return Loader(self.columns, self.part("train").rows, self.config.batch_size, self.seed)

    @property
    def device(self) -> torch.device:
        """Where it learns."""
        return choose_device(self.config.device)

    def part(self, name: str) -> Part:
        """Return the rows for training, validation or test."""
        if self.split is None:
            raise SandlotError(f"this {self.name} was loaded without its data")
        return Part(name, self.columns, self.split.rows(name))

    def components(self) -> dict[str, Stateful]:
        """Return all that learns, by name: what a checkpoint holds."""
        modules = {name: learner.module for name, learner in self.learners.items()}
        return {**modules, **{f"{name}-optimizer": learner for name, learner in self.learners.items()}}

    def metrics(self) -> dict[str, float]:
        """Return the means of what the learners measured since the last call. This waits for the device."""
        prefixes = {name: f"{TRAIN}{name}/" if len(self.learners) > 1 else TRAIN for name in self.learners}
        read = {name: learner.metrics() for name, learner in self.learners.items()}
        return {f"{prefixes[name]}{key}": value for name, row in read.items() for key, value in row.items()}

    def anneal(self, progress: float) -> None:
        """Set what changes over a training, for the fraction `progress` of it."""
        for learner in self.learners.values():
            learner.anneal(progress)

    def prepare(self, steps: int) -> None:
        """Get ready to train until `steps` steps in all."""
        for learner in self.learners.values():
            learner.prepare(steps)

    def thread_context(self) -> AbstractContextManager[None]:
        """Return a context with as many CPU threads as the learners are worth."""
        largest = max(self.learners.values(), key=lambda learner: learner.flat.numel(), default=None)
        return nullcontext() if largest is None else largest.threads()

    def train(self, learning: bool) -> None:
        """Let what differs between learning and use (dropout, batch normalisation) learn, or not."""
        for learner in self.learners.values():
            learner.module.train(learning)

    def learn(self, epochs: int | None = None, run: Run | None = None) -> Self:
        """Train for `epochs` in all, or as many as the config says, and take up the best; record it in `run`."""
        from sandlot.supervised.fitting.fit import fit

        fit(self, None if epochs is None else epochs * self.loader().steps_per_epoch, run=run)
        return self

    def evaluate(self, name: str = "test") -> dict[str, float]:
        """Return how well it does on a part of its data."""
        part = self.part(name)
        if not len(part):
            raise SandlotError(f"{self.source['name']} has no rows for the {name}")
        with self._in_use():
            return self.measure(part)

    def interval(self, measures: Mapping[str, float], name: str = "test") -> Interval | None:
        """Return the 95 % interval of the goal's measure, if it has one, on a part whose `measures` are given."""
        with self._in_use():
            return self.interval_of(self.part(name), measures)

    def rebuild(self, **options: Any) -> None:
        """Begin anew, with some fields of the config replaced."""
        self.config = with_options(self.config, options)
        self._build()

    def save(self, folder: str | Path) -> None:
        """Write it to `folder`, as safetensors and JSON."""
        write_checkpoint(Path(folder), self.tensors(), self.state())

    @classmethod
    def load(cls, folder: str | Path, data: Data | None = None) -> Self:
        """Return what `save` wrote to `folder`, with the `data` it was trained on if that is given."""
        return cls.restore(read_checkpoint(Path(folder)), data)

    @classmethod
    def restore(cls, checkpoint: Checkpoint, data: Data | None = None) -> Self:
        """Return the task in `checkpoint`, with the `data` it was trained on if that is given."""
        state = checkpoint.state
        if state.get("task") != cls.name:
            raise SandlotError(f"this is a checkpoint of the kind {state.get('task')!r}, not {cls.name!r}")
        task = cls(None, seed=state["seed"], config=options_from_json(cls.Config, state["config"]))
        task.step, task.stale, task.metadata, task.source = (
            state[key] for key in ("step", "stale", "metadata", "source")
        )
        task.best = Best(**state["best"]) if state["best"] else None
        if data is not None:
            frame = task._read(data)
            if task.source != state["source"]:
                raise SandlotError(f"{frame.name} is not what it was when this training began")
            task.split = Split(checkpoint.tensors["split"])
            task._take_in(frame)
        task._build()
        task.load_tensors(checkpoint.tensors)
        return task

    def tensors(self) -> dict[str, np.ndarray]:
        """Return all that was learned, the part of each row, and the state of the random generators."""
        split = {} if self.split is None else {"split": self.split.part_of}
        return {
            **component_tensors(self.components()),
            **split,
            **{f"random.{key}": state for key, state in self.random.items()},
        }

    def load_tensors(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Take up what `tensors` returned."""
        load_components(self.components(), tensors)
        prefix = "random."
        self.random = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs beside the tensors."""
        return {
            "task": self.name,
            "seed": self.seed,
            "step": self.step,
            "best": self.best._asdict() if self.best else None,
            "stale": self.stale,
            "source": self.source,
            "metadata": self.metadata,
            "config": dataclasses.asdict(self.config),
        }

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Learn nothing while in the context, and draw the same random numbers in each."""
        self.train(False)
        with torch.no_grad(), self.thread_context(), seeded_rng(derived_seed(self.seed, 2)):
            yield

    def _read(self, data: Data) -> Frame:
        frame = data if isinstance(data, Frame) else load_frame(data, self.config)
        self.source = {"name": frame.name, "fingerprint": frame.fingerprint()}
        self.left_out = frame.left_out
        return frame

    def _take_in(self, frame: Frame) -> None:
        self.frame = frame
        self.columns = {name: column.to(self.device) for name, column in self.encode(frame).items()}

    def _build(self) -> None:
        with seeded_rng(derived_seed(self.seed, 3)):
            self.learners = self.build()
            self.random = random_state()
