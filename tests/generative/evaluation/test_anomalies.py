"""Anomaly scores where they can be worked out."""

import pytest
import torch

from sandlot.generative import AE
from sandlot.generative.evaluation.anomalies import AnomalyScorer, auroc

pytestmark = pytest.mark.shapes


def test_auroc_is_the_fraction_of_pairs_in_order():
    score = torch.tensor([3.0, 1.0, 2.0, 0.0])
    assert auroc(score, torch.tensor([True, False, False, True])) == pytest.approx(0.5)
    assert auroc(score, torch.tensor([True, False, True, False])) == pytest.approx(1.0)


class FirstTwoValues(AE):
    """Encodes a row by its first two values; the third is nearly always 0, the fourth is noise."""

    def inputs(self, batch):
        return batch["x"]

    def embed(self, batch):
        return batch["x"][:, :2]

    def decode(self, latent, label=None):
        return torch.cat([latent, torch.zeros(len(latent), 2)], 1)


def test_unusual_errors_and_distant_codes_score_high():
    reference, others = (
        torch.randn(2000, 4, generator=torch.Generator().manual_seed(seed)) * torch.tensor([1.0, 5.0, 0.1, 2.0])
        for seed in (0, 1)
    )
    scorer = AnomalyScorer(FirstTwoValues(None), {"x": reference})
    assert scorer.score({"x": others}).mean().item() == pytest.approx(0.0, abs=0.2)
    cases = torch.tensor([[0.0, 0, 0, 1], [0, 0, 0, 4], [0, 0, 6, 0], [0, 5, 0, 1], [5, 0, 0, 1], [5, 0, 6, 1]])
    typical, noisy, wrong, wide, far, both = scorer.score({"x": cases}).tolist()
    assert typical < noisy < wrong
    assert typical < wide < far < both
    assert wrong < both
