"""Shared by the commands for generative models: loading the model of a run, and writing its output."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console

from sandlot.generative import GenerativeModel
from sandlot.supervised.optimization.random_state import seeded_rng
from sandlot.tracking import IMAGES, Run, SandlotError, checkpoint_name, require

from .options import Pictured
from .registry import is_generative, load_task, task_of
from .table import print_table, wandb_rows

SHOWN = (".png", ".mp4")
"""Endings of files that the record of a run shows."""


class GeneratedOutput:
    """Hold the generative model of a run and the plot that a command makes of it.

    Arguments:
        options: the command's options.
        command: its name, which the picture gets.
        needs_encoder: whether only autoencoders will do.
        with_data: whether the command needs the data that the model was trained on.
        suffixes: endings that the file may have; "" for a folder.
    """

    def __init__(
        self,
        options: Pictured,
        command: str,
        *,
        needs_encoder: bool = False,
        with_data: bool = True,
        suffixes: Sequence[str] = (".png",),
    ):
        self.options, self.command = options, command
        self.run = Run.find(options.runs_dir, options.run)
        kind = task_of(self.run) or self.run.config.get("agent")
        if not (task_of(self.run) and is_generative(kind)):
            raise SandlotError(
                f"{self.run.folder} is a run of {kind}, not of a generative model, so it can't {command}"
            )
        require(options.seed >= 0, "--seed must be at least 0", options.seed)
        if options.output is not None and options.output.suffix not in suffixes:
            known = ", ".join(filter(None, suffixes)) + (", or be a folder" if "" in suffixes else "")
            raise SandlotError(f"--output must end in {known}, not {options.output.name!r}")
        self.model: GenerativeModel = load_task(self.run, options.step, with_data=with_data)
        if needs_encoder and not self.model.has_encoder:
            raise SandlotError(f"a {kind} has no encoder, so it can't {command}; an autoencoder can")

    @property
    def path(self) -> Path:
        """Path of the plot."""
        images = self.run.folder / IMAGES
        seed = f"-s{self.options.seed}" if self.options.seed else ""
        return self.options.output or images / f"{checkpoint_name(self.model.step)}-{self.command}{seed}.png"

    @contextmanager
    def evaluation_context(self) -> Iterator[Path]:
        """Use the model for inference with the given random seed; yield the path of the plot."""
        self.model.train(False)
        with torch.no_grad(), self.model.thread_context(), seeded_rng(self.options.seed):
            yield self.path

    def report(self, rows: Sequence[tuple[str, str | Path]], *media: tuple[str, Path]) -> None:
        """Log the plot and further `media` to the run, and print `rows` and the paths."""
        files = [(self.command, self.path), *media]
        recorded = {name: path for name, path in files if path.is_relative_to(self.run.folder) and path.suffix in SHOWN}
        if recorded:
            self.run.add_media(recorded, self.model.step)
        title = ("run", f"{self.run.folder.name}, {self.model.name} after {self.model.step:,} steps")
        print_table(Console(), [title, *rows, *files, *(wandb_rows(self.run) if recorded else [])])
