"""What all generative models do: read rows of data, make new ones, and plot them."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sandlot.supervised.data import Batch, Frame, Part, Split, rows_of, stratified_split
from sandlot.supervised.modalities import MODALITIES, modality_of
from sandlot.supervised.modalities.augmentation import augmented
from sandlot.supervised.modalities.columns import IMAGE, TABLE
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.supervised.tasks.base import Task
from sandlot.supervised.tasks.prediction import TARGETS
from sandlot.tracking import SandlotError, derived_seed

from .config import GenerativeConfig
from .labels import class_names, hold_out_class, ordered_classes
from .metrics import EVAL_BATCH_SIZE
from .plots import SampleGrid, comparison_grid, plot_grid

LABEL = "label"
PLOTTED_SAMPLES, PLOTTED_RECONSTRUCTIONS = 64, 32
SAMPLE_SEED = 4

Rows = Float[Tensor, "row ..."]
"""Images with pixels between 0 and 1, or standardized rows of a table."""
Latent = Float[Tensor, "row latent"]
Label = Int[Tensor, "row"] | None
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

    @abstractmethod
    def decode(self, latent: Latent, label: Label = None) -> Rows:
        """Return the row for each latent vector; of the class `label`, if the model is conditional."""

    def sample_prior(self, count: int) -> Latent:
        """Draw new latent vectors: standard normal ones, if not overridden."""
        return torch.randn(count, self.config.latent_size, device=self.device)

    def sample(self, count: int, label: Label = None) -> Rows:
        """Generate rows with torch's random numbers; of the class `label`, if the model is conditional."""
        return self.decode(self.sample_prior(count), label)

    def embed(self, batch: Batch) -> Latent:
        """Return the latent vector of each row of a batch, without noise. Only models with an encoder can."""
        raise SandlotError(f"a {self.name} has no encoder")

    def reconstruct(self, batch: Batch) -> Rows:
        """Return the rows of a batch after encoding and decoding."""
        return self.decode(self.embed(batch), batch.get(LABEL))

    def embed_part(self, part: Part) -> tuple[Latent, Label]:
        """Return the latent vector of each row of a part of the data, and its class if there are classes."""
        latent = torch.cat([self.embed(batch) for batch in part.batches(EVAL_BATCH_SIZE)])
        labels = part.columns[LABEL][torch.from_numpy(part.rows)] if LABEL in part.columns else None
        return latent, labels

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
        label = self.config.target or next((name for name in TARGETS if name in frame.columns), None)
        columns = self.config.columns or tuple(name for name in frame.columns if name != label)
        if label is not None:
            frame.column(label)
        if not columns:
            raise SandlotError(f"{frame.name} has no columns beside {label!r}")
        kind, columns = modality_of(frame, columns)
        if kind not in ("images", "tables"):
            raise SandlotError(f"the {self.name} learns from images or numbers, and {frame.name} holds {kind}")
        return {"label": label, "kind": kind, "inputs": columns}

    def split_rows(self, frame: Frame) -> Split:
        names = class_names(frame, self.metadata["label"])
        strata = np.zeros(len(frame)) if names is None else names
        shares = (self.config.validation_share, self.config.test_share)
        split = stratified_split(frame, self.metadata["inputs"], strata, *shares, self.seed)
        held_out = self.config.held_out
        return hold_out_class(split, held_out, names, frame.name) if held_out else split

    def fit_preprocessing(self, train: Frame) -> dict[str, Any]:
        label, inputs = self.metadata["label"], self.metadata["inputs"]
        names = class_names(train, label)
        classes = [] if names is None else ordered_classes(train.classes.get(label), set(names))
        if self.is_conditional and not classes:
            raise SandlotError(f"{train.name} has no column of classes to condition on; name one with --target")
        if self.is_conditional and self.config.held_out:
            raise SandlotError("a conditional model can't have a class held out")
        if self.metadata["kind"] == "tables":
            reading = MODALITIES["tables"].learn(train, inputs, self.config)
            shape = [len(reading["scales"]) + sum(map(len, reading["categories"].values()))]
        else:
            height, width, channels = train.columns[inputs[0]].shape[1:]
            shape = [channels, height, width]
            reading = {"columns": inputs, "shape": shape}
        size, numbers = self.config.latent_size, int(np.prod(shape))
        if self.has_encoder and size > numbers:
            raise SandlotError(f"a latent_size of {size} is larger than the data, whose rows have {numbers} values")
        return {"reading": reading, "shape": shape, "classes": classes}

    def encode(self, frame: Frame) -> dict[str, Tensor]:
        """Return the rows, and the index of each one's class in `classes`; -1 for a class not learned from."""
        columns = MODALITIES[self.metadata["kind"]].encode(frame, self.metadata["reading"])
        names = class_names(frame, self.metadata["label"])
        if names is None:
            return columns
        index_of = {name: index for index, name in enumerate(self.classes)}
        return {**columns, LABEL: torch.tensor([index_of.get(name, -1) for name in names.tolist()])}

    def inputs(self, batch: Batch) -> Rows:
        """Return the rows of a batch as the model reads them."""
        return batch[IMAGE].float() / 255 if self.makes_images else batch[TABLE]

    def augment(self, batch: Batch) -> Batch:
        """Return a training batch with its images augmented as the config says."""
        if self.config.augment and self.makes_images:
            return {**batch, IMAGE: augmented(batch[IMAGE], self.config.augment)}
        return batch

    def fixed_batch(self, name: str, count: int) -> Batch:
        """Return up to `count` rows of a part of the data: random ones, but the same at each call."""
        rows = self.part(name).rows
        chosen = np.random.default_rng(derived_seed(self.seed, SAMPLE_SEED)).permutation(rows)[:count]
        return rows_of(self.columns, torch.from_numpy(chosen))

    def first_with_rows(self, *names: str) -> str:
        """Return the first of the named parts of the data that has rows."""
        return next(name for name in names if len(self.part(name)))

    @property
    def evaluation_part(self) -> str:
        """The part of the data that a trained model is shown on: the test, if it has rows."""
        return self.first_with_rows("test", "validation", "train")

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

    def draw(self, part: Part, folder: Path) -> dict[str, Path]:
        """Plot the same at the end of training."""
        return self.plot_samples(folder)

    def sample_grids(self) -> dict[str, SampleGrid]:
        """Return what to plot, by name: samples, and validation rows above their reconstructions."""
        samples = self.sample(PLOTTED_SAMPLES, self.cycle_labels(PLOTTED_SAMPLES))
        grids = {"samples": SampleGrid(samples, self.num_conditions or 8)}
        if self.has_encoder:
            batch = self.fixed_batch(self.first_with_rows("validation", "train"), PLOTTED_RECONSTRUCTIONS)
            grids["reconstructions"] = comparison_grid(self.inputs(batch), self.reconstruct(batch))
        return grids
