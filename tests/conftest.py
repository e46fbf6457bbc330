"""Registers the tests' own environments; with --check-shapes, checks every annotation while the tests run."""

import importlib.util
import os
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

import sandlot

if importlib.util.find_spec("sandlot.agents") is None:  # a checkout that is not installed
    sandlot.__path__.append(str(Path(__file__).parent.parent))

import tests.typechecker  # noqa: F401 (the hook below finds it by name)

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"

PACKAGES = ["sandlot.agents", "sandlot.envs", "sandlot.generative", "sandlot.supervised", "sandlot.tracking"]


def pytest_addoption(parser):
    parser.addoption(
        "--check-shapes",
        action="store_true",
        help="check shapes and types of all annotations at run time (tests take several times as long)",
    )


def pytest_configure(config):
    if config.getoption("--check-shapes"):
        install_import_hook(PACKAGES, "tests.typechecker.check")
    from tests import environments

    environments.register()
    torch.set_num_threads(1)  # the networks are small, and other threads would wait for each other


@pytest.fixture
def run_config():
    """What a run's config must hold."""
    return {"agent": "ppo", "env": {"id": "CartPole-v1", "kwargs": {}}, "seed": 0, "steps": 1000}
