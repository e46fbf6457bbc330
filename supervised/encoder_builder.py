"""Build encoders from their names in a config."""

from dataclasses import dataclass
from typing import ClassVar

from sandlot.tracking import SandlotError, require

from .networks import (
    MLP,
    Activation,
    CapsuleNet,
    ConvNet,
    Encoder,
    ImpalaCNN,
    Memoryless,
    NatureCNN,
    Normalization,
    Pooling,
    Recurrent,
    ResNet,
    StridedCNN,
    Transformer,
    ViT,
)

IMAGE_NETWORKS = ("cnn", "nature", "strided", "impala", "resnet", "vit", "capsule")
"""Networks that read images."""
MEMORY_NETWORKS = ("rnn", "lstm", "gru", "transformer")
"""Networks that read sequences of vectors, with memory."""
BOARD = "board"
NETWORKS = ("mlp", *IMAGE_NETWORKS, *MEMORY_NETWORKS, BOARD)


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """The encoder network."""

    cnn: ClassVar[type[NatureCNN] | type[ConvNet]] = ConvNet
    """The network that `cnn` stands for."""

    network: str = "auto"
    """Network: mlp; cnn, nature (DQN's), strided, impala, resnet, vit or capsule for images; rnn, lstm, gru or
    transformer for memory; board for boards of games. Join several with +, as in cnn+lstm or board+mlp. auto is cnn
    for images and mlp otherwise."""
    hidden: tuple[int, ...] = (64, 64)
    """Hidden layer sizes of an MLP."""
    activation: Activation = "tanh"
    """Activation function of an MLP."""
    normalization: Normalization = "none"
    """Normalisation of an MLP's layers."""
    dropout: float = 0.0
    """Dropout probability in an MLP, and on the features of classifiers and regressors."""
    widths: tuple[int, ...] = (32, 64, 128)
    """Channels of each stage of the strided network, and of the cnn of tasks on data."""
    pooling: Pooling = "max"
    """Pooling of the impala network."""
    memory_size: int = 64
    """Hidden size of an RNN, LSTM or GRU; model width of a transformer or ViT."""
    memory_layers: int = 1
    """Layers of an RNN, LSTM, GRU, transformer or ViT."""
    memory_length: int = 32
    """Context length of a transformer: how many past steps it attends to."""
    heads: int = 4
    """Attention heads of a transformer or ViT."""
    gating: bool = False
    """Use GTrXL's gates in place of a transformer's residual sums."""

    def __post_init__(self) -> None:
        require(all(size > 0 for size in self.hidden), "hidden sizes must be positive", self.hidden)
        require(len(self.widths) > 0 and min(self.widths) > 0, "widths must be positive, and at least one", self.widths)
        require(0 <= self.dropout < 1, "dropout must be in [0, 1)", self.dropout)
        for name in ("memory_size", "memory_layers", "memory_length", "heads"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1", getattr(self, name))
        for name in self.network.split("+"):
            if name not in ("auto", *NETWORKS):
                known = ", ".join(NETWORKS)
                raise SandlotError(
                    f"there is no network {name!r}; choose from {known}, or a chain of them such as cnn+lstm"
                )

    @property
    def has_transformer(self) -> bool:
        """Whether a transformer is among the networks."""
        return "transformer" in self.network.split("+")


def build_image_encoder(shape: tuple[int, int, int], name: str, config: EncoderConfig) -> Memoryless:
    """Return the encoder called `name` for images of `shape` (channels, height, width).

    Raises `ValueError` if the images are too small for it.
    """
    try:
        match name:
            case "nature":
                return NatureCNN(*shape)
            case "strided":
                return StridedCNN(*shape, widths=config.widths)
            case "impala":
                return ImpalaCNN(*shape, pooling=config.pooling)
            case "resnet":
                return ResNet(shape[0])
            case "vit":
                return ViT(*shape, size=config.memory_size, layers=config.memory_layers, heads=config.heads)
            case "capsule":
                return CapsuleNet(*shape)
            case _ if config.cnn is ConvNet:
                return ConvNet(*shape, widths=config.widths)
            case _:
                return NatureCNN(*shape)
    except ValueError as error:
        raise ValueError(f"{error}; try --network mlp") from error


def build_mlp(input_size: int, config: EncoderConfig) -> MLP:
    """Return an MLP for vectors of `input_size`."""
    return MLP(input_size, config.hidden, config.activation, config.normalization, config.dropout)


def build_vector_encoder(name: str, input_size: int, config: EncoderConfig) -> Encoder:
    """Return the encoder called `name` for vectors, or sequences of vectors, of `input_size`."""
    match name:
        case "mlp":
            return build_mlp(input_size, config)
        case "rnn" | "lstm" | "gru":
            return Recurrent(name, input_size, config.memory_size, config.memory_layers)
        case "transformer":
            size, layers, length = config.memory_size, config.memory_layers, config.memory_length
            return Transformer(input_size, size, layers, config.heads, length, config.gating)
        case _:
            raise ValueError(
                f"the network {name!r} reads raw observations, so it must come first in {config.network!r}"
            )
