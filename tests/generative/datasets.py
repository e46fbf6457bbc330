"""Data sets and models that are small enough to train in a second."""

import numpy as np
import torch

import sandlot.generative as generative
from sandlot.generative import MODELS
from sandlot.supervised.data import Frame

CORNERS = 2.0 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
QUICK = {"batch_size": 64, "validation_share": 0.1, "test_share": 0.1}


def corners(rows=1024, seed=0):
    """Return a table of points in four narrow clouds at the corners of a square."""
    random = np.random.default_rng(seed)
    label = np.arange(rows) % 4
    points = CORNERS[label] + 0.15 * random.normal(size=(rows, 2))
    return Frame("corners", {"x": points[:, 0], "y": points[:, 1], "label": label}, [("corners", rows)])


def bars(rows=160, size=8, seed=0, labels=True):
    """Return images of a bright line or column, which is the class, at a random place."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 30, (rows, size, size, 1)).astype(np.uint8)
    label = np.arange(rows) % 2
    for image, across in zip(images, label, strict=True):
        place = random.integers(size)
        (image if across else image.transpose(1, 0, 2))[place] = 255
    if not labels:
        return Frame("bars", {"image": images}, [("bars", rows)])
    return Frame("bars", {"image": images, "label": label}, [("bars", rows)], {"label": ["down", "across"]})


def small_model(name, **options):
    """Return an untrained model of `bars` with narrow networks."""
    sizes = {"latent_size": 4, "widths": (4, 8), "hidden": (16,)}
    if name == "vq-vae":
        sizes = {"latent_size": 4, "widths": (8,), "codebook_size": 8, "prior_size": 8}
    if name == "wgan-gp":
        sizes |= {"n_critic": 2}
    model = getattr(generative, MODELS[name][0])
    return model(bars(), seed=1, **(QUICK | {"batch_size": 16, "epochs": 2} | sizes | options))


def samples(model, count=12):
    """Return samples of fixed noise, of each class in turn."""
    model.train(False)
    torch.manual_seed(3)
    with torch.no_grad():
        return model.sample(count, model.cycle_labels(count), mean=True)


def corner_shares(points):
    """Return the fraction of standardized points near each corner."""
    data = corners()
    table = np.stack([data.columns["x"], data.columns["y"]], 1)
    centres = torch.tensor((CORNERS - table.mean(0)) / table.std(0)).float()
    distance, nearest = torch.cdist(points, centres).min(1)
    near = distance < 0.35
    return [((nearest == corner) & near).float().mean().item() for corner in range(4)]
