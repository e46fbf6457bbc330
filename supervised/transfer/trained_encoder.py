"""An encoder from another run, as the start of a new one."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import nn

from sandlot.supervised.encoder_builder import EncoderConfig
from sandlot.tracking import SandlotError

Config = TypeVar("Config", bound=EncoderConfig)


class TrainedEncoder(NamedTuple):
    """A trained encoder: its kind of inputs and their preprocessing, the network's options, and the weights."""

    kind: str
    preprocessing: Mapping[str, Any]
    network: Mapping[str, Any]
    tensors: Mapping[str, np.ndarray]

    @classmethod
    def of(
        cls, kind: str, preprocessing: Mapping[str, Any], config: EncoderConfig, tensors: Mapping[str, np.ndarray]
    ) -> "TrainedEncoder":
        """Return the trained encoder with these weights; `config` says which network it is."""
        names = [field.name for field in dataclasses.fields(EncoderConfig)]
        return cls(kind, preprocessing, {name: getattr(config, name) for name in names}, tensors)

    def applied_to(self, config: Config) -> Config:
        """Return `config` with this encoder's network. Dropout, which has no weights, stays the config's."""
        return dataclasses.replace(config, **{name: value for name, value in self.network.items() if name != "dropout"})

    def adapt_preprocessing(self, own: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """Return the preprocessing `own` of new data with the encoder's in its place.

        Raises `SandlotError` if the encoder can't read such inputs.
        """
        if kind != self.kind:
            raise SandlotError(f"--from a run that read {self.kind} can't read {kind}")
        for name in ("shape", "scales", "categories"):
            if name not in self.preprocessing:
                continue  # the encoder reads inputs of any
            mine, theirs = own.get(name), self.preprocessing.get(name)
            if isinstance(mine, dict) and isinstance(theirs, dict):
                mine, theirs = sorted(mine), sorted(theirs)
            if mine != theirs:
                raise SandlotError(f"--from a run whose inputs had the {name} {theirs} can't read inputs of {mine}")
        return {**own, **{name: value for name, value in self.preprocessing.items() if name != "columns"}}

    def load_into(self, backbone: nn.Module) -> None:
        """Load the weights into a new backbone."""
        weights = {name: torch.tensor(value) for name, value in self.tensors.items()}
        try:
            backbone.load_state_dict(weights)
        except RuntimeError as error:
            raise SandlotError(f"the weights of --from don't fit: {str(error).splitlines()[-1].strip()}") from error
