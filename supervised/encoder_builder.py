"""Build encoders from their names in a config."""

from dataclasses import dataclass
from typing import ClassVar

from sandlot.tracking import SandlotError, require
from sandlot.tracking.common import extensions

from .networks import (
    MLP,
    Activation,
    CapsuleNet,
    ConvNet,
    Encoder,
    ImpalaCNN,
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
ENCODERS: dict[str, type[Encoder]] = {"nature": NatureCNN, "capsule": CapsuleNet}
"""By name, networks that take nothing but the sizes of their inputs. A line here registers one for vectors; one for
images is named in IMAGE_NETWORKS, too."""
NETWORKS = ("mlp", *dict.fromkeys([*IMAGE_NETWORKS, *MEMORY_NETWORKS, BOARD, *ENCODERS]))


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """The encoder network."""

    cnn: ClassVar[type[NatureCNN] | type[ConvNet]] = ConvNet
    """The network that `cnn` stands for."""

    network: str = "auto"
    """Network: mlp; cnn, nature (DQN's), strided, impala, resnet, vit or capsule for images; rnn, lstm, gru or
    transformer for memory; board for boards of games; your own as module:Name. Join several with +, as in cnn+lstm or
    board+mlp. auto is cnn for images (small ones: a strided one of two layers) and mlp otherwise."""
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
        if not isinstance(self.network, str):
            raise SandlotError(
                f"network must be a name, such as cnn, or module:Name, not {self.network!r}; "
                "give a class or function by name to the agent: PPO(env, network=MyEncoder)"
            )
        for name in self.network.split("+"):
            if name not in ("auto", *NETWORKS) and extensions.resolve(name, extensions.NETWORKS) is None:
                known = ", ".join(NETWORKS)
                raise SandlotError(
                    f"there is no network {name!r}; choose from {known}, a chain of them such as cnn+lstm, "
                    "or one of your own as module:Name"
                )

    @property
    def has_transformer(self) -> bool:
        """Whether a transformer is among the networks."""
        return "transformer" in self.network.split("+")


def is_custom(name: str) -> bool:
    """Return whether `custom_encoder` makes the network called `name` for any inputs."""
    return name not in ("auto", "flat", "mlp", *IMAGE_NETWORKS, *MEMORY_NETWORKS, BOARD)


def custom_encoder(name: str, *sizes: int) -> Encoder:
    """Return the encoder `name` for inputs of `sizes`: one of ENCODERS, or the user's own.

    That is a `module:Name` or an entry point: a class or function which takes the size of a vector, or the channels,
    height and width of an image.
    """
    if name in ENCODERS:
        return ENCODERS[name](*sizes)
    reference = extensions.resolve(name, extensions.NETWORKS)
    assert reference is not None
    make = extensions.load_reference(reference)
    needed = "must be a subclass of sandlot.supervised.networks.Encoder, or a function that returns one"
    if not callable(make) or (isinstance(make, type) and not issubclass(make, Encoder)):
        raise SandlotError(f"the network {name} is {extensions.kind_of(make)}, and {needed}")
    encoder = make(*sizes)
    if not isinstance(encoder, Encoder):
        raise SandlotError(f"the network {name} returned {extensions.kind_of(encoder)}, and {needed}")
    if not isinstance(getattr(encoder, "feature_size", None), int):
        raise SandlotError(f"the network {name} must set feature_size, the number of features it returns")
    return encoder


def build_image_encoder(shape: tuple[int, int, int], name: str, config: EncoderConfig) -> Encoder:
    """Return the encoder called `name` for images of `shape` (channels, height, width).

    Raises `ValueError` if the images are too small for it.
    """
    if is_custom(name):
        return custom_encoder(name, *shape)
    try:
        match name:
            case "strided":
                return StridedCNN(*shape, widths=config.widths)
            case "impala":
                return ImpalaCNN(*shape, pooling=config.pooling)
            case "resnet":
                return ResNet(shape[0])
            case "vit":
                return ViT(*shape, size=config.memory_size, layers=config.memory_layers, heads=config.heads)
            case _ if name in ENCODERS:
                return ENCODERS[name](*shape)
            case _ if config.cnn is ConvNet:
                return ConvNet(*shape, widths=config.widths)
            case _:
                return NatureCNN(*shape)
    except ValueError as error:
        raise ValueError(f"{error}; try --network strided or mlp") from error


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
        case _ if is_custom(name):
            return custom_encoder(name, input_size)
        case _:
            raise ValueError(
                f"the network {name!r} reads raw observations, so it must come first in {config.network!r}"
            )
