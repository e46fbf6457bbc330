"""Recurrent networks, with torch's fused kernels."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sandlot.supervised.networks.encoder import Encoder, Memory

# A Learner lays parameters out in one tensor of its own, not in cuDNN's layout; that it copies them is no surprise.
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk", UserWarning)

CELLS: dict[str, type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
STEPS: dict[str, Any] = {"rnn": torch.rnn_tanh_cell, "lstm": torch.lstm_cell, "gru": torch.gru_cell}


class Recurrent(Encoder):
    """Encode sequences with an Elman RNN, an LSTM or a GRU.

    Episodes may start anywhere in a sequence. It is cut at their starts, and the pieces are run as one padded batch:
    one kernel call, whatever the number of episodes.

    Args:
        kind: The kind of cell: rnn, lstm or gru.
        input_size: Size of the input vectors.
        size: Units of each layer; also the feature size.
        layers: Number of layers.

    Source of the gates' initial bias: Jozefowicz et al., "An empirical exploration of recurrent network
    architectures", 2015, for the LSTM; Hafner et al., "Mastering Atari with discrete world models", 2021, for the GRU.
    """

    def __init__(self, kind: Literal["rnn", "lstm", "gru"], input_size: int, size: int, layers: int = 1):
        super().__init__()
        if size < 1 or layers < 1:
            raise ValueError(
                f"a recurrent network needs a memory of at least 1 unit and 1 layer, not {size} and {layers}"
            )
        self.kind, self.size, self.layers = kind, size, layers
        self.cell = CELLS[kind](input_size, size, layers)
        self.feature_size = size
        for name, parameter in self.cell.named_parameters():
            nn.init.zeros_(parameter) if "bias" in name else nn.init.orthogonal_(parameter)
            if kind != "rnn" and "bias_hh" in name:
                # Bias the gates towards keeping the state, so that memories last long enough to learn from.
                nn.init.ones_(parameter.data[size : 2 * size])

    def train(self, mode: bool = True) -> Self:
        """Set the mode of this module; its cell stays in training mode.

        cuDNN computes no gradients of a cell in evaluation mode, which agents learn in. The cell has no dropout, so
        the mode makes no other difference.
        """
        super().train(mode)
        self.cell.train()
        return self

    def initial_memory(self, batch: int) -> Memory:
        zeros = next(self.cell.parameters()).new_zeros(batch, self.layers, self.size)
        return (zeros, zeros) if self.kind == "lstm" else zeros

    def forward(
        self, inputs: Float[Tensor, "time batch size"], memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        memory = _kept(memory, ~episode_start[0])
        if len(inputs) == 1:
            return self._step(inputs, memory)
        if not episode_start[1:].any():
            features, state = self.cell(inputs, _to_cell(memory))
            return features, _from_cell(state, memory)
        return self._in_pieces(inputs, memory, episode_start), self._last_memory(inputs, memory, episode_start)

    def features(
        self, inputs: Float[Tensor, "time batch size"], memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        memory = _kept(memory, ~episode_start[0])
        if not episode_start[1:].any():
            return self.cell(inputs, _to_cell(memory))[0]
        return self._in_pieces(inputs, memory, episode_start)

    def _in_pieces(
        self, inputs: Float[Tensor, "time batch size"], memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        pieces = Pieces(episode_start)
        features, _ = self.cell(pieces.cut(inputs), _map(_to_cell(memory), pieces.first_state))
        return pieces.join(features)

    def _step(
        self, inputs: Float[Tensor, "1 batch size"], memory: Memory
    ) -> tuple[Float[Tensor, "1 batch feature"], Memory]:
        """Take a single step, in a third of the time of a sequence of one."""
        features, states = inputs[0], []
        for layer, weights in enumerate(self.cell.all_weights):
            state = STEPS[self.kind](features, _map(memory, lambda part, layer=layer: part[:, layer]), *weights)
            features = state[0] if self.kind == "lstm" else state
            states.append(state)
        if self.kind == "lstm":
            state = tuple(torch.stack(part, dim=1) for part in zip(*states, strict=True))
        else:
            state = torch.stack(states, dim=1)
        return features[None], _with_dtype_of(memory, state)

    @torch.no_grad()
    def _last_memory(
        self, inputs: Float[Tensor, "time batch size"], memory: Memory, episode_start: Bool[Tensor, "time batch"]
    ) -> Memory:
        """Return the memory after the last row, by running each column's last episode from its first row on."""
        rows = torch.arange(len(episode_start), device=episode_start.device)[:, None]
        begin = (episode_start * rows).amax(0)
        state = _to_cell(_kept(memory, begin == 0))
        for first, end in pairwise([*begin.unique().tolist(), len(inputs)]):
            columns = (begin <= first).nonzero().squeeze(-1)
            here = _map(state, lambda part, columns=columns: part[:, columns])
            _, after = self.cell(inputs[first:end, columns], here)
            for part, new in zip(_parts(state), _parts(after), strict=True):
                part.index_copy_(1, columns, new.to(part.dtype))  # under autocast, the new state has fewer bits
        return _from_cell(state, memory)


class Pieces:
    """The rows of a batch of sequences cut where episodes start: piece by piece, column by column."""

    def __init__(self, episode_start: Bool[Tensor, "time batch"]):
        self.shape = time, batch = episode_start.shape
        # NumPy: torch would take five times as long for these many small operations.
        starts = episode_start.cpu().numpy().T.copy()
        starts[:, 0] = True
        begin = np.flatnonzero(starts)
        piece = starts.cumsum() - 1
        row = np.arange(starts.size) - begin[piece]
        self.count = len(begin)
        place = (row * self.count + piece).reshape(batch, time).T.ravel()
        # Padding repeats the first row; its features are not used.
        source = np.zeros((row.max() + 1) * self.count, np.int64)
        source[place] = np.arange(starts.size)
        indices = (place, source, piece[::time].copy())
        self.place, self.source, self.first = (torch.from_numpy(index).to(episode_start.device) for index in indices)

    def cut(self, inputs: Float[Tensor, "time batch size"]) -> Float[Tensor, "longest piece size"]:
        """Return the pieces side by side, padded to the longest."""
        return inputs.flatten(0, 1).index_select(0, self.source).unflatten(0, (-1, self.count))

    def join(self, features: Float[Tensor, "longest piece size"]) -> Float[Tensor, "time batch size"]:
        """Return the features of the pieces in the places of their rows."""
        return features.flatten(0, 1).index_select(0, self.place).unflatten(0, self.shape)

    def first_state(self, state: Float[Tensor, "layer batch size"]) -> Float[Tensor, "layer piece size"]:
        """Return the initial state of each piece: the column's state for its first, zeros for the others."""
        none = state.new_zeros(len(state), self.count, state.shape[-1])
        return none.index_copy(1, self.first, state)


def _kept(memory: Memory, keep: Bool[Tensor, "batch"]) -> Memory:
    """Return the memory with the rows not to be kept set to zero."""
    return _map(memory, lambda part: part * keep[:, None, None])


def _to_cell(memory: Memory) -> Any:
    return _map(memory, lambda part: part.transpose(0, 1).contiguous())


def _from_cell(state: Any, before: Memory) -> Memory:
    return _with_dtype_of(before, _map(state, lambda part: part.transpose(0, 1).contiguous()))


def _with_dtype_of(before: Memory, memory: Memory) -> Memory:
    """Return `memory` with the precision of the memory before: under autocast, cells return fewer bits."""
    dtype = _parts(before)[0].dtype
    return memory if _parts(memory)[0].dtype == dtype else _map(memory, lambda part: part.to(dtype))


def _map(memory: Memory, function: Callable[[Tensor], Tensor]) -> Memory:
    return tuple(function(part) for part in memory) if isinstance(memory, tuple) else function(memory)


def _parts(memory: Memory) -> tuple[Tensor, ...]:
    return memory if isinstance(memory, tuple) else (memory,)
