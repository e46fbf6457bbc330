"""Autoencoders' encoders in agents, and agents' observations as data."""

import numpy as np
import pytest
import torch

from sandlot.agents import DQN, PPO
from sandlot.agents.encoder_transfer import config_for, load_encoder
from sandlot.agents.observation_dataset import frames_of
from sandlot.cli import main
from sandlot.envs import EnvSpec
from sandlot.generative import AE, VAE
from sandlot.tracking import SandlotError
from tests.commands import QUIET, in_a_folder_of_its_own, trained  # noqa: F401

TINY = ["--widths", "4", "8", "--latent-size", "4", "--epochs", "1", *QUIET]
PICTURES = EnvSpec("tests/Match-v0", {"observation": "image"})


def test_frames_are_what_an_agent_observes_and_reproducible():
    first, second, other = (frames_of(PICTURES, 40, seed=seed) for seed in (1, 1, 2))
    assert first.columns["image"].shape == (40, 36, 36, 3)
    assert set(np.unique(first.columns["image"])) == {0, 255}
    np.testing.assert_array_equal(first.columns["image"], second.columns["image"])
    assert first.fingerprint() != other.fingerprint()
    agent = PPO(PICTURES, num_envs=2)
    assert len(frames_of(PICTURES, 20, agent=agent)) == 20
    with pytest.raises(SandlotError, match="frames must be at least 10"):
        frames_of(PICTURES, 3)


class TestEncoderTransfer:
    def autoencoder(self, **options):
        return VAE(frames_of(PICTURES, 48), seed=1, latent_size=4, widths=(4, 8), epochs=1, **options).learn()

    @pytest.mark.parametrize("kind", [PPO, DQN])
    @pytest.mark.parametrize("freeze", [False, True])
    def test_an_agent_starts_from_the_encoder(self, kind, freeze):
        encoding = self.autoencoder().trained_encoder()
        soon = {"num_steps": 128} if kind is PPO else {"learning_starts": 50}
        config = kind.Config(num_envs=2, network="cnn+lstm", memory_size=8, freeze=freeze, **soon)
        config = config_for(encoding, config)
        assert config.network == "strided+lstm"
        agent = kind(PICTURES, seed=3, config=config)
        load_encoder(agent, encoding)
        encoder = (agent.policy.actor if kind is PPO else agent.policy.encoder).encoders[0]

        def same():
            own = encoder.state_dict()
            return all(torch.equal(own[name], torch.tensor(encoding.tensors[f"encoder.{name}"])) for name in own)

        assert same()
        agent.learn(300)
        assert same() is freeze

    def test_mlps_and_nature_cnns_transfer_too(self):
        for network in ("mlp", "nature"):
            encoding = self.autoencoder(network=network, hidden=(8,)).trained_encoder()
            agent = PPO(PICTURES, config=config_for(encoding, PPO.Config(num_envs=2)))
            load_encoder(agent, encoding)

    def test_an_encoder_that_does_not_fit_gets_a_sentence(self):
        encoding = self.autoencoder().trained_encoder()
        with pytest.raises(SandlotError, match="observe images"):
            load_encoder(PPO("CartPole-v1"), encoding)
        digits = AE("digits", latent_size=4).trained_encoder()
        with pytest.raises(SandlotError, match="reads images of the shape"):
            load_encoder(PPO(PICTURES, num_envs=2), digits)
        with pytest.raises(SandlotError, match="no network"):
            load_encoder(PPO(PICTURES, num_envs=2), encoding)

    def test_transfer_by_the_command_line_and_back_to_a_classifier(self):
        options = ["--env-kwargs", '{"observation": "image"}', "--frames", "40"]
        seen = trained("ae", "env:tests.environments:tests/Match-v0", *options, *TINY)
        words = ["ppo", "tests.environments:tests/Match-v0", "--env-kwargs", '{"observation": "image"}', "--encoder",
                 seen.folder.name, "--freeze", "--steps", "300", "--evaluation-episodes", "2", "--video-every", "0",
                 "--num-envs", "2", *QUIET]  # fmt: skip
        agent = trained(*words)
        assert agent.config["config"]["network"] == "strided"
        assert agent.config["encoder"] == seen.folder.name
        again = trained("ae", f"run:{agent.folder.name}", "--frames", "40", *TINY)
        assert main(["reconstruct", again.folder.name]) == 0
        first = trained("ae", "digits", *TINY)
        trained("classifier", "digits", "--from", first.folder.name, "--epochs", "1", *QUIET)
