"""Train a conditional GAN on handwritten digits, and ask it for each digit."""

from pathlib import Path

import torch
import tyro

from sandlot.generative import CGAN
from sandlot.generative.plots import SampleGrid, plot_grid
from sandlot.supervised import fit


def main(steps: int = 1_000, seed: int = 1) -> None:
    model = CGAN("digits", seed=seed)
    fit(model, steps)
    model.train(False)
    with torch.no_grad():
        labels = torch.arange(10).repeat(8)  # each column shows a digit, eight times
        plot_grid(Path("cgan-digits.png"), SampleGrid(model.sample(80, labels), columns=10), torch.empty(0))
        sevens = model.sample(16, torch.full((16,), model.classes.index("7")))
    print(f"plot: cgan-digits.png; sixteen sevens have the shape {tuple(sevens.shape)}")


if __name__ == "__main__":
    tyro.cli(main)
