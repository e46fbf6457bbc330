"""Checks the shapes in every annotation while the tests run, and registers the tests' own worlds."""

import os

import pytest
import torch
from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401 (the hook below finds it by name)

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"

install_import_hook(
    ["sandlot.agents", "sandlot.envs", "sandlot.generative", "sandlot.supervised", "sandlot.tracking"],
    "tests.typechecker.check",
)

from tests import worlds  # noqa: E402

worlds.register()
torch.set_num_threads(1)  # the networks are small, and other threads would wait for each other


@pytest.fixture
def run_config():
    """What a run's config must hold."""
    return {"agent": "ppo", "env": {"id": "CartPole-v1", "kwargs": {}}, "seed": 0, "steps": 1000}
