"""Networks of a user's own."""

from torch import nn

from sandlot.supervised.networks import Encoder, Memoryless


class MyEncoder(Memoryless):
    """A layer of a user's own; for an image, after flattening it."""

    def __init__(self, *sizes: int):
        super().__init__()
        inputs = sizes[0] if len(sizes) == 1 else sizes[0] * sizes[1] * sizes[2]
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 24), nn.SiLU())
        self.feature_size = 24

    def encode(self, inputs):
        return self.layers(inputs.float())


def wide(size: int) -> Encoder:
    """Return a wider one: a factory."""
    encoder = MyEncoder(size)
    encoder.layers = nn.Sequential(nn.Linear(size, 48), nn.SiLU())
    encoder.feature_size = 48
    return encoder


class NotAnEncoder(nn.Linear):
    pass


def makes_none(size: int) -> nn.Module:
    return nn.Linear(size, 8)
