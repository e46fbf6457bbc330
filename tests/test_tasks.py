"""Tasks on data that is small enough to be learned in a second or two."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sandlot.supervised import Classifier, Forecaster, LanguageModel, Regressor
from sandlot.supervised.data import Frame
from sandlot.supervised.fitting.fit import fit
from sandlot.supervised.tasks.classifier import classification_loss
from sandlot.supervised.tasks.language_model import WindowLoader
from sandlot.supervised.tasks.regressor import regression_loss
from sandlot.tracking import SandlotError

GOOD, BAD = ["lovely", "great", "fine", "superb", "nice"], ["awful", "bad", "poor", "horrid", "dull"]
PLAIN = ["the", "film", "was", "long", "and", "had", "a", "plot", "with", "actors", "in", "it"]


def made(name="made", given=None, classes=None, **columns):
    arrays = {key: np.array(column, object if isinstance(column[0], str | None) else None)
              for key, column in columns.items()}  # fmt: skip
    rows = len(next(iter(arrays.values())))
    return Frame(name, arrays, [(f"{name}.csv", rows)], classes or {}, given)


def pictures(rows=40, size=16, classes=2, channels=1):
    """Images with a bright bar: where it is, is the class."""
    random = np.random.default_rng(0)
    label = np.arange(rows) % classes
    image = random.integers(0, 60, (rows, size, size, channels), dtype=np.uint8)
    for row, place in enumerate(label):
        image[row, :, place * size // classes : place * size // classes + 3] += 180
    return Frame("bars", {"image": image, "label": label}, [("bars", rows)])


def reviews(rows=240):
    random = np.random.default_rng(0)
    texts = []
    for row in range(rows):
        words = [*random.choice(PLAIN, 6), *random.choice(GOOD if row % 2 else BAD, 2)]
        random.shuffle(words)
        texts.append(" ".join(words))
    return made(text=texts, label=["good" if row % 2 else "bad" for row in range(rows)])


def waves(rows=400):
    time = np.arange(rows)
    return made("waves", up=np.sin(time / 5), down=np.cos(time / 5) * 3 + 7)


def learns_one_batch(task, steps=50, to=0.05):
    batch = task.loader().batch(0)
    task.train(False)
    for _ in range(steps):
        task.learners["network"].step(batch)
    loss, _ = task.learners["network"].loss(task.learners["network"].module, batch)
    assert loss < to


SMALL = {"memory_size": 16, "heads": 2, "hidden": (32,), "learning_rate": 1e-2, "memory_length": 8}


@pytest.mark.parametrize("network", ["cnn", "impala", "resnet", "vit", "capsule", "mlp"])
def test_networks_for_images_learn_a_batch_by_heart(network):
    learns_one_batch(Classifier(pictures(), network=network, batch_size=8, **SMALL))


@pytest.mark.parametrize("network", ["rnn", "lstm", "gru", "transformer", "mlp"])
def test_networks_for_texts_learn_a_batch_by_heart(network):
    learns_one_batch(Classifier(reviews(), network=network, vocabulary=300, **SMALL))


def test_networks_for_tables_learn_a_batch_by_heart():
    data = made(x=list(np.random.default_rng(0).normal(size=60)), city=["Oslo", "Rome", "Bonn"] * 20,
                label=[0, 1, 1] * 20)  # fmt: skip
    learns_one_batch(Classifier(data, **SMALL))
    learns_one_batch(Regressor(data, target="x", batch_size=16, columns=("label",), **SMALL), to=1.0)


@pytest.mark.parametrize("network", ["rnn", "lstm", "gru", "transformer", "mlp"])
def test_networks_for_series_learn_a_batch_by_heart(network):
    learns_one_batch(Forecaster(waves(), network=network, window=16, horizon=2, **SMALL))


@pytest.mark.parametrize("network", ["rnn", "lstm", "gru", "transformer"])
def test_language_models_learn_a_batch_by_heart(network):
    data = made(text=["to be or not to be that is the question " * 30])
    learns_one_batch(LanguageModel(data, network=network, context=16, **{**SMALL, "memory_size": 32}), to=0.3)


def test_a_classifier_of_bars_is_right_about_new_ones():
    task = Classifier(pictures(120), network="cnn", epochs=4, batch_size=16, learning_rate=1e-2).learn()
    assert task.evaluate()["accuracy"] == 1.0
    answers = task.predict(pictures(4))
    assert [answer["label"] for answer in answers] == ["0", "1", "0", "1"]
    assert answers[2]["row"] == "bars, row 3"


def test_moods_are_told_from_words():
    task = Classifier(reviews(), network="gru", epochs=8, vocabulary=300, **SMALL).learn()
    assert task.evaluate()["accuracy"] > 0.9
    good, bad = task.predict(made(text=["a lovely film that was superb", "the plot was awful and dull"]))
    assert (good["label"], bad["label"]) == ("good", "bad")


def test_numbers_are_predicted_in_their_units():
    random = np.random.default_rng(0)
    x, y = random.normal(size=300), random.normal(size=300)
    data = made(x=list(x), y=list(y), target=list(1000 + 50 * (x - 2 * y)))
    task = Regressor(data, epochs=40, hidden=(32,), learning_rate=1e-2).learn()
    measures = task.evaluate()
    assert measures["r2"] > 0.97
    assert measures["rmse"] == pytest.approx(measures["mse"] ** 0.5)
    assert task.predict(made(x=[0.0], y=[0.0]))[0]["target"] == pytest.approx(1000, abs=20)


def test_waves_are_forecast_better_than_by_standing_still(tmp_path):
    task = Forecaster(waves(), network="gru", window=16, horizon=3, epochs=10, learning_rate=1e-2).learn()
    measures = task.evaluate()
    assert measures["rmse"] < 0.3 * measures["rmse_if_nothing_changed"]
    ahead = [answer["up"] for answer in task.predict(waves(400))]
    np.testing.assert_allclose(ahead, np.sin(np.arange(400, 403) / 5), atol=0.3)
    with torch.no_grad():
        assert task.draw(task.part("test"), tmp_path)["forecasts"].stat().st_size > 1000


def test_a_forecast_never_learns_from_what_is_tested():
    task = Forecaster(waves(), window=16, horizon=3)
    end = {name: (task.part(name).rows.min(), task.part(name).rows.max()) for name in ("train", "validation", "test")}
    assert end["train"][0] == 18
    assert end["train"][1] + 3 <= end["validation"][0] + 1
    assert end["validation"][1] + 3 <= end["test"][0] + 1
    batch = next(task.part("test").batches(1))
    mean, std = task.metadata["scales"]["up"]
    first = end["test"][0]
    future = np.sin(np.arange(first - 2, first + 1) / 5)
    np.testing.assert_allclose(batch["future"][0, :, 0] * std + mean, future, atol=1e-5)
    np.testing.assert_allclose(batch["past"][0, -1, 0] * std + mean, np.sin((first - 3) / 5), atol=1e-5)


def test_a_language_model_goes_on_as_it_was_taught():
    data = made(text=["abcdefgh" * 400])
    task = LanguageModel(data, network="gru", context=16, memory_size=32, epochs=8, learning_rate=1e-2).learn()
    assert task.sample("abc", 8, temperature=0.0) == "abcdefghabc"
    assert task.sample("abc", 8, seed=1) == task.sample("abc", 8, seed=1)
    measures = task.evaluate()
    assert measures["perplexity"] == pytest.approx(np.exp(measures["loss"]))
    assert measures["bits_per_character"] == pytest.approx(measures["loss"] / np.log(2))


def test_byte_pairs_come_back_as_the_text_they_were():
    data = made(text=["Grüße an Zoë, 12 €! " * 100])
    task = LanguageModel(data, units="byte-pairs", vocabulary=300, context=8)
    assert task.tokenizer.decode(task.tokenizer.encode("Zoë, Grüße 7 €")) == "Zoë, Grüße 7 €"
    assert len(task.tokenizer) <= 300


def test_windows_of_a_text_move_from_epoch_to_epoch_but_stay_in_their_part():
    task = LanguageModel(made(text=["abcdefghij" * 100]), context=16)
    loader = task.loader()
    assert isinstance(loader, WindowLoader)
    begin, end = task.spans["train"]
    rows = [loader.rows_of_epoch(epoch) for epoch in range(50)]
    assert len({int(row[0]) for row in rows}) > 5
    assert all(begin <= row[0] and row[-1] + 17 <= end for row in rows)


def test_the_loss_of_mixed_rows_is_mixed():
    logits, target, other = torch.randn(4, 3), torch.tensor([0, 1, 2, 0]), torch.tensor([1, 1, 0, 2])
    batch = {"target": target, "other-target": other, "share": torch.tensor(0.3)}
    loss, _ = classification_loss(lambda _: logits, batch, 0.0)
    expected = 0.3 * F.cross_entropy(logits, target) + 0.7 * F.cross_entropy(logits, other)
    torch.testing.assert_close(loss, expected)
    numbers = {"target": target.float(), "other-target": other.float(), "share": torch.tensor(0.3)}
    loss, _ = regression_loss(lambda _: logits[:, :1], numbers)
    torch.testing.assert_close(
        loss, 0.3 * F.mse_loss(logits[:, 0], target.float()) + 0.7 * F.mse_loss(logits[:, 0], other.float())
    )


def test_smoothed_labels_ask_for_less_certainty():
    sure = torch.tensor([[20.0, 0.0]])
    plain, _ = classification_loss(lambda _: sure, {"target": torch.tensor([0])}, 0.0)
    smoothed, _ = classification_loss(lambda _: sure, {"target": torch.tensor([0])}, 0.1)
    assert plain < 1e-6
    assert smoothed == pytest.approx(0.05 * 20, abs=1e-3)


def test_dropout_is_off_in_evaluation():
    task = Classifier(pictures(), network="mlp", dropout=0.9)
    assert task.evaluate("train") == task.evaluate("train")
    task.train(True)
    batch = task.loader().batch(0)
    network = task.learners["network"].module
    assert not torch.equal(network(batch), network(batch))


def test_facts_are_those_of_the_rows_for_training_alone():
    data = made(x=[1.0] * 90 + [1e6] * 10, label=[0, 1] * 50, given=np.where(np.arange(100) < 90, -1, 2))
    task = Classifier(data, target="label")
    assert task.metadata["reading"]["scales"]["x"] == [1.0, 1.0]


def test_augmented_and_mixed_images_are_learned_from():
    task = Classifier(pictures(), network="cnn", augment=("crop", "flip"), mixup=0.2, batch_size=16)
    fit(task, 3)
    assert task.step == 3


ONES, YES_NO = [1.0] * 4, [0, 1, 0, 1]
C, R, S, L = Classifier, Regressor, Forecaster, LanguageModel
MISTAKES = [
    (C, {"x": ["1", "2", "three", "4"], "label": YES_NO}, {}, "made.csv, row 3, column 'x': 'three' is not"),
    (C, {"x": ["1", None, "3", "4"], "label": YES_NO}, {}, "made.csv, row 2, column 'x': a number is missing"),
    (C, {"x": [1.0, np.nan, 3.0, 4.0], "label": YES_NO}, {}, "row 2, column 'x': a number is missing"),
    (C, {"x": ONES, "label": ["a", "b", None, "a"]}, {}, "row 3, column 'label': the text is empty"),
    (C, {"x": ONES, "label": [1, 1, 1, 1]}, {}, "is always '1'; there is nothing"),
    (C, {"x": ONES, "label": [0.5, 1.5, 2.5, 3.5]}, {}, "holds measurements, not classes; train a regressor"),
    (C, {"x": ONES, "label": YES_NO}, {"target": "lable"}, "has no column 'lable'; it has x, label"),
    (C, {"x": ONES, "label": YES_NO}, {"columns": ("y",)}, "has no column 'y'"),
    (C, {"label": YES_NO}, {}, "there must be columns beside 'label'"),
    (C, {"x": ONES, "label": YES_NO}, {"network": "lstm"}, "the network 'lstm' does not read tables"),
    (C, {"text": ["a b c d e", " "] * 2, "label": YES_NO}, {}, "row 2, column 'text': the text is empty"),
    (R, {"x": [1.0, 2.0, 3.0, 4.0], "target": [5.0] * 4}, {}, "the column 'target' of made is always 5"),
    (S, {"x": [1.0, 2.0, 3.0, 4.0]}, {}, "made has 4 rows, too few for forecasts"),
    (S, {"x": [1.0] * 200}, {}, "is always 1; there is nothing to forecast"),
    (S, {"x": ["a b"] * 200}, {}, "has no column of numbers"),
    (L, {"text": ["short"]}, {}, "too few for a context of 128"),
    (L, {"text": ["a b c"], "more": ["d e f"]}, {}, "has 2 columns of texts; name one with --target"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "columns", "options", "sentence"), MISTAKES, ids=[case[3][:40] for case in MISTAKES])
def test_data_that_cannot_be_learned_from_is_a_sentence(kind, columns, options, sentence):
    with pytest.raises(SandlotError) as told:
        kind(made(**columns), **options)
    assert sentence in str(told.value)


def test_a_class_that_only_the_test_has_is_a_sentence():
    data = made(x=[1.0, 2.0] * 5, label=["a", "b"] * 4 + ["a", "c"], given=np.array([-1] * 8 + [2] * 2))
    with pytest.raises(SandlotError, match="row 10, column 'label': no row to learn from has the class 'c'"):
        Classifier(data)


def test_images_of_the_test_are_not_learned_from_and_rows_of_a_table_that_look_alike_are():
    images = pictures(rows=20).columns
    given = np.array([-1] * 20 + [2] * 4)
    columns = {name: np.concatenate([column, column[:4]]) for name, column in images.items()}
    task = Classifier(Frame("bars", columns, [("bars", 24)], given=given))
    assert task.split.copies == 4
    assert not {0, 1, 2, 3} & {*task.split.rows("train"), *task.split.rows("validation")}
    table = made(x=[1.0, 2.0] * 12, label=["a", "b"] * 12, given=given)
    assert Classifier(table).split.copies == 0


def test_a_label_out_of_range_is_a_sentence():
    with pytest.raises(SandlotError, match="row 3, column 'label': there is no class 7; there are 2, from 0 on"):
        Classifier(made(x=[1.0] * 4, label=[0, 1, 7, 1], classes={"label": ["a", "b"]}))


def test_the_cnn_is_as_wide_as_is_said():
    network = Classifier(pictures(), widths=(4, 8)).learners["network"].module
    assert [part.out_channels for part in network.modules() if isinstance(part, torch.nn.Conv2d)] == [4, 4, 8, 8]


def test_too_small_an_image_is_a_sentence():
    with pytest.raises(SandlotError, match="at least 36×36 pixels"):
        Classifier(pictures(), network="nature")
    with pytest.raises(SandlotError, match="the network 'lstm' does not read images"):
        Classifier(pictures(), network="lstm")


def test_readers_whose_shapes_depend_on_the_texts_are_not_compiled():
    with pytest.raises(SandlotError, match="can't be compiled whole"):
        Classifier(reviews(), compile="on").prepare(10)
    Classifier(reviews()).prepare(10**9)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["wine", "digits"])
def test_compiled_steps_are_the_eager_ones(data):
    # In a process of its own: shape checks at run time can't be compiled. The network for digits notes statistics.
    code = f"""
import numpy as np
from sandlot.supervised import Classifier
from sandlot.supervised.fitting.fit import fit

compiled, eager = (Classifier("{data}", seed=1, compile=how, batch_size=32, widths=(8, 8)) for how in ("on", "off"))
for task in (compiled, eager):
    fit(task, 6)
for name, value in eager.tensors().items():
    if not name.startswith("random."):
        np.testing.assert_allclose(compiled.tensors()[name], value, atol=1e-4)
print("same")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "same", result.stderr
