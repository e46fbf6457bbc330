"""Recurrent networks, on torch's fused kernels."""

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from .encoder import Encoder, Memory

CELLS: dict[str, type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
STEPS: dict[str, Any] = {"rnn": torch.rnn_tanh_cell, "lstm": torch.lstm_cell, "gru": torch.gru_cell}


class Recurrent(Encoder):
    """Encode sequences with an Elman RNN, an LSTM or a GRU.

    Episodes may start anywhere in a sequence. The sequence is cut there, and the pieces run side by side as
    one padded batch: one call of the kernel, whatever the number of episodes.
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
            if kind == "lstm" and "bias_hh" in name:
                # A forget gate that starts open keeps memories long enough to learn from them. Source:
                # Jozefowicz et al., "An empirical exploration of recurrent network architectures", 2015.
                nn.init.ones_(parameter.data[size : 2 * size])

    def initial_memory(self, batch: int) -> Memory:
        zeros = next(self.cell.parameters()).new_zeros(batch, self.layers, self.size)
        return (zeros, zeros) if self.kind == "lstm" else zeros

    def forward(
        self, inputs: Float[Tensor, "time batch size"], memory: Memory, start: Bool[Tensor, "time batch"]
    ) -> tuple[Float[Tensor, "time batch feature"], Memory]:
        memory = _kept(memory, ~start[0])
        if len(inputs) == 1:
            return self._step(inputs, memory)
        if not start[1:].any():
            features, state = self.cell(inputs, _to_cell(memory))
            return features, _from_cell(state)
        pieces = Pieces(start)
        features, _ = self.cell(pieces.cut(inputs), pieces.first_state(memory))
        return pieces.join(features), self._last_memory(inputs, memory, pieces)

    def features(
        self, inputs: Float[Tensor, "time batch size"], memory: Memory, start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        memory = _kept(memory, ~start[0])
        if not start[1:].any():
            return self.cell(inputs, _to_cell(memory))[0]
        pieces = Pieces(start)
        return pieces.join(self.cell(pieces.cut(inputs), pieces.first_state(memory))[0])

    def _step(
        self, inputs: Float[Tensor, "1 batch size"], memory: Memory
    ) -> tuple[Float[Tensor, "1 batch feature"], Memory]:
        """Take a single step, in a third of the time that a sequence of one would take."""
        features, states = inputs[0], []
        for layer, weights in enumerate(self.cell.all_weights):
            state = STEPS[self.kind](features, _map(memory, lambda part, layer=layer: part[:, layer]), *weights)
            features = state[0] if self.kind == "lstm" else state
            states.append(state)
        if self.kind == "lstm":
            return features[None], tuple(torch.stack(part, dim=1) for part in zip(*states, strict=True))
        return features[None], torch.stack(states, dim=1)

    @torch.no_grad()
    def _last_memory(self, inputs: Float[Tensor, "time batch size"], memory: Memory, pieces: "Pieces") -> Memory:
        """Return the memory after the last row of each column, which the padding of shorter pieces has run over."""
        last = pieces.last
        packed = pack_padded_sequence(pieces.cut(inputs)[:, last], pieces.lengths[last], enforce_sorted=False)
        first = _map(pieces.first_state(memory), lambda part: part[:, last])
        return _from_cell(self.cell(packed, first)[1])


class Pieces:
    """A batch of sequences cut where episodes start: which row goes where. Piece by piece, column by column."""

    def __init__(self, start: Bool[Tensor, "time batch"]):
        time, batch = start.shape
        starts = start.cpu().numpy().T.copy()
        starts[:, 0] = True
        # NumPy, since this is many small steps: torch would take five times as long.
        starts = starts.ravel()
        begin = np.flatnonzero(starts)
        piece = starts.cumsum() - 1
        row = np.arange(len(starts)) - begin[piece]
        self.count = len(begin)
        self.lengths = torch.from_numpy(np.diff(begin, append=len(starts)))
        places = (row * self.count + piece).reshape(batch, time).T.ravel()
        # Padding repeats the first row: what becomes of it is not read.
        sources = np.zeros((row.max() + 1) * self.count, np.int64)
        sources[places] = np.arange(len(places))
        first = piece[::time]
        self.shape = start.shape
        self.last = torch.from_numpy(piece[time - 1 :: time].copy())
        self.places, self.sources, self.first = (
            torch.from_numpy(index).to(start.device) for index in (places, sources, first.copy())
        )

    def cut(self, inputs: Float[Tensor, "time batch size"]) -> Float[Tensor, "longest piece size"]:
        """Return the pieces side by side, padded to the longest."""
        return inputs.flatten(0, 1).index_select(0, self.sources).unflatten(0, (-1, self.count))

    def join(self, features: Float[Tensor, "longest piece size"]) -> Float[Tensor, "time batch size"]:
        """Return the features of the pieces where their rows were."""
        return features.flatten(0, 1).index_select(0, self.places).unflatten(0, self.shape)

    def first_state(self, memory: Memory) -> Any:
        """Return the state that each piece begins with: a column's first has the column's memory, the others none."""

        def spread(part: Tensor) -> Tensor:
            state = part.new_zeros(part.shape[1], self.count, part.shape[2])
            return state.index_copy(1, self.first, part.transpose(0, 1))

        return _map(memory, spread)


def _kept(memory: Memory, keep: Bool[Tensor, "batch"]) -> Memory:
    """Return the memory with the rows that are not to be kept set to zero."""
    return _map(memory, lambda part: part * keep[:, None, None])


def _to_cell(memory: Memory) -> Any:
    return _map(memory, lambda part: part.transpose(0, 1).contiguous())


def _from_cell(state: Any) -> Memory:
    return _map(state, lambda part: part.transpose(0, 1).contiguous())


def _map(memory: Memory, function: Any) -> Memory:
    return tuple(function(part) for part in memory) if isinstance(memory, tuple) else function(memory)
