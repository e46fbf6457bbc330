"""A learned vocabulary, of which each vector is replaced by the nearest word."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sandlot.supervised.networks.heads.precision import in_float32

DEAD = 0.5
"""A word that stands for fewer vectors of a batch than this, on average, is given a new meaning."""


class Quantizer(nn.Module):
    """Replace vectors by the nearest of some words, which follow the vectors that they stand for.

    The words learn by moving averages, not by gradients.

    Source: van den Oord et al., "Neural discrete representation learning", 2017, appendix A.1; the new meaning of
    words that nobody uses: Dhariwal et al., "Jukebox", 2020, section 3.
    """

    words: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, count: int, size: int, decay: float = 0.99):
        super().__init__()
        self.decay = decay
        self.register_buffer("words", torch.randn(count, size))
        self.register_buffer("counts", torch.zeros(count))
        self.register_buffer("sums", torch.zeros(count, size))

    def forward(self, vectors: Float[Tensor, "row size"]) -> Int[Tensor, "row"]:
        """Return the place of the word that is nearest to each vector."""
        return in_float32(self._nearest, vectors)

    def _nearest(self, vectors: Float[Tensor, "row size"]) -> Int[Tensor, "row"]:
        # |v - w|² without |v|², which is the same for all words.
        return (self.words.square().sum(1) - 2 * vectors @ self.words.T).argmin(1)

    @torch.no_grad()
    def update(self, vectors: Float[Tensor, "row size"], codes: Int[Tensor, "row"]) -> None:
        """Move each word towards the mean of the vectors that it stands for."""
        counts = torch.zeros_like(self.counts).index_add_(0, codes, torch.ones_like(vectors[:, 0]))
        sums = torch.zeros_like(self.sums).index_add_(0, codes, vectors)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        dead = self.counts < DEAD
        chosen = vectors[torch.randint(len(vectors), (len(self.words),), device=vectors.device)]
        self.counts.copy_(torch.where(dead, 1.0, self.counts))
        self.sums.copy_(torch.where(dead[:, None], chosen, self.sums))
        self.words.copy_(self.sums / self.counts[:, None])
