"""The networks that everything learns with. They know torch and nothing else of the project."""

from .board import BoardCNN
from .capsule import CapsuleNet
from .chain import Chain
from .cnn import NatureCNN
from .convnet import ConvNet
from .decoder import ConvDecoder, MapDecoder, MLPDecoder, Upsampling
from .discriminator import Discriminator, initialize_normally, normalize_spectrally
from .distributions import Bernoulli, Categorical, DiagonalGaussian, Distribution, MultiCategorical, SquashedGaussian
from .encoder import Encoder, Memory, Memoryless
from .ensemble import Ensemble
from .flat import Flat, FlatImage
from .fuse import Fuse
from .heads import CategoricalHead, QHead, QuantileHead, ValueHead, greedy
from .initialize import orthogonal
from .mlp import MLP, Activation, Normalization
from .noisy import NoisyLinear, noisy_layers
from .normalize import RunningNorm
from .precision import in_float32
from .quantizer import Quantizer
from .recurrent import Recurrent
from .residual import ImpalaCNN, Pooling, ResNet
from .strided import MapNormalization, StridedCNN
from .transformer import Transformer
from .vit import ViT

__all__ = [
    "MLP",
    "Activation",
    "Bernoulli",
    "BoardCNN",
    "CapsuleNet",
    "Categorical",
    "CategoricalHead",
    "Chain",
    "ConvDecoder",
    "ConvNet",
    "DiagonalGaussian",
    "Discriminator",
    "Distribution",
    "Encoder",
    "Ensemble",
    "Flat",
    "FlatImage",
    "Fuse",
    "ImpalaCNN",
    "MLPDecoder",
    "MapDecoder",
    "MapNormalization",
    "Memory",
    "Memoryless",
    "MultiCategorical",
    "NatureCNN",
    "NoisyLinear",
    "Normalization",
    "Pooling",
    "QHead",
    "QuantileHead",
    "Quantizer",
    "Recurrent",
    "ResNet",
    "RunningNorm",
    "SquashedGaussian",
    "StridedCNN",
    "Transformer",
    "Upsampling",
    "ValueHead",
    "ViT",
    "greedy",
    "in_float32",
    "initialize_normally",
    "noisy_layers",
    "normalize_spectrally",
    "orthogonal",
]
