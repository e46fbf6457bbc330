"""Train a VAE on handwritten digits; show samples, reconstructions, and a map of its codes."""

from pathlib import Path

import torch
import tyro

from sandlot.generative import VAE
from sandlot.generative.evaluation.latent_map import plot_latents
from sandlot.generative.plots import SampleGrid, comparison_grid, plot_grid
from sandlot.supervised import fit


def main(steps: int = 600, seed: int = 1) -> None:
    model = VAE("digits", seed=seed, latent_size=8)
    fit(model, steps)
    for name, value in model.evaluate("test").items():
        print(f"test {name:15} {value:8.2f}")

    model.train(False)
    with torch.no_grad():
        plot_grid(Path("vae-samples.png"), SampleGrid(model.sample(64), columns=8), torch.empty(0))
        batch = model.fixed_batch("test", 32)
        grid = comparison_grid(model.inputs(batch), model.reconstruct(batch))
        plot_grid(Path("vae-reconstructions.png"), grid, torch.empty(0))
        codes, labels = model.embed_part(model.subset("test"))
        plot_latents(Path("vae-codes.png"), codes, [model.classes[label] for label in labels.tolist()], seed)
    print("plots: vae-samples.png, vae-reconstructions.png, vae-codes.png")


if __name__ == "__main__":
    tyro.cli(main)
