"""What was learned to be seen, carried between agents and tasks on data."""

import dataclasses
from typing import Any

import torch
from torch import nn

from sandlot.agents.spaces.observations import Image
from sandlot.supervised.networks import Encoder, FlatImage, NatureCNN, Sequential
from sandlot.supervised.transfer.trained_encoder import TrainedEncoder
from sandlot.tracking import SandlotError


def encoding_of(agent: Any) -> TrainedEncoder:
    """Return the network that reads the images that `agent` observes."""
    policy = getattr(agent, "policy", None)
    inputs = getattr(policy, "inputs", None)
    if not isinstance(inputs, Image):
        raise SandlotError(f"--from an agent needs one that observes images; this {agent.name} does not")
    encoder: Any = getattr(policy, "actor", None) or policy.encoder  # pyright: ignore[reportOptionalMemberAccess]
    encoder = encoder.encoders[0] if isinstance(encoder, Sequential) else encoder
    if isinstance(encoder, FlatImage):
        raise SandlotError(f"--from an agent needs one with a network for images; this {agent.name} has none")
    name = "nature" if isinstance(encoder, NatureCNN) else agent.config.network.split("+")[0]
    channels = inputs.channels
    reading = {
        "shape": [channels, inputs.height, inputs.width],
        "mean": [0.0] * channels,
        "std": [inputs.scale] * channels,
    }
    tensors = {f"encoder.{key}": value.cpu().numpy() for key, value in encoder.state_dict().items()}
    return TrainedEncoder.of("images", reading, dataclasses.replace(agent.config, network=name), tensors)


def config_for(encoding: TrainedEncoder, config: Any) -> Any:
    """Return an agent's config with the network of an encoding in front of whatever memory it has."""
    if not hasattr(config, "network"):
        raise SandlotError("--encoder is for agents with networks of ours")
    if encoding.kind != "images":
        raise SandlotError(f"--encoder needs a run that learned from images, not {encoding.kind}")
    _, *rest = config.network.split("+")
    kept = {name: getattr(config, name) for name in ("memory_size", "memory_layers", "heads")} if rest else {}
    network = "+".join([encoding.network["network"], *rest])
    return dataclasses.replace(encoding.applied_to(config), network=network, **kept)


def take_encoding(agent: Any, encoding: TrainedEncoder) -> None:
    """Give all networks of `agent` that read observations the weights of an encoding."""
    inputs = getattr(getattr(agent, "policy", None), "inputs", None)
    if not isinstance(inputs, Image):
        raise SandlotError(f"--encoder is for agents that observe images; this {agent.name} does not")
    seen, read = [inputs.channels, inputs.height, inputs.width], list(encoding.preprocessing["shape"])
    if seen != read:
        raise SandlotError(f"--encoder reads images of the shape {read}, and these observations are of {seen}")
    if any(encoding.preprocessing["mean"]) or any(scale != inputs.scale for scale in encoding.preprocessing["std"]):
        raise SandlotError("--encoder was trained on images scaled in another way than agents scale theirs; "
                           "take a run of an autoencoder")  # fmt: skip
    weights = {name.removeprefix("encoder."): torch.tensor(value) for name, value in encoding.tensors.items()}
    fitting = [part for module in agent.components().values() if isinstance(module, nn.Module)
               for part in module.modules() if isinstance(part, Encoder) and _fits(part, weights)]  # fmt: skip
    if not fitting:
        raise SandlotError(f"no network of this {agent.name} is like that of --encoder")
    for part in fitting:
        part.load_state_dict(weights)


def _fits(part: nn.Module, weights: dict[str, torch.Tensor]) -> bool:
    own = part.state_dict()
    return own.keys() == weights.keys() and all(own[name].shape == value.shape for name, value in weights.items())
