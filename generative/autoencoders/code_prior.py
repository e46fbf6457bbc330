"""A model of codes, word after word, from which new ones are drawn."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from sandlot.supervised.data import Batch
from sandlot.supervised.networks import Recurrent

CODES = "codes"


class CodePrior(nn.Module):
    """The probability of each word of a code, given those before it, by a GRU that is told the place.

    Source: van den Oord et al., "Neural discrete representation learning", 2017, section 3.3, with a GRU in place
    of a PixelCNN.
    """

    def __init__(self, words: int, length: int, size: int):
        super().__init__()
        self.words, self.length = words, length
        self.embedding = nn.Embedding(words + 1, size)  # the last stands for what is before the first
        self.place = nn.Parameter(0.02 * torch.randn(length, 1, size))
        self.encoder = Recurrent("gru", size, size)
        self.head = nn.Linear(size, words)
        self.compiles = False

    def forward(self, codes: Int[Tensor, "row length"]) -> Float[Tensor, "length row word"]:
        """Return the logits of each word, which depend on the words before it alone."""
        before = F.pad(codes[:, :-1], (1, 0), value=self.words).T
        episode_start = torch.zeros(before.shape, dtype=torch.bool, device=codes.device)
        inputs = self.embedding(before) + self.place
        return self.head(self.encoder.features(inputs, self.encoder.initial_memory(len(codes)), episode_start))

    def sample(self, count: int) -> Int[Tensor, "count length"]:
        """Draw new codes, with torch's random numbers."""
        device = self.place.device
        memory = self.encoder.initial_memory(count)
        episode_start = torch.zeros(1, count, dtype=torch.bool, device=device)
        word = torch.full((count,), self.words, device=device)
        drawn = []
        for place in self.place:
            features, memory = self.encoder((self.embedding(word) + place)[None], memory, episode_start)
            word = torch.multinomial(self.head(features[0]).softmax(-1), 1).squeeze(1)
            drawn.append(word)
        return torch.stack(drawn, 1)


def prior_loss(module: CodePrior, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the cross-entropy of the codes' words, in nats a word."""
    loss = F.cross_entropy(module(batch[CODES]).flatten(0, 1), batch[CODES].T.flatten())
    return loss, {"nats": loss.detach()}
