"""From the name of a network to the encoder."""

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

IMAGE_READERS = ("cnn", "nature", "strided", "impala", "resnet", "vit", "capsule")
MEMORIES = ("rnn", "lstm", "gru", "transformer")
BOARD = "board"
ENCODERS: dict[str, type[Encoder]] = {"nature": NatureCNN, "capsule": CapsuleNet}
"""By name, networks that take nothing but the sizes of their inputs. A line here registers one for vectors; one for
images is named in IMAGE_READERS, too."""
NETWORKS = ("mlp", *dict.fromkeys([*IMAGE_READERS, *MEMORIES, BOARD, *ENCODERS]))


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """What reads the inputs."""

    cnn: ClassVar[type[NatureCNN] | type[ConvNet]] = ConvNet
    """What is meant by `cnn`."""

    network: str = "auto"
    """Kind of network: mlp; cnn, nature (that of DQN), strided, impala, resnet, vit or capsule for images; rnn, lstm,
    gru or transformer for memory; board, for games' boards; your own, as module:Name; several in a row, as in cnn+lstm
    or board+mlp; auto is a cnn for images and an mlp for the rest."""
    hidden: tuple[int, ...] = (64, 64)
    """Sizes of an MLP's layers."""
    activation: Activation = "tanh"
    """Activation of an MLP's layers."""
    normalization: Normalization = "none"
    """Normalisation of an MLP's layers."""
    dropout: float = 0.0
    """Share of an MLP's activations (of tasks on data: of any network's features) that are dropped while learning."""
    widths: tuple[int, ...] = (32, 64, 128)
    """Channels of the strided network's convolutions, each of which halves the image, and of the pairs of
    convolutions of the cnn that tasks on data mean."""
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
                    f"there is no network {name!r}; there are {known}, and rows of them such as cnn+lstm; "
                    "a network of your own is written module:Name"
                )

    @property
    def has_transformer(self) -> bool:
        """Whether a transformer is among the networks."""
        return "transformer" in self.network.split("+")


def is_custom(name: str) -> bool:
    """Tell whether `custom_encoder` makes the network called `name` for any inputs."""
    return name not in ("auto", "flat", "mlp", *IMAGE_READERS, *MEMORIES, BOARD)


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


def image_reader(shape: tuple[int, int, int], name: str, config: EncoderConfig) -> Encoder:
    """Return the encoder called `name` for images of `shape`. Raises `ValueError` if they are too small for it."""
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
        raise ValueError(f"{error}; try --network mlp") from error


def following(name: str, input_size: int, config: EncoderConfig) -> Encoder:
    """Return the encoder called `name` for vectors of `input_size`."""
    match name:
        case "mlp":
            return MLP(input_size, config.hidden, config.activation, config.normalization, config.dropout)
        case "rnn" | "lstm" | "gru":
            return Recurrent(name, input_size, config.memory_size, config.memory_layers)
        case "transformer":
            size, layers, length = config.memory_size, config.memory_layers, config.memory_length
            return Transformer(input_size, size, layers, config.heads, length, config.gating)
        case _ if is_custom(name):
            return custom_encoder(name, input_size)
        case _:
            raise ValueError(f"the network {name!r} reads observations, so it must come first in {config.network!r}")
