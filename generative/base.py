"""What all generative models do: read rows of data, make new ones, and plot them."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.supervised.data import Batch, DataSplit, Frame, Subset, rows_of, stratified_split
from sandlot.supervised.fitting.fit import fit
from sandlot.supervised.modalities import MODALITIES
from sandlot.supervised.modalities.augmentation import augment_images
from sandlot.supervised.modalities.columns import IMAGE, TABLE
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.tasks.base import Task
from sandlot.tracking import SandlotError, derived_seed

from .arrays import as_pixels, frame_of, is_array_like, to_columns
from .config import GenerativeConfig
from .labels import class_names, find_columns, fit_inputs, hold_out_class, ordered_classes, refuse_unseen_classes
from .memory import rows_at_a_time, size_notes, sized
from .metrics import evaluating
from .networks import truncated_normal
from .plots import SampleGrid, comparison_grid, plot_grid

LABEL = "label"
PLOTTED_SAMPLES, PLOTTED_RECONSTRUCTIONS = 64, 32
SAMPLE_SEED = 4

Rows = Float[Tensor, "row ..."]
"""Images with pixels between 0 and 1, or standardized rows of a table."""
Latent = Float[Tensor, "row latent"]
Label = Int[Tensor, "row"] | Float[Tensor, "row class"] | None
"""The class of each row, or the weights of all classes."""
ConfigT = TypeVar("ConfigT", bound=GenerativeConfig)


class GenerativeModel(Task, Generic[ConfigT]):
    """A model that learns to make rows like those of its data: images of one shape, or table rows.

    A subclass builds its networks (`build`), learns (`train_step`, `measure`) and decodes latent vectors (`decode`).
    If it has an encoder, it sets `has_encoder` and defines `embed`, and reconstructions, latent maps, anomaly
    detection and compression work with it.
    """

    config: ConfigT

    has_encoder: ClassVar[bool] = False
    """Whether rows can be encoded, as an autoencoder does."""
    spherical_prior: ClassVar[bool] = True
    """Whether latent vectors lie close to a sphere, as normal ones do, so that they are interpolated along an arc."""

    def __init__(self, data: Any = None, *, seed: int = 0, config: Any = None, **options: Any):
        super().__init__(data, seed=seed, config=config, **options)

    @abstractmethod
    def decode(self, latent: Latent, label: Label = None) -> Rows:
        """Return the row for each latent vector; of the class `label`, if the model is conditional."""

    def sample_prior(self, count: int) -> Latent:
        """Draw new latent vectors: standard normal ones, if not overridden."""
        return torch.randn(count, self.config.latent_size, device=self.device)

    @torch.no_grad()
    def sample(self, count: int, label: Label = None, *, mean: bool = False, truncation: float | None = None) -> Rows:
        """Generate rows with torch's random numbers.

        Of the classes `label`, if the model is conditional: by default all in turn. `mean` leaves out the spread of
        rows around what is decoded, if the model has learned one. `truncation` draws latent values from -truncation
        to truncation alone, which is less varied (Brock et al., 2019).
        """
        with self.inference_mode():
            latent = self.sample_prior(count) if truncation is None else self.truncated_prior(count, truncation)
            label = self.cycle_labels(count) if label is None else label
            rows = self.decode(latent, label)
            return rows if mean else self.add_noise(rows)

    def add_noise(self, rows: Rows) -> Rows:
        """Return decoded `rows` as draws from p(x|z), if the model has learned how far these spread."""
        return rows

    def truncated_prior(self, count: int, truncation: float) -> Latent:
        """Draw new latent vectors from a normal distribution without its tails."""
        if type(self).sample_prior is not GenerativeModel.sample_prior:
            raise SandlotError(f"the latent vectors of a {self.name} are not normal, so they can't be truncated")
        return truncated_normal((count, self.config.latent_size), truncation, self.device)

    def inference_mode(self) -> AbstractContextManager[None]:
        """Switch dropout and batch statistics off, and back to what they were."""
        if not self.metadata:
            raise SandlotError(f"this {self.name} has not learned yet; call fit first")
        return evaluating([learner.module for learner in self.learners.values()])

    def embed(self, batch: Batch) -> Latent:
        """Return the latent vector of each row of a batch, without noise. Only models with an encoder can."""
        raise SandlotError(f"a {self.name} has no encoder")

    def reconstruct(self, batch: Batch) -> Rows:
        """Return the rows of a batch after encoding and decoding."""
        return self.decode(self.embed(batch), batch.get(LABEL))

    def embed_part(self, subset: Subset) -> tuple[Latent, Label]:
        """Return the latent vector of each row of a part of the data, and its class if there are classes."""
        latent = torch.cat([self.embed(batch) for batch in self.batches(subset)])
        labels = subset.columns[LABEL][torch.from_numpy(subset.rows)] if LABEL in subset.columns else None
        return latent, labels

    def fit(self, x: Any, y: Any = None, epochs: int | None = None) -> Self:
        """Learn anew from the rows of an array, tensor, torch data set or other data, of the classes `y` if given."""
        data = frame_of(x, y) if is_array_like(x) else x
        GenerativeModel.__init__(self, data, seed=self.seed, config=self.config)
        return self.learn(epochs)

    def partial_fit(self, x: Any, y: Any = None, epochs: int | None = None) -> Self:
        """Train for further `epochs` on more rows, which are scaled as the first ones were."""
        if not self.metadata:
            return self.fit(x, y, epochs)
        frame = self._read(frame_of(x, y) if is_array_like(x) else x)
        self.split = self.split_rows(frame)
        self._encode_frame(frame)
        self.best, self.validations_since_best = None, 0
        fit(self, self.step + (epochs or self.config.epochs) * self.loader().steps_per_epoch)
        return self

    def rows_given(self, x: Any, y: Any = None) -> Subset:
        """Return new rows, given like those to `fit`, as the model reads them."""
        columns = self.encode(as_pixels(frame_of(x, y) if is_array_like(x) else x))
        columns = {name: column.to(self.device) for name, column in columns.items()}
        return Subset("given", columns, np.arange(len(next(iter(columns.values())))))

    @torch.no_grad()
    def transform(self, x: Any, y: Any = None) -> Latent:
        """Return the latent vector of each row of an array."""
        with self.inference_mode():
            return self.embed_part(self.rows_given(x, y))[0]

    @torch.no_grad()
    def score_samples(self, x: Any, y: Any = None) -> Float[Tensor, "row"]:
        """Return how well the model knows each row of an array: the log-likelihood bound, or minus the error."""
        with self.inference_mode(), seeded_rng(derived_seed(self.seed, SAMPLE_SEED)):
            return torch.cat([self.row_scores(batch) for batch in self.batches(self.rows_given(x, y))])

    def row_scores(self, batch: Batch) -> Float[Tensor, "row"]:
        """Return minus the squared error of each row's reconstruction, if not overridden."""
        return -(self.reconstruct(batch) - self.inputs(batch)).square().flatten(1).sum(1)

    def score(self, x: Any, y: Any = None) -> float:
        """Return the mean of `score_samples` over the rows of an array; higher is better."""
        return self.score_samples(x, y).mean().item()

    def inverse_transform(self, rows: Rows) -> dict[str, np.ndarray]:
        """Return generated rows in the units of the data, by column: bytes [row, height, width, channel] of images."""
        return to_columns(rows, self.metadata)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row: (channels, height, width) of an image, or (columns,) of a table."""
        return tuple(self.metadata["shape"])

    @property
    def makes_images(self) -> bool:
        """Whether its rows are images."""
        return self.metadata["kind"] == "images"

    @property
    def classes(self) -> list[str]:
        """Names of the classes in the training data, if it has any."""
        return self.metadata["classes"]

    @property
    def is_conditional(self) -> bool:
        """Whether it can be asked for rows of a class."""
        return False

    @property
    def num_conditions(self) -> int:
        """Number of classes that it can be asked for; 0 for an unconditional model."""
        return len(self.classes) if self.is_conditional else 0

    def find_columns(self, frame: Frame) -> dict[str, Any]:
        return find_columns(frame, self.config, self.name)

    def split_rows(self, frame: Frame) -> DataSplit:
        names = class_names(frame, self.metadata["label"])
        strata = np.zeros(len(frame)) if names is None else names
        if self.config.augment and self.metadata["kind"] != "images":
            raise SandlotError(f"--augment changes images, and {frame.name} is a table")
        shares = (self.config.validation_share, self.config.test_share)
        split = stratified_split(frame, self.metadata["inputs"], strata, *shares, self.seed)
        if self.is_conditional and names is not None:
            refuse_unseen_classes(split, names, frame.name)
        held_out = self.config.held_out
        return hold_out_class(split, held_out, names, frame.name) if held_out else split

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        label = self.metadata["label"]
        names = class_names(train, label)
        classes = [] if names is None else ordered_classes(train.classes.get(label), set(names))
        if self.is_conditional and not classes:
            raise SandlotError(f"{train.name} has no column of classes to condition on; name one with --target")
        if self.is_conditional and self.config.held_out:
            raise SandlotError("a conditional model can't have a class held out")
        preprocessing, shape = fit_inputs(train, self.metadata, self.config)
        return {"preprocessing": preprocessing, "shape": shape, "classes": classes}

    def _read(self, data: Any) -> Frame:
        return as_pixels(super()._read(frame_of(data) if is_array_like(data) else data))

    def encode(self, frame: Any, y: Any = None) -> Any:
        """Return the latent vectors of an array's rows; of a frame, its columns as tensors.

        The column `label` has the index of each row's class in `classes`, -1 for the one that was held out, and lower
        numbers for others that training lacks (see `class_of`).
        """
        if not isinstance(frame, Frame):
            return self.transform(frame, y)
        columns = MODALITIES[self.metadata["kind"]].encode(frame, self.metadata["preprocessing"])
        names = class_names(frame, self.metadata["label"])
        if names is None:
            return columns
        index_of = {name: index for index, name in enumerate(self.classes)}
        self.unseen_classes = sorted(set(names.tolist()) - {*index_of, self.config.held_out})
        index_of |= {name: -2 - index for index, name in enumerate(self.unseen_classes)}
        return {**columns, LABEL: torch.tensor([index_of.get(name, -1) for name in names.tolist()])}

    def class_of(self, label: int) -> str:
        """Return the name of the class that has the index `label` in a batch."""
        if label >= 0:
            return self.classes[label]
        return self.config.held_out if label == -1 else self.unseen_classes[-2 - label]

    def inputs(self, batch: Batch) -> Rows:
        """Return the rows of a batch as the model reads them."""
        return batch[IMAGE].float() / 255 if self.makes_images else batch[TABLE]

    def augment(self, batch: Batch) -> Batch:
        """Return a training batch with its images augmented as the config says."""
        if self.config.augment and self.makes_images:
            return {**batch, IMAGE: augment_images(batch[IMAGE], self.config.augment)}
        return batch

    def fixed_batch(self, name: str, count: int) -> Batch:
        """Return up to `count` rows of a part of the data: random ones, but the same at each call."""
        return rows_of(self.columns, torch.from_numpy(self.some_rows(name, count).rows))

    def first_with_rows(self, *names: str) -> str:
        """Return the first of the named parts of the data that has rows."""
        return next(name for name in names if len(self.subset(name)))

    def some_rows(self, name: str, count: int) -> Subset:
        """Return up to `count` rows of a part of the data: drawn by the seed, so that their order tells nothing."""
        subset = self.subset(name)
        rng = np.random.default_rng(derived_seed(self.seed, SAMPLE_SEED))
        return Subset(name, subset.columns, rng.permutation(subset.rows)[:count])

    @property
    def evaluation_part(self) -> str:
        return self.first_with_rows("test", "validation", "train")

    def batches(self, subset: Subset) -> Iterator[Batch]:
        """Yield the rows of a subset, as many at a time as fit into memory."""
        return subset.batches(rows_at_a_time(self.shape, self.config))

    def _build(self) -> None:
        asked, self.config = self.config, sized(self.config, self.shape)
        self.resized = self.config != asked
        super()._build()

    def notes(self, metrics: Mapping[str, float]) -> list[str]:
        """Return what a user should know of the trained model, and what to do about it."""
        return size_notes(self.shape, self.config, self.resized, self.has_encoder)

    def cycle_labels(self, count: int) -> Label:
        """Return `count` labels that go through all classes in turn; None for an unconditional model."""
        return torch.arange(count, device=self.device) % self.num_conditions if self.is_conditional else None

    def plot_samples(self, folder: Path) -> dict[str, Path]:
        """Plot samples, and reconstructions if there is an encoder; of the same noise and rows at each call."""
        self.train(False)
        with torch.no_grad(), self.thread_context(), seeded_rng(derived_seed(self.seed, SAMPLE_SEED)):
            grids = self.sample_grids()
            data = self.inputs(self.fixed_batch("train", 1 if self.makes_images else 1000))
        return {name: plot_grid(folder / f"{name}.png", grid, data) for name, grid in grids.items()}

    def plot_evaluation(self, subset: Subset, folder: Path) -> dict[str, Path]:
        return self.plot_samples(folder)

    def sample_grids(self) -> dict[str, SampleGrid]:
        """Return what to plot, by name: samples, and validation rows above their reconstructions."""
        most = rows_at_a_time(self.shape, self.config)
        grids = {"samples": SampleGrid(self.sample(min(PLOTTED_SAMPLES, most)), self.num_conditions or 8)}
        if self.has_encoder:
            batch = self.fixed_batch(self.first_with_rows("validation", "train"), min(PLOTTED_RECONSTRUCTIONS, most))
            grids["reconstructions"] = comparison_grid(self.inputs(batch), self.reconstruct(batch))
        return grids
