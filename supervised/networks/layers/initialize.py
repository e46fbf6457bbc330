"""Weight initialisation."""

from typing import TypeVar

from torch import nn

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


def orthogonal(layer: Layer, gain: float) -> Layer:
    """Initialise `layer` with orthogonal weights of the given gain and zero bias, and return it.

    Source: Huang et al., "The 37 implementation details of PPO", detail 2.
    """
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
