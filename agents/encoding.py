"""What an agent has learned to see, for a task on data to start from."""

import dataclasses
from typing import Any

from supervised.networks import Chain, FlatImage, NatureCNN
from supervised.transfer import Encoding
from tracking import SandlotError

from .observations import Image


def encoding_of(agent: Any) -> Encoding:
    """Return the network that reads the images that `agent` observes."""
    policy = getattr(agent, "policy", None)
    inputs = getattr(policy, "inputs", None)
    if not isinstance(inputs, Image):
        raise SandlotError(f"--from an agent needs one that observes images; this {agent.name} does not")
    encoder: Any = getattr(policy, "actor", None) or policy.encoder  # pyright: ignore[reportOptionalMemberAccess]
    encoder = encoder.encoders[0] if isinstance(encoder, Chain) else encoder
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
    return Encoding.of("images", reading, dataclasses.replace(agent.config, network=name), tensors)
