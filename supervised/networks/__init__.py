"""The networks that everything learns with. They know torch and nothing else of the project."""

from .cnn import NatureCNN
from .distributions import Bernoulli, Categorical, DiagonalGaussian, Distribution, MultiCategorical
from .encoder import Encoder, Memory, Memoryless
from .fuse import Fuse
from .initialize import orthogonal
from .mlp import MLP, Activation
from .normalize import RunningNorm

__all__ = [
    "MLP",
    "Activation",
    "Bernoulli",
    "Categorical",
    "DiagonalGaussian",
    "Distribution",
    "Encoder",
    "Fuse",
    "Memory",
    "Memoryless",
    "MultiCategorical",
    "NatureCNN",
    "RunningNorm",
    "orthogonal",
]
