"""Packages of environments as their users have them (extra `test-envs`); skipped where they are not installed."""

import numpy as np
import pytest

from sandlot.agents import DQN, PPO
from sandlot.agents.evaluation import evaluate
from sandlot.agents.films import Clip, FilmOptions, film_episodes
from sandlot.envs import EnvSpec, Wrappers
from tests.video_file import decode

QUICK = {"hidden": (8,), "num_envs": 2, "num_steps": 16, "batch_size": 32, "epochs": 1}
PACKAGES = [
    ("minigrid", "MiniGrid-Empty-5x5-v0", Wrappers()),
    ("minigrid", "minigrid:MiniGrid-Empty-5x5-v0", Wrappers(wrapper=("minigrid.wrappers:ImgObsWrapper",))),
    ("minatar", "MinAtar/Breakout-v1", Wrappers()),
    ("highway_env", "highway_env:highway-fast-v0", Wrappers()),
    ("mo_gymnasium", "mo_gymnasium:deep-sea-treasure-v0", Wrappers(reward_weights=(0.5, 0.5))),
    ("flappy_bird_gymnasium", "FlappyBird-v0", Wrappers()),
    ("flax", "tabular/Blackjack-v0", Wrappers()),
    ("flax", "phys2d/CartPole-v1", Wrappers()),
    ("panda_gym", "PandaReach-v3", Wrappers()),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("module", "env", "wrappers"), PACKAGES, ids=[f"{env}-{len(w.wrapper)}" for _, env, w in PACKAGES]
)
def test_environments_of_packages_train_and_are_filmed(module, env, wrappers, tmp_path, monkeypatch):
    pytest.importorskip(module, reason=f"{module} is not installed")
    monkeypatch.setenv("SDL_VIDEODRIVER", "offscreen")
    env_spec = EnvSpec(env, wrappers=wrappers)
    agent = PPO(env_spec, **QUICK)
    agent.learn(64)
    assert np.isfinite(evaluate(agent, env_spec, episodes=1, seconds=5).mean)
    options = FilmOptions(seconds=1, deterministic=False)
    (filmed,) = film_episodes([Clip(agent, 0)], env_spec, tmp_path / "film.mp4", options)
    assert filmed.problem is None or "the same" in filmed.problem
    frames = decode(tmp_path / "film.mp4")
    assert frames[0].std() > 1
    assert max(frames.shape[1:3]) >= 256


@pytest.mark.filterwarnings("ignore")
def test_minatar_is_read_by_convolutions():
    pytest.importorskip("minatar", reason="minatar is not installed")
    agent = DQN("MinAtar/Breakout-v1", hidden=(8,), buffer_size=1000)
    assert any(array.ndim == 4 for array in agent.tensors().values())
