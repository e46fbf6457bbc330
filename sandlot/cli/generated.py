"""What the commands share that show what a generative model makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.tracking import IMAGES, Run, SandlotError, checkpoint_name, require

from .options import Pictured
from .registry import is_generative, load_task, task_of
from .table import print_table


class GeneratedOutput:
    """A model of a run, and where what it makes goes."""

    def __init__(self, options: Pictured, name: str, *, codes: bool = False, with_data: bool = True):
        self.options, self.name = options, name
        self.run = Run.find(options.runs_dir, options.run)
        kind = task_of(self.run) or self.run.config.get("agent")
        if not (task_of(self.run) and is_generative(kind)):
            raise SandlotError(f"{self.run.folder} is a run of {kind}, no generative model, so it can't {name}")
        require(options.seed >= 0, "--seed must be at least 0", options.seed)
        if options.output is not None and options.output.suffix != ".png":
            raise SandlotError(f"--output must end in .png, not {options.output.name!r}")
        self.model: Any = load_task(self.run, options.step, with_data=with_data)
        if codes and not hasattr(self.model, "latent"):
            raise SandlotError(f"a {kind} encodes nothing, so it can't {name}; an autoencoder can")

    @property
    def path(self) -> Path:
        """Where the picture goes."""
        images = self.run.folder / IMAGES
        return self.options.output or images / f"{checkpoint_name(self.model.step)}-{self.name}.png"

    @contextmanager
    def thread_context(self) -> Iterator[Path]:
        """Let the model work, with the random numbers of the seed that is asked for, and yield where to draw."""
        self.model.train(False)
        with torch.no_grad(), self.model.thread_context(), seeded_rng(self.options.seed):
            yield self.path

    def report(self, rows: list[tuple[str, str | Path]], *more: tuple[str, Path]) -> None:
        """Keep the picture, and more of them, in the record of the run, and print `rows` and where they are."""
        pictures = [(self.name, self.path), *more]
        kept = {name: path for name, path in pictures if path.is_relative_to(self.run.folder)}
        if kept:
            self.run.add_media(kept, self.model.step)
        named = ("run", f"{self.run.folder.name}, {self.model.name} after {self.model.step:,} steps")
        print_table(Console(), [named, *rows, *pictures])
