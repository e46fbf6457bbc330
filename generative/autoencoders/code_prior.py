"""An autoregressive prior over the discrete codes of a VQ-VAE."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sandlot.supervised.data import Batch
from sandlot.supervised.networks import Recurrent

CODES = "codes"
Codes = Int[Tensor, "row length"]
"""For each row, the codebook indices of its positions, line by line."""


class CodePrior(nn.Module):
    """The probability of each code given those before it and its position, by a GRU.

    Source: van den Oord et al., "Neural discrete representation learning", 2017, section 3.3, with a GRU in place
    of a PixelCNN.
    """

    def __init__(self, codebook_size: int, length: int, hidden_size: int):
        super().__init__()
        self.start_token = codebook_size
        self.code_embedding = nn.Embedding(codebook_size + 1, hidden_size)
        self.position_embedding = nn.Parameter(0.02 * torch.randn(length, 1, hidden_size))
        self.encoder = Recurrent("gru", hidden_size, hidden_size)
        self.head = nn.Linear(hidden_size, codebook_size)
        self.compiles = False

    def forward(self, codes: Codes) -> Float[Tensor, "length row code"]:
        """Return the logits of each code, which depend on the codes before it alone."""
        previous = F.pad(codes[:, :-1], (1, 0), value=self.start_token).T
        episode_start = torch.zeros(previous.shape, dtype=torch.bool, device=codes.device)
        inputs = self.code_embedding(previous) + self.position_embedding
        return self.head(self.encoder.features(inputs, self.encoder.initial_memory(len(codes)), episode_start))

    def sample(self, count: int) -> Codes:
        """Draw new codes, with torch's random numbers."""
        device = self.position_embedding.device
        memory = self.encoder.initial_memory(count)
        episode_start = torch.zeros(1, count, dtype=torch.bool, device=device)
        code = torch.full((count,), self.start_token, device=device)
        codes = []
        for position in self.position_embedding:
            features, memory = self.encoder((self.code_embedding(code) + position)[None], memory, episode_start)
            code = torch.multinomial(self.head(features[0]).softmax(-1), 1).squeeze(1)
            codes.append(code)
        return torch.stack(codes, 1)


def prior_loss(prior: CodePrior, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the cross-entropy of the batch's codes, in nats per code."""
    loss = F.cross_entropy(prior(batch[CODES]).flatten(0, 1), batch[CODES].T.flatten())
    return loss, {"prior_nats": loss.detach()}
