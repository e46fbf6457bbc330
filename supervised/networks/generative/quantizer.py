"""Vector quantization with a learned codebook."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sandlot.supervised.networks.heads.precision import in_float32

RESTART_BELOW = 0.5
"""A codebook entry that gets fewer vectors of a batch than this, on average, is reset to a vector of the batch."""


class VectorQuantizer(nn.Module):
    """Replace vectors by the nearest entry of a codebook, which learns by exponential moving averages, not gradients.

    Arguments:
        codebook_size: number of entries.
        size: length of the vectors.
        decay: decay of the moving averages.

    Source: van den Oord et al., "Neural discrete representation learning", 2017, appendix A.1; restarts of unused
    entries: Dhariwal et al., "Jukebox", 2020, section 3.
    """

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, codebook_size: int, size: int, decay: float = 0.99):
        super().__init__()
        self.decay = decay
        self.register_buffer("codebook", torch.randn(codebook_size, size))
        self.register_buffer("counts", torch.zeros(codebook_size))
        self.register_buffer("sums", torch.zeros(codebook_size, size))

    def forward(self, vectors: Float[Tensor, "row size"]) -> Int[Tensor, "row"]:
        """Return the code of each vector: the index of the nearest codebook entry."""
        return in_float32(self._nearest, vectors)

    def _nearest(self, vectors: Float[Tensor, "row size"]) -> Int[Tensor, "row"]:
        # |v - e|² without |v|², which is the same for all entries e.
        return (self.codebook.square().sum(1) - 2 * vectors @ self.codebook.T).argmin(1)

    def _totals(self, vectors: Float[Tensor, "row size"], codes: Int[Tensor, "row"]) -> tuple[Tensor, Tensor]:
        """Return the number of vectors with each code, and their sum."""
        if vectors.is_cuda:  # where adding by index is in no fixed order, so that its last bits vary
            assigned = F.one_hot(codes, len(self.codebook)).T.float()
            return assigned.sum(1), assigned @ vectors
        counts = torch.zeros_like(self.counts).index_add_(0, codes, torch.ones_like(vectors[:, 0]))
        return counts, torch.zeros_like(self.sums).index_add_(0, codes, vectors)

    @torch.no_grad()
    def update(self, vectors: Float[Tensor, "row size"], codes: Int[Tensor, "row"]) -> None:
        """Move each entry towards the mean of the vectors that have its code."""
        counts, sums = self._totals(vectors.float(), codes)
        self.counts.lerp_(counts, 1 - self.decay)
        self.sums.lerp_(sums, 1 - self.decay)
        unused = self.counts < RESTART_BELOW
        replacements = vectors[torch.randint(len(vectors), (len(self.codebook),), device=vectors.device)]
        self.counts.copy_(torch.where(unused, 1.0, self.counts))
        self.sums.copy_(torch.where(unused[:, None], replacements, self.sums))
        self.codebook.copy_(self.sums / self.counts[:, None])
