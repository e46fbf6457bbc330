"""The commands, for generative models."""

import signal

import numpy as np
import pytest
import torch

from sandlot.agents import DQN, PPO
from sandlot.agents.encoder_transfer import config_for, take_encoding
from sandlot.agents.observation_dataset import frames_of
from sandlot.cli import main
from sandlot.envs import EnvSpec
from sandlot.generative import AE, VAE
from sandlot.tracking import SandlotError, read_metrics
from tests.commands import (  # noqa: F401
    QUIET,
    final_weights,
    in_a_folder_of_its_own,
    runs,
    sandlot,
    stopped_after_a_checkpoint,
    trained,
    trained_apart,
)

TINY = ["--widths", "4", "8", "--latent-size", "4", "--epochs", "1", *QUIET]
PICTURES = EnvSpec("tests/Match-v0", {"observation": "image"})


def fails(capsys, *words):
    capsys.readouterr()
    assert main(list(words)) == 2
    return capsys.readouterr().err


def test_an_autoencoder_is_trained_and_used(capsys):
    run = trained("vae", "digits", "--held-out", "3", *TINY)
    assert run.config["config"]["validate_every"] == 100, "the recipe's"
    rows = read_metrics(run.folder)
    pictures = {name: path for row in rows for name, path in row.get("media", {}).items()}
    assert {"samples", "reconstructions"} <= set(pictures)
    for command, *more in (("sample", "--count", "9"), ("reconstruct",), ("interpolate", "--pairs", "2"),
                           ("anomalies",), ("latents", "--rows", "60"), ("compress",)):  # fmt: skip
        assert main([command, "latest", *more]) == 0
        assert (run.folder / f"images/step-{run.summary['step']:09d}-{command}.png").stat().st_size > 500
    said = capsys.readouterr().out
    assert "AUROC" in said
    assert "principal components" in said
    assert list((run.folder / "videos").glob("*-interpolate.mp4"))
    media = [name for row in read_metrics(run.folder) for name in row.get("media", {})]
    assert {"sample", "walk", "strangest"} <= set(media)


def test_a_gan_is_trained_and_measured_beside_a_floor(capsys):
    run = trained("cgan", "digits", *TINY)
    assert "sandlot train classifier digits" in fails(capsys, "fidelity", run.folder.name)
    trained("classifier", "digits", "--network", "mlp", "--epochs", "1", *QUIET)
    assert main(["fidelity", run.folder.name]) == 0
    said = capsys.readouterr().out
    for word in ("FID", "floor", "KID", "recall", "the features of classifier-digits", "359 made"):
        assert word in said
    assert any("fidelity/fid" in row for row in read_metrics(run.folder))
    assert main(["sample", run.folder.name, "--label", "7", "--output", "seven.png"]) == 0
    for words, sentence in (
        (("sample", run.folder.name, "--label", "ten"), "no class 'ten' to ask for"),
        (("reconstruct", run.folder.name), "a cgan encodes nothing"),
        (("anomalies", "latest"), "is a run of classifier, no generative model"),
        (("fidelity", run.folder.name, "--extractor", run.folder.name), "must be a run of a classifier"),
        (("sample", run.folder.name, "--output", "seven.jpg"), "must end in .png"),
        (("train", "vae", "digits", "--latent-size", "0"), "latent_size must be at least 1"),
        (("train", "vae", "env:CartPole-v1"), "are no pictures"),
        (("train", "vae", "env:CartPoll-v1"), "did you mean CartPole"),
        (("train", "vae", f"run:{run.folder.name}"), "which does not play"),
        (("train", "ppo", "CartPole-v1", "--freeze"), "needs an --encoder"),
    ):
        assert sentence in fails(capsys, *words)


@pytest.mark.parametrize("model", ["dcgan", pytest.param("vq-vae", marks=pytest.mark.slow)])
def test_killed_in_mid_epoch_and_resumed_ends_as_if_nothing_had_been(model):
    words = [model, "digits", "--epochs", "8", "--checkpoint-every", "3", "--batch-size", "64", "--validate-every", "0",
             "--widths", "8", *QUIET]  # fmt: skip
    killed, status, _ = stopped_after_a_checkpoint(words, signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert int(killed.checkpoints()[-1].name.removeprefix("step-")) < killed.config["steps"]
    process = sandlot("resume", killed.folder.name)
    _, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    whole = trained_apart(*words)
    assert whole.folder != killed.folder
    for name, value in final_weights(whole).items():
        np.testing.assert_array_equal(final_weights(killed)[name], value, name)
    first, second = (run.folder / "images" / "samples.png" for run in (killed, whole))
    assert first.read_bytes() == second.read_bytes()


def test_frames_are_what_an_agent_sees_and_the_same_again():
    first, second, other = (frames_of(PICTURES, 40, seed=seed) for seed in (1, 1, 2))
    assert first.columns["image"].shape == (40, 36, 36, 3)
    assert set(np.unique(first.columns["image"])) == {0, 255}
    np.testing.assert_array_equal(first.columns["image"], second.columns["image"])
    assert first.fingerprint() != other.fingerprint()
    agent = PPO(PICTURES, num_envs=2)
    assert len(frames_of(PICTURES, 20, agent=agent)) == 20
    with pytest.raises(SandlotError, match="frames must be at least 10"):
        frames_of(PICTURES, 3)


class TestHandOff:
    def autoencoder(self, **options):
        return VAE(frames_of(PICTURES, 48), seed=1, latent_size=4, widths=(4, 8), epochs=1, **options).learn()

    @pytest.mark.parametrize("kind", [PPO, DQN])
    @pytest.mark.parametrize("freeze", [False, True])
    def test_an_agent_sees_with_the_encoder(self, kind, freeze):
        encoding = self.autoencoder().trained_encoder()
        soon = {"num_steps": 128} if kind is PPO else {"learning_starts": 50}
        config = kind.Config(num_envs=2, network="cnn+lstm", memory_size=8, freeze=freeze, **soon)
        config = config_for(encoding, config)
        assert config.network == "strided+lstm"
        agent = kind(PICTURES, seed=3, config=config)
        take_encoding(agent, encoding)
        encoder = (agent.policy.actor if kind is PPO else agent.policy.encoder).encoders[0]

        def same():
            own = encoder.state_dict()
            return all(torch.equal(own[name], torch.tensor(encoding.tensors[f"encoder.{name}"])) for name in own)

        assert same()
        agent.learn(300)
        assert same() is freeze

    def test_mlps_and_nature_go_too(self):
        for network in ("mlp", "nature"):
            encoding = self.autoencoder(network=network, hidden=(8,)).trained_encoder()
            agent = PPO(PICTURES, config=config_for(encoding, PPO.Config(num_envs=2)))
            take_encoding(agent, encoding)

    def test_what_does_not_fit_is_a_sentence(self):
        encoding = self.autoencoder().trained_encoder()
        with pytest.raises(SandlotError, match="observe images"):
            take_encoding(PPO("CartPole-v1"), encoding)
        digits = AE("digits", latent_size=4).trained_encoder()
        with pytest.raises(SandlotError, match="reads images of the shape"):
            take_encoding(PPO(PICTURES, num_envs=2), digits)
        with pytest.raises(SandlotError, match="no network"):
            take_encoding(PPO(PICTURES, num_envs=2), encoding)

    def test_by_the_command_line_and_back_to_a_classifier(self):
        seen = trained("ae", "env:tests.worlds:tests/Match-v0", "--env-kwargs", '{"observation": "image"}', "--frames",
                       "40", *TINY)  # fmt: skip
        words = ["ppo", "tests.worlds:tests/Match-v0", "--env-kwargs", '{"observation": "image"}', "--encoder",
                 seen.folder.name, "--freeze", "--steps", "300", "--evaluation-episodes", "2", "--video-every", "0",
                 "--num-envs", "2", *QUIET]  # fmt: skip
        agent = trained(*words)
        assert agent.config["config"]["network"] == "strided"
        assert agent.config["encoder"] == seen.folder.name
        again = trained("ae", f"run:{agent.folder.name}", "--frames", "40", *TINY)
        assert main(["reconstruct", again.folder.name]) == 0
        first = trained("ae", "digits", *TINY)
        trained("classifier", "digits", "--from", first.folder.name, "--epochs", "1", *QUIET)
