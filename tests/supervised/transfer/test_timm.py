"""Encoders of timm, small ones that it has for tests."""

import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sandlot.cli import main
from sandlot.supervised import Classifier
from sandlot.supervised.transfer.pretrained_models import load_pretrained
from sandlot.tracking import SandlotError, read_checkpoint
from tests.commands import in_a_folder_of_its_own, trained  # noqa: F401 (a fixture)
from tests.supervised.datasets import bar_images

APART = Path(sys.prefix) / "timm"
"""Where `make test` lays timm and torchvision, whose packages there are built for GPUs."""
QUICK = {"batch_size": 32, "epochs": 1, "learning_rate": 1e-3}


@pytest.fixture(scope="module", autouse=True)
def timm():
    """Return timm. The operators of torchvision that can't be loaded are declared; timm's models use none of them."""
    if importlib.util.find_spec("timm"):
        yield importlib.import_module("timm")
        return
    if not (APART / "timm").is_dir():
        pytest.skip("timm is not installed")
    declared = torch.library.Library("torchvision", "FRAGMENT")
    text = (APART / "torchvision" / "_meta_registrations.py").read_text()
    for name in sorted(set(re.findall(r'(?:torchvision::|register_meta\(")(\w+)', text))):
        declared.define(f"{name}(Tensor x) -> Tensor")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(APART)
        yield importlib.import_module("timm")


def saved(timm, folder, name, **options):
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=7, **options)
    timm.models.save_for_hf(model, folder, model_args=options, safe_serialization=True)
    return folder


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("test_resnet", {}),
        ("test_vit", {"img_size": 32}),
        ("test_efficientnet", {"in_chans": 1}),
        ("test_convnext", {}),
    ],
)
def test_image_features_equal_the_librarys(timm, name, options, tmp_path):
    folder = saved(timm, tmp_path / "model", name, **options)
    task = Classifier(bar_images(), start=load_pretrained(folder), **QUICK)
    network = task.learners["network"].module.eval()
    pixels = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0).eval()
    said = timm.data.resolve_data_config({}, model=model)
    channels, *size = said["input_size"]
    larger = torch.nn.functional.interpolate(pixels / 255, size, mode=said["interpolation"], antialias=True)
    mean, std = (torch.tensor(said[name]).view(-1, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        expected = model((larger.clamp(0, 1).expand(-1, channels, -1, -1) - mean) / std)
        found = network.backbone({"image": pixels})
    assert found.shape[1] == network.backbone.feature_size
    torch.testing.assert_close(found, expected)


def test_fine_tuning_starts_from_the_weights_and_reloads(timm, tmp_path):
    start = load_pretrained(saved(timm, tmp_path / "model", "test_vit", img_size=32))
    held = Classifier(bar_images(), start=start, freeze=-1, **QUICK).learn(4)
    for name, tensor in held.learners["network"].module.backbone.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), start.tensors[name])
    free = Classifier(bar_images(), start=start, **QUICK).learn(4)
    learned = free.learners["network"].module.backbone.state_dict()
    assert any(not np.array_equal(tensor.numpy(), start.tensors[name]) for name, tensor in learned.items())
    free.save(tmp_path / "task")
    assert Classifier.load(tmp_path / "task", bar_images()).evaluate() == free.evaluate()


def test_command_line_run_does_not_need_the_folder_afterwards(timm, tmp_path):
    folder = saved(timm, tmp_path / "model", "test_vit", img_size=32)
    run = trained("classifier", "digits", "--from", str(folder), "--epochs", "1", "--batch-size", "512",
                  "--wandb", "disabled")  # fmt: skip
    assert run.config["from"] == str(folder)
    for file in folder.iterdir():
        file.unlink()
    known = read_checkpoint(run.checkpoints()[-1]).state["metadata"]["preprocessing"]["model"]["timm"]
    assert known["architecture"] == "test_vit"
    assert main(["evaluate", "latest"]) == 0


def test_unreadable_folders_raise(timm, tmp_path):
    folder = saved(timm, tmp_path / "model", "test_resnet")
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"test_resnet"', '"no_such_net"'))
    with pytest.raises(SandlotError, match=r"can't be read: Unknown model \(no_such_net\)"):
        load_pretrained(folder)
    config.write_text(config.read_text().replace('"no_such_net"', '"test_vit"'))
    with pytest.raises(SandlotError, match="lacks weights of a test_vit: cls_token is missing"):
        load_pretrained(folder)
    said = json.loads(config.read_text())
    config.write_text(json.dumps(said | {"model_args": {"pretrained": True}}))
    with pytest.raises(SandlotError, match="can't be read: "):
        load_pretrained(folder)
    config.write_text(json.dumps(said))
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(SandlotError, match="can't be read: "):
        load_pretrained(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    (folder / "other.safetensors").write_bytes(b"beside")
    with pytest.raises(SandlotError, match="other formats can run code"):
        load_pretrained(folder)
