"""Encoders that go on learning in another task."""

import numpy as np
import pytest
import torch

from sandlot.agents import DQN, PPO
from sandlot.agents.encoder_transfer import encoding_of
from sandlot.envs import EnvSpec
from sandlot.supervised import Classifier
from sandlot.supervised.data import Frame, load_frame
from sandlot.supervised.fitting.fit import fit
from sandlot.supervised.transfer.encoding import layer_scales, layers_of
from sandlot.tracking import SandlotError
from tests.test_tasks import pictures, reviews

SMALL = {"batch_size": 16, "learning_rate": 1e-2, "epochs": 3}


def digits_of(classes, rows=None):
    """The digits of some classes; `rows` of each for training and validation, if given, and 60 for the test."""
    frame = load_frame("digits")
    label = frame.columns["label"]
    kept, given = [], []
    for name in classes:
        own = np.flatnonzero(label == name)
        own = own if rows is None else np.concatenate([own[:rows], own[-60:]])
        kept.append(own)
        given.append(np.full(len(own), -1) if rows is None else np.array([-1] * rows + [2] * 60))
    places = np.concatenate(kept)
    columns = {"image": frame.columns["image"][places], "label": label[places]}
    return Frame("digits", columns, [("digits", len(places))], given=np.concatenate(given) if rows else None)


def weights(task):
    return {name: value.clone() for name, value in task.learners["network"].module.state_dict().items()}


def test_layers_go_from_the_input_to_the_head():
    network = Classifier(pictures(), network="cnn").learners["network"].module
    layers = layers_of(network)
    assert len(layers) == 6, "convolutions, each with its normalisation"
    assert [len(layer) for layer in layers] == [2] * 6
    scales = layer_scales(network, 0.5)
    assert scales["reader.encoder.layers.0."] == 0.5**6
    assert layer_scales(network, 1.0) == {}


@pytest.mark.parametrize("freeze", [2, -1])
def test_frozen_layers_stay_as_they_are_with_their_statistics(freeze):
    first = Classifier(pictures(), network="cnn", **SMALL).learn()
    task = Classifier(pictures(classes=4), start=first.encoding(), freeze=freeze, **SMALL)
    before = weights(task)
    fit(task, 4)
    after = weights(task)
    held = {f"{name}." for layer in layers_of(task.learners["network"].module)[: freeze if freeze > 0 else None]
            for name, _ in layer}  # fmt: skip
    for name, value in after.items():
        assert torch.equal(value, before[name]) is (name.rpartition(".")[0] + "." in held), name
    assert not torch.equal(after["head.weight"], before["head.weight"])


def test_frozen_layers_are_released_when_it_is_time_and_a_saved_task_knows(tmp_path):
    first = Classifier(pictures(), network="cnn", **SMALL).learn()
    data = pictures(classes=4)
    task = Classifier(data, start=first.encoding(), freeze=-1, unfreeze_after=1, **SMALL)
    epoch, before = task.loader().steps_per_epoch, weights(task)
    fit(task, epoch)
    assert torch.equal(weights(task)["reader.encoder.layers.0.weight"], before["reader.encoder.layers.0.weight"])
    task.save(tmp_path / "task")
    fit(task, 3 * epoch)
    assert not torch.equal(weights(task)["reader.encoder.layers.0.weight"], before["reader.encoder.layers.0.weight"])
    assert task.metadata["released"]
    again = Classifier.load(tmp_path / "task", data)
    assert again.frozen
    fit(again, 3 * epoch)
    for name, value in weights(again).items():
        torch.testing.assert_close(value, weights(task)[name], msg=name)


def test_an_encoding_brings_its_network_and_how_it_reads():
    first = Classifier(reviews(), network="gru", memory_size=16, vocabulary=300, epochs=1)
    task = Classifier(reviews(), start=first.encoding(), vocabulary=400)
    assert task.config.network == "gru"
    assert task.metadata["reading"]["tokenizer"] == first.metadata["reading"]["tokenizer"]
    for name, value in first.encoding().tensors.items():
        np.testing.assert_array_equal(value, task.encoding().tensors[name])


@pytest.mark.parametrize("kind", [PPO, DQN])
def test_a_task_starts_from_what_an_agent_sees(kind):
    options = {"num_envs": 2, "num_steps": 8, "batch_size": 16} if kind is PPO else {"num_envs": 2}
    config = kind.Config(**options)
    agent = kind(EnvSpec("tests/Match-v0", {"observation": "image"}), seed=0, config=config)
    encoding = encoding_of(agent)
    channels, height, width = encoding.reading["shape"]
    image = np.random.default_rng(0).integers(0, 255, (20, height, width, channels), dtype=np.uint8)
    data = Frame("seen", {"image": image, "label": np.arange(20) % 2}, [("seen", 20)])
    task = Classifier(data, start=encoding, batch_size=4)
    assert task.config.network == "nature"
    ours = task.learners["network"].module.reader(task.loader().batch(0))
    seen = task.loader().batch(0)["image"]
    encoder = agent.policy.actor if kind is PPO else agent.policy.encoder
    torch.testing.assert_close(ours, encoder.encode(agent.policy.preprocessor(seen.permute(0, 2, 3, 1))))
    fit(task, 2)


def test_what_does_not_fit_is_a_sentence():
    encoding = Classifier(pictures(), network="cnn").encoding()
    with pytest.raises(SandlotError, match="a run that read images can't read tables"):
        Classifier("iris", start=encoding)
    with pytest.raises(
        SandlotError, match=r"whose inputs had the shape \[1, 16, 16\] can't read inputs of \[1, 8, 8\]"
    ):
        Classifier("digits", start=encoding)
    with pytest.raises(SandlotError, match="freeze must be at most 6"):
        Classifier(pictures(), network="cnn", freeze=7)
    with pytest.raises(SandlotError, match="needs one that observes images"):
        encoding_of(PPO("CartPole-v1", num_envs=2, num_steps=8, batch_size=16))


@pytest.mark.slow
def test_few_labels_are_enough_for_an_encoder_that_has_seen_other_classes():
    options = {"network": "cnn", "learning_rate": 3e-3, "validation_share": 0.0}
    few, gains = digits_of(range(7, 10), rows=3), []
    for seed in (0, 1):
        first = Classifier(digits_of(range(7)), seed=seed, epochs=4, batch_size=32, **options).learn()
        fresh, started = (
            Classifier(few, seed=seed, epochs=15, batch_size=16, **options, **how).learn().evaluate()["accuracy"]
            for how in ({}, {"start": first.encoding(), "freeze": 2})
        )
        gains.append(started - fresh)
    assert np.mean(gains) > 0.05, gains
