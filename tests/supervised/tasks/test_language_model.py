"""Language models on texts that repeat themselves."""

import numpy as np
import pytest

from sandlot.supervised import LanguageModel
from sandlot.supervised.tasks.language_model import WindowLoader
from tests.supervised.datasets import SMALL, frame_of, overfit_one_batch

pytestmark = pytest.mark.shapes


@pytest.mark.parametrize("network", ["rnn", "lstm", "gru", "transformer"])
def test_language_models_overfit_a_batch(network):
    data = frame_of(text=["to be or not to be that is the question " * 30])
    overfit_one_batch(LanguageModel(data, network=network, context_length=16, **{**SMALL, "memory_size": 32}), to=0.3)


def test_language_model_continues_a_pattern():
    data = frame_of(text=["abcdefgh" * 400])
    task = LanguageModel(data, network="gru", context_length=16, memory_size=32, epochs=8, learning_rate=1e-2).learn()
    assert task.sample("abc", 8, temperature=0.0) == "abcdefghabc"
    assert task.sample("abc", 8, seed=1) == task.sample("abc", 8, seed=1)
    measures = task.evaluate()
    assert measures["perplexity"] == pytest.approx(np.exp(measures["loss"]))
    assert measures["bits_per_character"] == pytest.approx(measures["loss"] / np.log(2))


def test_byte_pairs_decode_to_the_text():
    data = frame_of(text=["Grüße an Zoë, 12 €! " * 100])
    task = LanguageModel(data, tokenizer="byte-pairs", vocab_size=300, context_length=8)
    assert task.tokenizer.decode(task.tokenizer.encode("Zoë, Grüße 7 €")) == "Zoë, Grüße 7 €"
    assert len(task.tokenizer) <= 300


def test_windows_shift_each_epoch_but_stay_in_their_split():
    task = LanguageModel(frame_of(text=["abcdefghij" * 100]), context_length=16)
    loader = task.loader()
    assert isinstance(loader, WindowLoader)
    begin, end = task.spans["train"]
    rows = [loader.rows_of_epoch(epoch) for epoch in range(50)]
    assert len({int(row[0]) for row in rows}) > 5
    assert all(begin <= row[0] and row[-1] + 17 <= end for row in rows)
