"""An encoder that another training has brought forth, as the start of a new one."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from sandlot.supervised.encoder_builder import EncoderConfig
from sandlot.tracking import SandlotError, require

ALL = -1


@dataclass(frozen=True, kw_only=True)
class TransferConfig:
    """How an encoder that has learned before goes on learning."""

    freeze: int = 0
    """Layers, from the input on, that stay as they are; -1 for all but the head."""
    unfreeze_after: int = 0
    """Epochs after which frozen layers learn too; 0 for never."""
    layer_decay: float = 1.0
    """What the learning rate is multiplied by from one layer to the one below it."""

    def __post_init__(self) -> None:
        require(self.freeze >= ALL, "freeze must be at least -1", self.freeze)
        require(self.unfreeze_after >= 0, "unfreeze_after must be at least 0", self.unfreeze_after)
        require(0 < self.layer_decay <= 1, "layer_decay must be in (0, 1]", self.layer_decay)


class Encoding(NamedTuple):
    """What reads inputs: of which kind they are, how they are prepared, the network's options, and its weights."""

    kind: str
    reading: Mapping[str, Any]
    network: Mapping[str, Any]
    tensors: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, kind: str, reading: Mapping[str, Any], config: EncoderConfig, tensors: Any) -> "Encoding":
        """Return the encoding of a reader with the given weights; `config` says what network it is."""
        names = [field.name for field in dataclasses.fields(EncoderConfig)]
        return cls(kind, reading, {name: getattr(config, name) for name in names}, tensors)

    def applied_to(self, config: Any) -> Any:
        """Return `config` with the network of this encoding. Dropout, which has no weights, stays the config's."""
        return dataclasses.replace(config, **{name: value for name, value in self.network.items() if name != "dropout"})

    def reading_for(self, own: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """Return how inputs, of which `own` was learned, are prepared as they were for this encoding."""
        if kind != self.kind:
            raise SandlotError(f"--from a run that read {self.kind} can't read {kind}")
        for name in ("shape", "scales", "categories"):
            if name not in self.reading:
                continue  # it reads inputs of any
            mine, theirs = own.get(name), self.reading.get(name)
            if isinstance(mine, dict) and isinstance(theirs, dict):
                mine, theirs = sorted(mine), sorted(theirs)
            if mine != theirs:
                raise SandlotError(f"--from a run whose inputs had the {name} {theirs} can't read inputs of {mine}")
        return {**own, **{name: value for name, value in self.reading.items() if name != "columns"}}


def load_encoding(reader: nn.Module, encoding: Encoding) -> None:
    """Give a new reader the weights of an encoding."""
    weights = {name: torch.tensor(value) for name, value in encoding.tensors.items()}
    try:
        reader.load_state_dict(weights)
    except RuntimeError as error:
        raise SandlotError(f"the weights of --from don't fit: {str(error).splitlines()[-1].strip()}") from error


def layers_of(network: Any) -> list[list[tuple[str, nn.Module]]]:
    """Return the layers of a predictor's reader from the input on: a module with a matrix begins one."""
    layers: list[list[tuple[str, nn.Module]]] = []
    for name, module in network.reader.named_modules(prefix="reader"):
        own = list(module.parameters(recurse=False))
        if own and (not layers or any(parameter.ndim > 1 for parameter in own)):
            layers.append([])
        if own:
            layers[-1].append((name, module))
    return layers


def freeze(network: Any, count: int) -> list[nn.Module]:
    """Hold the first `count` layers of a predictor's reader, or all, and return their modules."""
    layers = layers_of(network)
    require(count <= len(layers), f"freeze must be at most {len(layers)}, the layers that there are", count)
    held = [module for layer in (layers if count == ALL else layers[:count]) for _, module in layer]
    for module in held:
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(False)
    return held


def layer_scales(network: Any, decay: float) -> dict[str, float]:
    """Return each layer's share of the learning rate: all for the head, times `decay` for each layer below it."""
    if decay == 1:
        return {}
    layers = layers_of(network)
    return {f"{name}.": decay ** (len(layers) - place) for place, layer in enumerate(layers) for name, _ in layer}
