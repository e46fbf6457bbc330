"""From an observation space to what a network reads. Nothing else branches on observation spaces."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import Space, spaces
from jaxtyping import Bool
from torch import Tensor, nn

from sandlot.envs import MASK, ImageLayout, has_mask, image_layout, is_bytes, white
from sandlot.supervised.networks import RunningNorm
from sandlot.tracking import SandlotError

MOST_ONE_HOT = 2_000
"""Choices from which on one-hot vectors are slower than an embedding."""
FAR = 1e4
"""Size of numbers in float64 from which on normalisation first subtracts the first of them, in float64."""


class ObservationPreprocessor(nn.Module):
    """Turn raw observations, as the environment gives them, into what an encoder reads."""

    given_mask: Tensor | None = None
    """Legal actions of each row, whatever the observations tell."""

    def forward(self, observation: Any) -> Any:
        """Return the inputs for observations with any leading axes."""
        raise TypeError(f"{type(self).__name__} reads nothing")  # every subclass does

    def update(self, observation: Any, rows: Tensor) -> None:
        """Let running statistics take in the observations at the `rows` of the flattened leading axes."""

    def mask(self, observation: Any) -> Bool[Tensor, "*batch choice"] | None:
        """Return which actions are legal, if that is known."""
        legal = self._shown_mask(observation) if self.given_mask is None else self.given_mask.unsqueeze(0)
        # Where nothing is legal the episode is over; all is as good as nothing there, and gives no NaN.
        return None if legal is None else legal | ~legal.any(-1, keepdim=True)

    def _shown_mask(self, observation: Any) -> Bool[Tensor, "*batch choice"] | None:
        """Return the action mask in the observations, if there is one."""
        return None


class VectorPreprocessor(ObservationPreprocessor):
    """A Box read as a flat vector, normalised by running statistics if asked to; bytes are scaled to [0, 1].

    Numbers so large that float32 would lose their differences, such as times, are shifted by the first of them before.
    """

    shift: Tensor | None

    def __init__(self, space: spaces.Box, normalize: bool):
        super().__init__()
        self.shape = space.shape
        self.size = int(np.prod(space.shape))
        self.norm = RunningNorm(self.size) if normalize else None
        self.scale = 255.0 if is_bytes(space) and not normalize else 1.0
        self.register_buffer("shift", None)
        if normalize and space.dtype == np.float64:
            self.shift = torch.zeros(self.size, dtype=torch.float64)

    def forward(self, observation: Tensor) -> Tensor:
        vector = self._flat(observation)
        return vector if self.norm is None else self.norm(vector)

    def update(self, observation: Tensor, rows: Tensor) -> None:
        if self.norm is None:
            return
        if self.shift is not None and self.norm.count == 0 and len(rows):
            first = observation.reshape(-1, self.size)[rows[0]]
            self.shift.copy_(torch.where(first.abs() > FAR, first, 0.0))
        self.norm.update(self._flat(observation).reshape(-1, self.size)[rows])

    def _flat(self, observation: Tensor) -> Tensor:
        if len(self.shape) != 1:
            leading = observation.shape[: observation.ndim - len(self.shape)]
            observation = observation.reshape(*leading, self.size)
        if self.shift is not None:
            observation = observation - self.shift
        vector = observation.float()
        return vector if self.scale == 1.0 else vector / self.scale


class OneHotPreprocessor(ObservationPreprocessor):
    """A Discrete, MultiDiscrete or MultiBinary observation as ones and zeros; of very many choices, as indices."""

    def __init__(self, choices: list[int], starts: list[int], dimensions: int):
        super().__init__()
        self.choices, self.dimensions = choices, dimensions
        self.size = sum(choices)
        self.embedded = self.size > MOST_ONE_HOT
        """Whether choices are numbers for an embedding, those of each part counted on from the part before."""
        if self.embedded:
            starts = [start - before for start, before in zip(starts, np.cumsum([0, *choices[:-1]]), strict=True)]
        self.register_buffer("starts", torch.tensor(starts), persistent=False)

    def forward(self, observation: Tensor) -> Tensor:
        leading = observation.shape[: observation.ndim - self.dimensions]
        values = observation.reshape(*leading, len(self.choices))
        values = values.long() - self.starts  # pyright: ignore[reportOperatorIssue]
        if self.embedded:
            return values
        parts = [F.one_hot(value, n) for value, n in zip(values.unbind(-1), self.choices, strict=True)]
        return torch.cat(parts, dim=-1).float()


class ImagePreprocessor(ObservationPreprocessor):
    """An image as floats in [0, 1], channels first; of stacked frames, the channels of all one after the other."""

    def __init__(self, space: spaces.Box, layout: ImageLayout):
        super().__init__()
        self.layout = layout
        self.channels, self.height, self.width = layout.frames * layout.channels, layout.height, layout.width
        self.scale = white(space)

    def forward(self, observation: Tensor) -> Tensor:
        axis = self.layout.channel_axis
        image = observation.unsqueeze(-3) if axis is None else observation.movedim(axis, -3)
        if self.layout.stacked:
            image = image.flatten(-4, -3)
        if image.device.type == "cpu" and image.ndim > 4:
            # A processor convolves images a third faster with their channels innermost; moving bytes is cheap.
            rows = image.flatten(end_dim=-4).contiguous(memory_format=torch.channels_last)
            image = rows.unflatten(0, image.shape[:-3])
        return image.float() / self.scale


class CompositePreprocessor(ObservationPreprocessor):
    """A Dict or Tuple of observations, each part by its own `ObservationPreprocessor`."""

    def __init__(self, parts: dict[str, ObservationPreprocessor], keys: list[Any]):
        super().__init__()
        self.parts, self.keys = nn.ModuleDict(parts), keys

    def forward(self, observation: Any) -> dict[str, Any]:
        named = zip(self.parts.items(), self.keys, strict=True)
        return {name: part(observation[key]) for (name, part), key in named}

    def update(self, observation: Any, rows: Tensor) -> None:
        for part, key in zip(self.parts.values(), self.keys, strict=True):
            part.update(observation[key], rows)  # pyright: ignore[reportCallIssue]


class MaskedPreprocessor(ObservationPreprocessor):
    """What lies beside a mask of legal actions, which networks don't read."""

    def __init__(self, rest: ObservationPreprocessor, key: str | None):
        super().__init__()
        self.rest, self.key = rest, key

    def forward(self, observation: Any) -> Any:
        return self.rest(self._beside(observation))

    def update(self, observation: Any, rows: Tensor) -> None:
        self.rest.update(self._beside(observation), rows)

    def _shown_mask(self, observation: Any) -> Bool[Tensor, "*batch choice"]:
        return observation[MASK] != 0

    def _beside(self, observation: Any) -> Any:
        return observation if self.key is None else observation[self.key]


def preprocessor_for(space: Space, normalize: bool) -> ObservationPreprocessor:
    """Return what turns observations of `space` into inputs; `normalize` gives vectors running statistics."""
    match space:
        case spaces.Box() if (layout := image_layout(space)) is not None:
            return ImagePreprocessor(space, layout)
        case spaces.Box() if 0 in space.shape:
            raise SandlotError(f"agents can't read observations without numbers, as those of the space {space} are")
        case spaces.Box():
            return VectorPreprocessor(space, normalize)
        case spaces.Discrete():
            return OneHotPreprocessor([int(space.n)], [int(space.start)], dimensions=0)
        case spaces.MultiDiscrete():
            return OneHotPreprocessor(space.nvec.ravel().tolist(), space.start.ravel().tolist(), space.nvec.ndim)
        case spaces.MultiBinary():
            count = int(np.prod(space.shape))
            return OneHotPreprocessor([2] * count, [0] * count, len(space.shape))
        case spaces.Dict() if has_mask(space):
            rest = {key: part for key, part in space.items() if key != MASK}
            only = next(iter(rest)) if len(rest) == 1 else None
            return MaskedPreprocessor(
                preprocessor_for(spaces.Dict(rest) if only is None else rest[only], normalize), only
            )
        case spaces.Dict():
            keys = list(space.keys())
            return CompositePreprocessor(
                dict(zip(part_names(keys), (preprocessor_for(space[key], normalize) for key in keys), strict=True)),
                keys,
            )
        case spaces.Tuple():
            return CompositePreprocessor(
                {f"part{i}": preprocessor_for(part, normalize) for i, part in enumerate(space)}, list(range(len(space)))
            )
        case _:
            raise SandlotError(f"agents can't read observations of the space {space}")


def part_names(keys: list[Any]) -> list[str]:
    """Return a module's name for each key of a Dict: the key itself where it can be one."""
    taken = set(dir(nn.ModuleDict()))
    names: list[str] = []
    for key in keys:
        name = str(key).replace(".", "_") or "part"
        while name in taken:
            name += "_"
        taken.add(name)
        names.append(name)
    return names
