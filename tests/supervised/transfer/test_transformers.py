"""Encoders of Hugging Face's transformers, small and made here."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sandlot.cli import main
from sandlot.supervised import Classifier
from sandlot.supervised.modalities.safe_configs import check_timm
from sandlot.supervised.transfer.pretrained_models import load_pretrained
from sandlot.tracking import SandlotError, read_checkpoint
from tests.commands import in_a_folder_of_its_own, trained  # noqa: F401 (a fixture)
from tests.supervised.datasets import bar_images, reviews

transformers = pytest.importorskip("transformers")
VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 16,
       "patch_size": 4}  # fmt: skip
RESNET = {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1]}
BERT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
        "max_position_embeddings": 64}  # fmt: skip
QUICK = {"batch_size": 32, "epochs": 1, "learning_rate": 1e-3}


def saved(folder, kind, options):
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, **options)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


def saved_bert(folder):
    import tokenizers

    words = sorted({word for text in reviews().texts("text") for word in text.split()})
    known = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *words])}
    reader = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="[UNK]"))
    reader.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    saved(folder, "bert", BERT | {"vocab_size": len(known)})
    reader.save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.parametrize(("kind", "options"), [("vit", VIT), ("resnet", RESNET)])
def test_image_features_equal_the_librarys(kind, options, tmp_path):
    folder = saved(tmp_path / "model", kind, options)
    preparation = {"size": {"height": 16, "width": 16}, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]}
    (folder / "preprocessor_config.json").write_text(json.dumps(preparation))
    task = Classifier(bar_images(), start=load_pretrained(folder), **QUICK)
    network = task.learners["network"].module.eval()
    pixels = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    larger = torch.nn.functional.interpolate(pixels / 255, (16, 16), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(preparation[f"image_{name}"]).view(-1, 1, 1) for name in ("mean", "std"))
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model(pixel_values=(larger.expand(-1, 3, -1, -1) - mean) / std).pooler_output.flatten(1)
        found = network.backbone({"image": pixels})
    assert found.shape[1] == network.backbone.feature_size
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", ["images", "texts"])
def test_fine_tuning_starts_from_the_weights_and_reloads(kind, tmp_path):
    if kind == "images":
        folder, data = saved(tmp_path / "model", "vit", VIT), bar_images()
    else:
        folder, data = saved_bert(tmp_path / "model"), reviews()
    start = load_pretrained(folder)
    assert start.kind == kind
    task = Classifier(data, start=start, freeze=-1, **QUICK)
    before = {name: tensor.clone() for name, tensor in task.learners["network"].module.backbone.state_dict().items()}
    for name, array in start.tensors.items():
        np.testing.assert_array_equal(before[name].numpy(), array)
    task.learn(8)
    for name, tensor in task.learners["network"].module.backbone.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    free = Classifier(data, start=start, **QUICK).learn(8)
    learned = free.learners["network"].module.backbone.named_parameters()
    assert any(not torch.equal(tensor, before[name]) for name, tensor in learned)
    free.save(tmp_path / "task")
    again = Classifier.load(tmp_path / "task", data)
    assert again.evaluate() == free.evaluate()


def test_padding_does_not_change_text_features(tmp_path):
    task = Classifier(reviews(), start=load_pretrained(saved_bert(tmp_path / "model")), **QUICK)
    backbone = task.learners["network"].module.eval().backbone
    short, long = torch.tensor([[3, 4, 0, 0]]), torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        alone = backbone({"tokens": short[:, :2], "length": torch.tensor([2])})
        both = backbone({"tokens": torch.cat([short, long]), "length": torch.tensor([2, 4])})
    torch.testing.assert_close(both[:1], alone)


def test_command_line_run_does_not_need_the_folder_afterwards(tmp_path):
    folder = saved(tmp_path / "model", "vit", VIT)
    run = trained("classifier", "digits", "--from", str(folder), "--epochs", "1", "--batch-size", "256",
                  "--wandb", "disabled")  # fmt: skip
    assert run.config["from"] == str(folder)
    for file in folder.iterdir():
        file.unlink()
    assert (
        read_checkpoint(run.checkpoints()[-1]).state["metadata"]["preprocessing"]["model"]["config"]["model_type"]
        == "vit"
    )
    assert main(["evaluate", "latest"]) == 0


def test_unreadable_folders_raise(tmp_path):
    folder = saved(tmp_path / "model", "vit", VIT)
    with pytest.raises(SandlotError, match="a run that read images can't read texts"):
        Classifier(reviews(), start=load_pretrained(folder))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SandlotError, match="other formats can run code"):
        load_pretrained(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(SandlotError, match="is not valid JSON"):
        load_pretrained(folder)


def test_code_in_the_folder_is_never_run(tmp_path, monkeypatch):
    folder = saved(tmp_path / "model", "vit", VIT)
    config = json.loads((folder / "config.json").read_text())
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass C: pass\n")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    code = {"auto_map": {"AutoConfig": "evil.C", "AutoModel": "evil.C"}}
    for said in (config | code, config | code | {"model_type": "mine"}, config | code | {"model_type": 5}):
        (folder / "config.json").write_text(json.dumps(said))
        if said["model_type"] == "vit":
            load_pretrained(folder)
        else:
            with pytest.raises(SandlotError, match="code beside a model is never run"):
                load_pretrained(folder)
    assert not (tmp_path / "ran").exists()


def test_a_config_names_neither_kernels_nor_other_models(tmp_path):
    folder = saved(tmp_path / "model", "vit", VIT)
    config = json.loads((folder / "config.json").read_text())
    said = config | {"_attn_implementation": "someone/kernel", "attn_implementation": "someone/kernel", "extra": 1}
    (folder / "config.json").write_text(json.dumps(said | {"quantization_config": {"quant_method": "mine"}}))
    known = load_pretrained(folder).preprocessing["model"]["config"]
    assert "kernel" not in json.dumps(known)
    assert "extra" not in known
    (folder / "config.json").write_text(
        json.dumps(config | {"model_type": "timm_wrapper", "architecture": "hf-hub:a/b"})
    )
    with pytest.raises(SandlotError, match="timm_wrapper"):
        load_pretrained(folder)


def test_weights_come_from_safetensors_in_the_folder_alone(tmp_path):
    folder = saved(tmp_path / "model", "vit", VIT)
    weights, outside = folder / "model.safetensors", tmp_path / "outside.safetensors"
    names = list(load_file(weights))
    index = folder / "model.safetensors.index.json"
    expected = load_pretrained(folder).tensors
    weights.rename(folder / "part.safetensors")
    index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, "part.safetensors")}))
    for name, array in load_pretrained(folder).tensors.items():
        np.testing.assert_array_equal(array, expected[name])
    (folder / "part.safetensors").rename(outside)
    for place in ("w.bin", "../outside.safetensors", str(outside), "gone.safetensors", 5):
        index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, place)}))
        with pytest.raises(SandlotError, match="safetensors"):
            load_pretrained(folder)
    index.unlink()
    weights.symlink_to(outside)
    with pytest.raises(SandlotError, match=r"is a link to .*outside"):
        load_pretrained(folder)


def test_timm_models_load_nothing_from_elsewhere():
    check_timm("vit_tiny.augreg", {"img_size": 32})
    unsafe = [[], {"pretrained": True}, {"checkpoint_path": "w.bin"}]
    for name, arguments in [("hf-hub:a/b", {}), ("local-dir:/x", {}), (5, {}), *(("vit", bad) for bad in unsafe)]:
        with pytest.raises(SandlotError):
            check_timm(name, arguments)
