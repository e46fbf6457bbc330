"""From the name of a network to the encoder that reads an agent's observations."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from envs import tree_leaves
from supervised.networks import (
    MLP,
    Activation,
    CapsuleNet,
    Chain,
    Encoder,
    Fuse,
    ImpalaCNN,
    Memoryless,
    NatureCNN,
    Normalization,
    Pooling,
    Recurrent,
    ResNet,
    Transformer,
    ViT,
)
from tracking import SandlotError, require

from .observations import Choices, Image, Inputs, Masked, Parts, Vector

IMAGE_READERS = ("cnn", "impala", "resnet", "vit", "capsule")
MEMORIES = ("rnn", "lstm", "gru", "transformer")


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What reads the observations."""

    network: str = "auto"
    """Kind of network: mlp; cnn, impala, resnet, vit or capsule for images; rnn, lstm, gru or transformer for
    memory; several in a row, as in cnn+lstm; auto is a cnn for images and an mlp for the rest."""
    hidden: tuple[int, ...] = (64, 64)
    """Sizes of an MLP's layers."""
    activation: Activation = "tanh"
    """Activation of an MLP's layers."""
    normalization: Normalization = "none"
    """Normalisation of an MLP's layers."""
    dropout: float = 0.0
    """Share of an MLP's activations that are dropped while learning."""
    pooling: Pooling = "max"
    """How impala halves its images."""
    memory_size: int = 64
    """Units of an RNN, LSTM or GRU; width of a transformer or ViT."""
    memory_layers: int = 1
    """Layers of an RNN, LSTM, GRU, transformer or ViT."""
    memory_length: int = 32
    """Past steps that a transformer sees."""
    heads: int = 4
    """Attention heads of a transformer or ViT."""
    gating: bool = False
    """Gates in place of a transformer's residual sums, as in GTrXL."""
    normalize_observations: bool = False
    """Shift and scale vector observations to mean 0 and variance 1 by running statistics."""

    def __post_init__(self) -> None:
        require(all(size > 0 for size in self.hidden), "hidden sizes must be positive", self.hidden)
        require(0 <= self.dropout < 1, "dropout must be in [0, 1)", self.dropout)
        for name in ("memory_size", "memory_layers", "memory_length", "heads"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in self.network.split("+"):
            if name not in ("auto", "mlp", *IMAGE_READERS, *MEMORIES):
                known = ", ".join(("mlp", *IMAGE_READERS, *MEMORIES))
                raise SandlotError(
                    f"there is no network {name!r}; there are {known}, and rows of them such as cnn+lstm"
                )

    @property
    def has_transformer(self) -> bool:
        """Whether a transformer is among the networks."""
        return "transformer" in self.network.split("+")


class Flat(Memoryless):
    """Pass vectors on as they are."""

    def __init__(self, size: int):
        super().__init__()
        self.feature_size = size

    def encode(self, inputs: Float[Tensor, "row size"]) -> Float[Tensor, "row size"]:
        return inputs


class FlatImage(Memoryless):
    """Read an image as a vector."""

    def __init__(self, image: Image):
        super().__init__()
        self.feature_size = image.channels * image.height * image.width

    def encode(self, inputs: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row size"]:
        return inputs.flatten(1)


def reader_before_mlp(inputs: Inputs, config: NetworkConfig) -> Encoder:
    """Return a new encoder, as `config` says, for what `inputs` gives, of which an MLP is to read the features."""
    flat = config.network == "auto" or (config.network == "mlp" and not has_images(inputs))
    return reader_for(inputs, "flat", config) if flat else encoder_for(inputs, config)


def encoder_for(inputs: Inputs, config: NetworkConfig) -> Encoder:
    """Return a new encoder, as `config` says, for what `inputs` gives."""
    first, *rest = config.network.split("+")
    if first in MEMORIES:
        first, rest = "flat", [first, *rest]
    try:
        encoders = [reader_for(inputs, first, config)]
        for name in rest:
            encoders.append(following(name, encoders[-1].feature_size, config))
    except ValueError as error:
        raise SandlotError(str(error)) from error
    return encoders[0] if len(encoders) == 1 else Chain(encoders)


def reader_for(inputs: Inputs, name: str, config: NetworkConfig) -> Encoder:
    """Return the encoder called `name` for observations: of several parts, one for each."""
    match inputs:
        case Masked():
            return reader_for(inputs.rest, name, config)
        case Parts():
            named = {key: reader_for(part, _for_part(part, name), config) for key, part in inputs.parts.items()}  # pyright: ignore[reportArgumentType]
            return Fuse(named)
        case Image() if name in ("auto", "flat", *IMAGE_READERS):
            return image_reader(inputs, "cnn" if name in ("auto", "flat") else name, config)
        case Image():
            flat = FlatImage(inputs)
            return Chain([flat, following(name, flat.feature_size, config)])
        case Vector() | Choices() if name in ("auto", "mlp"):
            return following("mlp", inputs.size, config)
        case Vector() | Choices() if name == "flat":
            return Flat(inputs.size)
        case _:
            raise SandlotError(
                f"the network {name!r} reads images, and these observations are none; try mlp in its place"
            )


def image_reader(image: Image, name: str, config: NetworkConfig) -> Encoder:
    """Return the encoder called `name` for images. Raises `ValueError` if they are too small for it."""
    shape = (image.channels, image.height, image.width)
    try:
        match name:
            case "impala":
                return ImpalaCNN(*shape, pooling=config.pooling)
            case "resnet":
                return ResNet(image.channels)
            case "vit":
                return ViT(*shape, size=config.memory_size, layers=config.memory_layers, heads=config.heads)
            case "capsule":
                return CapsuleNet(*shape)
            case _:
                return NatureCNN(*shape)
    except ValueError as error:
        raise ValueError(f"{error}; try --network mlp") from error


def following(name: str, input_size: int, config: NetworkConfig) -> Encoder:
    """Return the encoder called `name` for vectors of `input_size`."""
    match name:
        case "mlp":
            return MLP(input_size, config.hidden, config.activation, config.normalization, config.dropout)
        case "rnn" | "lstm" | "gru":
            return Recurrent(name, input_size, config.memory_size, config.memory_layers)
        case "transformer":
            size, layers, length = config.memory_size, config.memory_layers, config.memory_length
            return Transformer(input_size, size, layers, config.heads, length, config.gating)
        case _:
            raise ValueError(f"the network {name!r} reads observations, so it must come first in {config.network!r}")


def _for_part(part: Inputs, name: str) -> str:
    """Return the network for one part of several: one for images serves the images among them, an MLP the rest."""
    return "mlp" if name in IMAGE_READERS and not isinstance(part, Image) else name


def has_memory(encoder: Encoder) -> bool:
    """Tell whether `encoder` carries anything between steps."""
    return any(True for _ in tree_leaves(encoder.initial_memory(1)))


def has_images(inputs: Inputs) -> bool:
    """Tell whether there are images among the inputs."""
    return any(isinstance(part, Image) for part in inputs.modules())


def has_batch_statistics(encoder: torch.nn.Module) -> bool:
    """Tell whether what `encoder` makes of a row depends on the others in its batch."""
    return any(isinstance(part, torch.nn.BatchNorm1d) for part in encoder.modules())
