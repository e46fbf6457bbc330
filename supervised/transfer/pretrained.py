"""Encoders of Hugging Face's `transformers` and of timm, with their weights, from a folder on disk.

Nothing is fetched, only safetensors are read, and no code of the folder's is run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from sandlot.supervised.modalities.pretrained import MODEL, timm_library, transformers_library
from sandlot.tracking import SandlotError

from .encoding import Encoding

CONFIG, PREPARATION, TOKENIZER = "config.json", "preprocessor_config.json", "tokenizer.json"
WEIGHTS = "model.safetensors"
NOT_READ = "other formats can run code and are not read"
RESAMPLINGS = {2: "bilinear", 3: "bicubic"}
"""How images are made larger or smaller, by Pillow's numbers."""
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError)
"""What the two libraries raise for a config or weights that are not what they should be."""


def is_pretrained(folder: Path) -> bool:
    """Tell whether `folder` holds a model in the way of `transformers` or timm, not a run."""
    return (folder / CONFIG).is_file() and not _json(folder / CONFIG).keys().isdisjoint(("model_type", "architecture"))


def read_pretrained(folder: Path) -> Encoding:
    """Return the encoder in `folder` as the start of a task: of images, or of texts if there is a tokenizer."""
    config = _json(folder / CONFIG)
    return _of_transformers(folder) if "model_type" in config else _of_timm(folder, config)


def _of_transformers(folder: Path) -> Encoding:
    transformers = transformers_library()
    if not list(folder.glob("*.safetensors")):
        raise SandlotError(f"{folder} has no weights as .safetensors; {NOT_READ}")
    try:
        model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    metadata: dict[str, Any] = {"config": model.config.to_dict()}
    if (folder / TOKENIZER).is_file():
        longest = metadata["config"].get("max_position_embeddings", 512)
        reading = {"tokenizer": {"byte-pairs": (folder / TOKENIZER).read_text()}, "length": longest, MODEL: metadata}
        return Encoding("texts", reading, {}, _weights(model))
    return Encoding("images", {MODEL: metadata | _preparation(folder, metadata["config"])}, {}, _weights(model))


def _of_timm(folder: Path, config: Mapping[str, Any]) -> Encoding:
    """Return an encoder that timm has saved (`timm.models.save_for_hf`), or as its hub gives it."""
    timm = timm_library()
    if not (folder / WEIGHTS).is_file():
        raise SandlotError(f"{folder} has no {WEIGHTS}; {NOT_READ}")
    try:
        model = timm.create_model(f"local-dir:{folder}", pretrained=False, num_classes=0)
        # timm would take any format of weights, and leave at random what they lack. What is too much is the head.
        lacking = model.load_state_dict(load_file(folder / WEIGHTS), strict=False).missing_keys
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    if lacking:
        raise SandlotError(
            f"{folder / WEIGHTS} has not the weights of a {config['architecture']}: {lacking[0]} is missing"
        )
    said = model.pretrained_cfg
    channels, *size = said["input_size"]
    made_for = {name: said[name] for name in ("input_size", "fixed_input_size") if name in said}
    known = {"architecture": config["architecture"], "arguments": config.get("model_args", {}), "made_for": made_for}
    interpolation = said.get("interpolation") if said.get("interpolation") in RESAMPLINGS.values() else "bilinear"
    metadata = {"timm": known, "size": size, "channels": channels, "mean": list(said["mean"]), "std": list(said["std"]),
             "interpolation": interpolation}  # fmt: skip
    return Encoding("images", {MODEL: metadata}, {}, _weights(model))


def _weights(model: Any) -> dict[str, Any]:
    return {f"encoder.{name}": tensor.float().numpy() for name, tensor in model.state_dict().items()}


def _unreadable(folder: Path, error: Exception) -> SandlotError:
    said = str(error).strip().splitlines() or [type(error).__name__]
    return SandlotError(f"{folder} can't be read: {said[0]}")


def _preparation(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how images are prepared: as the folder says, or, if it says nothing, between -1 and 1."""
    path = folder / PREPARATION
    said = _json(path) if path.is_file() else {}
    channels = config.get("num_channels", 3)
    size = said.get("crop_size") or said.get("size") or config.get("image_size") or 224
    if isinstance(size, dict):
        side = size.get("shortest_edge", 224)
        size = [size.get("height", side), size.get("width", side)]
    size = [size, size] if isinstance(size, int) else list(size)
    mean, std = (said.get(f"image_{name}", [0.5] * channels) for name in ("mean", "std"))
    interpolation = RESAMPLINGS.get(said.get("resample", 2), "bilinear")
    return {"size": size, "channels": channels, "mean": mean, "std": std, "interpolation": interpolation}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise SandlotError(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise SandlotError(f"{path} must hold a JSON object")
    return found
