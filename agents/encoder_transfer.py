"""Transfer of image encoders between agents and tasks on data."""

import dataclasses
from typing import Any

import torch
from torch import nn

from sandlot.agents.spaces.observations import ImagePreprocessor
from sandlot.supervised.networks import Encoder, FlatImage, NatureCNN, Sequential
from sandlot.supervised.transfer.encoding import Encoding
from sandlot.tracking import SandlotError

from .base import Agent


def encoding_of(agent: Agent) -> Encoding:
    """Return the encoder of the images that `agent` observes."""
    policy: Any = getattr(agent, "policy", None)
    inputs = getattr(policy, "preprocessor", None)
    if not isinstance(inputs, ImagePreprocessor):
        raise SandlotError(f"--from an agent needs one that observes images; this {agent.name} does not")
    encoder = getattr(policy, "actor", None) or policy.encoder
    encoder = encoder.encoders[0] if isinstance(encoder, Sequential) else encoder
    if isinstance(encoder, FlatImage):
        raise SandlotError(f"--from an agent needs one with an image network; this {agent.name} has none")
    name = "nature" if isinstance(encoder, NatureCNN) else agent.config.network.split("+")[0]
    channels = inputs.channels
    reading = {
        "shape": [channels, inputs.height, inputs.width],
        "mean": [0.0] * channels,
        "std": [inputs.scale] * channels,
    }
    tensors = {f"encoder.{key}": value.cpu().numpy() for key, value in encoder.state_dict().items()}
    return Encoding.of("images", reading, dataclasses.replace(agent.config, network=name), tensors)


def config_for(encoding: Encoding, config: Any) -> Any:
    """Return an agent's config with the network of an encoding before its memory, if it has one."""
    if not hasattr(config, "network"):
        raise SandlotError("--encoder is for agents with Sandlot's networks")
    if encoding.kind != "images":
        raise SandlotError(f"--encoder needs a run that learned from images, not {encoding.kind}")
    _, *rest = config.network.split("+")
    kept = {name: getattr(config, name) for name in ("memory_size", "memory_layers", "heads")} if rest else {}
    network = "+".join([encoding.network["network"], *rest])
    return dataclasses.replace(encoding.applied_to(config), network=network, **kept)


def load_encoder(agent: Any, encoding: Encoding) -> None:
    """Load the weights of an encoding into all networks of `agent` that read observations."""
    inputs = getattr(getattr(agent, "policy", None), "preprocessor", None)
    if not isinstance(inputs, ImagePreprocessor):
        raise SandlotError(f"--encoder is for agents that observe images; this {agent.name} does not")
    observed, expected = [inputs.channels, inputs.height, inputs.width], list(encoding.reading["shape"])
    if observed != expected:
        raise SandlotError(f"--encoder reads images of the shape {expected}, and these observations are of {observed}")
    if any(encoding.reading["mean"]) or any(scale != inputs.scale for scale in encoding.reading["std"]):
        raise SandlotError("--encoder was trained on images that were normalized, and agents don't normalize theirs; "
                           "use a run of an autoencoder")  # fmt: skip
    weights = {name.removeprefix("encoder."): torch.tensor(value) for name, value in encoding.tensors.items()}
    modules = [module for module in agent.components().values() if isinstance(module, nn.Module)]
    inner = (part for module in modules for part in module.modules())
    encoders = [part for part in inner if isinstance(part, Encoder) and _fits(part, weights)]
    if not encoders:
        raise SandlotError(f"no network of this {agent.name} has the architecture of --encoder")
    for encoder in encoders:
        encoder.load_state_dict(weights)


def _fits(encoder: nn.Module, weights: dict[str, torch.Tensor]) -> bool:
    own = encoder.state_dict()
    return own.keys() == weights.keys() and all(own[name].shape == value.shape for name, value in weights.items())
