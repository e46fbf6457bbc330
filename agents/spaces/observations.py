"""From an observation space to what a network reads. Nothing else branches on observation spaces."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import Space, spaces
from jaxtyping import Bool
from torch import Tensor, nn

from sandlot.envs import MASK, has_mask
from sandlot.supervised.networks import RunningNorm
from sandlot.tracking import SandlotError

IMAGE_CHANNELS = (1, 2, 3, 4)


class ObservationPreprocessor(nn.Module):
    """Turn raw observations, as the environment gives them, into what an encoder reads."""

    def forward(self, observation: Any) -> Any:
        """Return the inputs for observations with any leading axes."""
        raise TypeError(f"{type(self).__name__} reads nothing")  # every subclass does

    def update(self, observation: Any, rows: Tensor) -> None:
        """Let running statistics take in the observations at the `rows` of the flattened leading axes."""

    def mask(self, observation: Any) -> Bool[Tensor, "*batch choice"] | None:
        """Return which actions are legal, if the observations tell."""
        return None


class VectorPreprocessor(ObservationPreprocessor):
    """A Box read as a flat vector, normalised by running statistics if asked to."""

    def __init__(self, space: spaces.Box, normalize: bool):
        super().__init__()
        self.shape = space.shape
        self.size = int(np.prod(space.shape))
        self.norm = RunningNorm(self.size) if normalize else None

    def forward(self, observation: Tensor) -> Tensor:
        vector = self._flat(observation)
        return vector if self.norm is None else self.norm(vector)

    def update(self, observation: Tensor, rows: Tensor) -> None:
        if self.norm is not None:
            self.norm.update(self._flat(observation).reshape(-1, self.size)[rows])

    def _flat(self, observation: Tensor) -> Tensor:
        if len(self.shape) != 1:
            leading = observation.shape[: observation.ndim - len(self.shape)]
            observation = observation.reshape(*leading, self.size)
        return observation.float()


class OneHotPreprocessor(ObservationPreprocessor):
    """A Discrete, MultiDiscrete or MultiBinary observation as ones and zeros."""

    def __init__(self, choices: list[int], starts: list[int], scalar: bool):
        super().__init__()
        self.choices, self.scalar = choices, scalar
        self.size = sum(choices)
        self.register_buffer("starts", torch.tensor(starts), persistent=False)

    def forward(self, observation: Tensor) -> Tensor:
        values = observation.unsqueeze(-1) if self.scalar else observation.flatten(-1)
        values = values.long() - self.starts  # pyright: ignore[reportOperatorIssue]
        parts = [F.one_hot(value, n) for value, n in zip(values.unbind(-1), self.choices, strict=True)]
        return torch.cat(parts, dim=-1).float()


class ImagePreprocessor(ObservationPreprocessor):
    """An image, channels first or last, as floats in [0, 1], channels first."""

    def __init__(self, space: spaces.Box):
        super().__init__()
        self.last = space.shape[2] in IMAGE_CHANNELS and space.shape[0] not in IMAGE_CHANNELS
        height, width, channels = space.shape if self.last else (*space.shape[1:], space.shape[0])
        self.channels, self.height, self.width = channels, height, width
        self.scale = 255.0 if space.dtype == np.uint8 else 1.0

    def forward(self, observation: Tensor) -> Tensor:
        image = observation.movedim(-1, -3) if self.last else observation
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

    def mask(self, observation: Any) -> Bool[Tensor, "*batch choice"]:
        legal = observation[MASK] != 0
        # Where nothing is legal the episode is over; all is as good as nothing there, and gives no NaN.
        return legal | ~legal.any(-1, keepdim=True)

    def _beside(self, observation: Any) -> Any:
        return observation if self.key is None else observation[self.key]


def preprocessor_for(space: Space, normalize: bool) -> ObservationPreprocessor:
    """Return what turns observations of `space` into inputs; `normalize` gives vectors running statistics."""
    match space:
        case spaces.Box() if is_image(space):
            return ImagePreprocessor(space)
        case spaces.Box():
            return VectorPreprocessor(space, normalize)
        case spaces.Discrete():
            return OneHotPreprocessor([int(space.n)], [int(space.start)], scalar=True)
        case spaces.MultiDiscrete() if space.nvec.ndim == 1:
            return OneHotPreprocessor(space.nvec.tolist(), space.start.tolist(), scalar=False)
        case spaces.MultiBinary() if len(space.shape) == 1:
            return OneHotPreprocessor([2] * space.shape[0], [0] * space.shape[0], scalar=False)
        case spaces.Dict() if has_mask(space):
            rest = {key: part for key, part in space.items() if key != MASK}
            only = next(iter(rest)) if len(rest) == 1 else None
            return MaskedPreprocessor(
                preprocessor_for(spaces.Dict(rest) if only is None else rest[only], normalize), only
            )
        case spaces.Dict():
            keys = list(space.keys())
            return CompositePreprocessor(
                {part_name(key): preprocessor_for(space[key], normalize) for key in keys}, keys
            )
        case spaces.Tuple():
            return CompositePreprocessor(
                {f"part{i}": preprocessor_for(part, normalize) for i, part in enumerate(space)}, list(range(len(space)))
            )
        case _:
            raise SandlotError(f"agents can't read observations of the space {space}")


def is_image(space: spaces.Box) -> bool:
    """Return whether observations of `space` are images: three axes, one of them the channels."""
    if len(space.shape) != 3:
        return False
    channels = space.shape[0] in IMAGE_CHANNELS or space.shape[2] in IMAGE_CHANNELS
    return channels and (space.dtype == np.uint8 or min(sorted(space.shape)[1:]) >= 8)


def part_name(key: str) -> str:
    """Return `key` as a module's name, which may hold no dot."""
    return key.replace(".", "_")
