"""A causal transformer with a bounded memory of past steps."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Encoder
from sandlot.supervised.networks.layers.initialize import orthogonal


class PastSteps(NamedTuple):
    """The inputs of each layer at the last steps, newest last, and which of them belong to this episode."""

    hidden: Float[Tensor, "batch layer length size"]
    valid: Bool[Tensor, "batch length"]


class Transformer(Encoder):
    """Encode sequences with causal attention over the last `length` steps of the episode, and the step itself.

    Layers are pre-norm. As in Transformer-XL, the memory holds each layer's inputs at the past steps, so stepping
    row by row equals running a whole sequence. Positions are relative: a learned bias for each distance.

    A memory may hold fewer steps than `length`; that of `no_memory` holds none, which saves attending to empty slots.

    Args:
        input_size: Size of the input vectors.
        size: Width of the model; also the feature size.
        layers: Number of layers.
        heads: Number of attention heads.
        length: Past steps to attend to.
        gating: GTrXL's GRU-type gates in place of residual sums.

    Source: Dai et al., "Transformer-XL", 2019; Parisotto et al., "Stabilizing transformers for reinforcement
    learning" (GTrXL), 2020.
    """

    def __init__(
        self, input_size: int, size: int = 64, layers: int = 2, heads: int = 4, length: int = 32, gating: bool = False
    ):
        super().__init__()
        if length < 1:
            raise ValueError(f"a transformer's memory must hold at least 1 step, not {length}")
        if heads < 1 or size % heads:
            raise ValueError(f"{heads} heads don't divide a transformer of size {size}; try {_divisor(size, heads)}")
        if layers < 1:
            raise ValueError(f"a transformer needs at least 1 layer, not {layers}")
        self.size, self.length = size, length
        self.read = orthogonal(nn.Linear(input_size, size), gain=1.0)
        self.layers = nn.ModuleList(Layer(size, heads, length, gating) for _ in range(layers))
        self.norm = nn.LayerNorm(size)
        self.feature_size = size

    def initial_memory(self, batch: int) -> PastSteps:
        weight = self.read.weight
        hidden = weight.new_zeros(batch, len(self.layers), self.length, self.size)
        return PastSteps(hidden, torch.zeros(batch, self.length, dtype=torch.bool, device=weight.device))

    def no_memory(self, batch: int) -> PastSteps:
        """Return a memory without slots for past steps, for whole sequences."""
        weight = self.read.weight
        return PastSteps(
            weight.new_zeros(batch, len(self.layers), 0, self.size),
            torch.zeros(batch, 0, dtype=torch.bool, device=weight.device),
        )

    def forward(
        self, inputs: Float[Tensor, "time batch size"], memory: PastSteps, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], PastSteps]:
        features, hidden, valid = self._encode(inputs, memory, episode_start)
        last = [each[:, -self.length :] for each in hidden]
        return features, PastSteps(torch.stack(last, dim=1).detach(), valid[:, -self.length :])

    def features(
        self, inputs: Float[Tensor, "time batch size"], memory: PastSteps, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        return self._encode(inputs, memory, episode_start)[0]

    def _encode(self, inputs: Tensor, memory: PastSteps, episode_start: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return the features, each layer's inputs from the memory on, and which of them belong to the last episode."""
        time, past_steps = len(inputs), memory.valid.shape[1]
        x = self.read(inputs).transpose(0, 1)
        # Number the episodes: the memory belongs to number 0, as do the rows before the first start.
        episode = F.pad(episode_start.T.long().cumsum(1), (past_steps, 0))
        valid = torch.cat([memory.valid, torch.ones_like(episode_start.T)], dim=1)
        distance = _distance(time, past_steps, x.device)
        seen = (distance >= 0) & (distance <= self.length) & valid[:, None, :]
        seen = seen & (episode[:, past_steps:, None] == episode[:, None, :])
        distance = distance.clamp(0, self.length)
        hidden = []
        for index, layer in enumerate(self.layers):
            hidden.append(torch.cat([memory.hidden[:, index], x], dim=1) if past_steps else x)
            x = layer(x, hidden[-1], seen, distance)
        return self.norm(x).transpose(0, 1), hidden, valid & (episode == episode[:, -1:])


class Layer(nn.Module):
    """A pre-norm transformer layer with relative positions, and residual sums or gates."""

    def __init__(self, size: int, heads: int, length: int, gating: bool):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query = nn.Linear(size, size)
        self.key_value = nn.Linear(size, 2 * size)
        self.project = nn.Linear(size, size)
        self.bias = nn.Parameter(torch.zeros(heads, length + 1))
        self.mlp = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size))
        self.join_attention, self.join_mlp = (Gate(size) if gating else Sum() for _ in range(2))

    def forward(
        self,
        x: Float[Tensor, "batch time size"],
        past: Float[Tensor, "batch reach size"],
        seen: Bool[Tensor, "batch time reach"],
        distance: Tensor,
    ) -> Float[Tensor, "batch time size"]:
        """Return the residual stream after this layer. `past` is the stream in memory followed by `x`."""
        normed = self.attention_norm(past)
        query = self._split(self.query(normed[:, -x.shape[1] :]))
        key, value = (self._split(part) for part in self.key_value(normed).chunk(2, dim=-1))
        bias = self.bias[:, distance].masked_fill(~seen[:, None], -torch.inf)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        x = self.join_attention(x, self.project(attended.transpose(1, 2).flatten(2)))
        return self.join_mlp(x, self.mlp(self.mlp_norm(x)))

    def _split(self, x: Float[Tensor, "batch row size"]) -> Float[Tensor, "batch head row part"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Sum(nn.Module):
    """A residual sum."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Gate(nn.Module):
    """GTrXL's GRU-type gate, initialised close to the identity."""

    def __init__(self, size: int, bias: float = 2.0):
        super().__init__()
        self.from_y = nn.Linear(size, 3 * size, bias=False)
        self.from_x = nn.Linear(size, 2 * size, bias=False)
        self.candidate = nn.Linear(size, size, bias=False)
        self.bias = nn.Parameter(torch.full((size,), bias))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        y_reset, y_update, y_candidate = self.from_y(y).chunk(3, dim=-1)
        x_reset, x_update = self.from_x(x).chunk(2, dim=-1)
        reset = torch.sigmoid(y_reset + x_reset)
        update = torch.sigmoid(y_update + x_update - self.bias)
        candidate = torch.tanh(y_candidate + self.candidate(reset * x))
        return (1 - update) * x + update * candidate


def _distance(time: int, past_steps: int, device: torch.device) -> Tensor:
    """Return how many steps before each row of the sequence each step of memory and sequence lies."""
    rows = torch.arange(time, device=device)[:, None] + past_steps
    return rows - torch.arange(past_steps + time, device=device)


def _divisor(size: int, heads: int) -> int:
    """Return the number of heads nearest to `heads` that divides `size`."""
    return min((n for n in range(1, size + 1) if size % n == 0), key=lambda n: abs(n - heads))
