"""Recurrent networks, on torch's fused kernels."""

from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from .encoder import Encoder, Memory

CELLS: dict[str, type[nn.RNN] | type[nn.LSTM] | type[nn.GRU]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


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
        if len(inputs) == 1 or not start[1:].any():
            features, state = self.cell(inputs, _to_cell(memory))
            return features, _from_cell(state)
        pieces = Pieces(start)
        features, _ = self.cell(pieces.cut(inputs), _to_cell(pieces.first_memory(memory)))
        return pieces.join(features), self._last_memory(inputs, memory, pieces)

    def features(
        self, inputs: Float[Tensor, "time batch size"], memory: Memory, start: Bool[Tensor, "time batch"]
    ) -> Float[Tensor, "time batch feature"]:
        memory = _kept(memory, ~start[0])
        if not start[1:].any():
            return self.cell(inputs, _to_cell(memory))[0]
        pieces = Pieces(start)
        return pieces.join(self.cell(pieces.cut(inputs), _to_cell(pieces.first_memory(memory)))[0])

    @torch.no_grad()
    def _last_memory(self, inputs: Float[Tensor, "time batch size"], memory: Memory, pieces: "Pieces") -> Memory:
        """Return the memory after the last row of each column, which the padding of shorter pieces has run over."""
        lengths = pieces.lengths[pieces.last]
        packed = pack_padded_sequence(pieces.cut(inputs)[:, pieces.last], lengths.cpu(), enforce_sorted=False)
        first = _map(pieces.first_memory(memory), lambda part: part[pieces.last])
        return _from_cell(self.cell(packed, _to_cell(first))[1])


class Pieces:
    """A batch of sequences cut where episodes start. Piece by piece, column by column."""

    def __init__(self, start: Bool[Tensor, "time batch"]):
        self.time, self.batch = start.shape
        starts = start.T.clone()
        starts[:, 0] = True
        flat = starts.flatten()
        begin = flat.nonzero().squeeze(-1)
        self.piece = flat.cumsum(0) - 1
        self.row = torch.arange(len(flat), device=start.device) - begin[self.piece]
        self.lengths = torch.bincount(self.piece)
        by_column = self.piece.view(self.batch, self.time)
        self.first, self.last = by_column[:, 0], by_column[:, -1]

    def cut(self, inputs: Float[Tensor, "time batch size"]) -> Float[Tensor, "longest piece size"]:
        """Return the pieces, padded with zeros."""
        padded = inputs.new_zeros(int(self.lengths.max()), len(self.lengths), inputs.shape[-1])
        return padded.index_put((self.row, self.piece), inputs.transpose(0, 1).flatten(0, 1))

    def join(self, features: Float[Tensor, "longest piece size"]) -> Float[Tensor, "time batch size"]:
        """Return the features of the pieces where their rows were."""
        return features[self.row, self.piece].view(self.batch, self.time, -1).transpose(0, 1)

    def first_memory(self, memory: Memory) -> Memory:
        """Return the memory that each piece begins with: a column's first has the column's, the others none."""

        def spread(part: Tensor) -> Tensor:
            return part.new_zeros(len(self.lengths), *part.shape[1:]).index_put((self.first,), part)

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
