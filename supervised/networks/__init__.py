"""Encoders, heads and layers. They depend on torch alone, and on nothing else of the project."""

from .concat import Concat
from .encoder import Encoder, Memory, Memoryless
from .flat import Embedding, Flat, FlatImage
from .generative.decoder import ConvDecoder, MapDecoder, MLPDecoder, Upsampling
from .generative.discriminator import Discriminator, apply_spectral_norm, initialize_normal
from .generative.quantizer import VectorQuantizer
from .generative.row_encoder import RowEncoder
from .heads.distributions import (
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Distribution,
    MultiCategorical,
    SquashedGaussian,
)
from .heads.precision import in_float32
from .heads.values import CategoricalHead, QHead, QuantileHead, ValueHead, greedy
from .images.board import BoardCNN
from .images.capsule import CapsuleNet
from .images.convnet import ConvNet
from .images.nature import NatureCNN
from .images.residual import ImpalaCNN, Pooling, ResNet
from .images.strided import MapNormalization, StridedCNN
from .images.vit import ViT
from .layers.ensemble import Ensemble
from .layers.initialize import orthogonal
from .layers.noisy import NoisyLinear, noisy_layers
from .layers.running_norm import RunningNorm
from .mlp import MLP, Activation, Normalization
from .sequence.recurrent import Recurrent
from .sequence.transformer import Transformer
from .sequential import MemorylessSequential, Sequential

__all__ = [
    "MLP",
    "Activation",
    "Bernoulli",
    "BoardCNN",
    "CapsuleNet",
    "Categorical",
    "CategoricalHead",
    "Concat",
    "ConvDecoder",
    "ConvNet",
    "DiagonalGaussian",
    "Discriminator",
    "Distribution",
    "Embedding",
    "Encoder",
    "Ensemble",
    "Flat",
    "FlatImage",
    "ImpalaCNN",
    "MLPDecoder",
    "MapDecoder",
    "MapNormalization",
    "Memory",
    "Memoryless",
    "MemorylessSequential",
    "MultiCategorical",
    "NatureCNN",
    "NoisyLinear",
    "Normalization",
    "Pooling",
    "QHead",
    "QuantileHead",
    "Recurrent",
    "ResNet",
    "RowEncoder",
    "RunningNorm",
    "Sequential",
    "SquashedGaussian",
    "StridedCNN",
    "Transformer",
    "Upsampling",
    "ValueHead",
    "VectorQuantizer",
    "ViT",
    "apply_spectral_norm",
    "greedy",
    "in_float32",
    "initialize_normal",
    "noisy_layers",
    "orthogonal",
]
