"""Tests that need a GPU, and what they share."""

import pytest
import torch

DEVICE = "cuda"


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason="needs a GPU")
    for item in items:
        if "/gpu/" in item.nodeid:
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.is_available():
                item.add_marker(skip)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
