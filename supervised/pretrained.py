"""Encoders of Hugging Face's `transformers`, with their weights, from a folder on disk.

Nothing is fetched, only safetensors are read, and no code of the folder's is run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracking import SandlotError

from .modalities.pretrained import MODEL, transformers_library
from .transfer import Encoding

CONFIG, PREPARATION, TOKENIZER = "config.json", "preprocessor_config.json", "tokenizer.json"


def is_pretrained(folder: Path) -> bool:
    """Tell whether `folder` holds a model in the way of `transformers` or timm, not a run."""
    return (folder / CONFIG).is_file() and not _json(folder / CONFIG).keys().isdisjoint(("model_type", "architecture"))


def read_pretrained(folder: Path) -> Encoding:
    """Return the encoder in `folder` as the start of a task: of images, or of texts if there is a tokenizer."""
    transformers = transformers_library()
    config = _json(folder / CONFIG)
    if "model_type" not in config:
        raise SandlotError(f"{folder / CONFIG} is of timm, whose models are not read; those of transformers are")
    if not list(folder.glob("*.safetensors")):
        raise SandlotError(f"{folder} has no weights as .safetensors; other formats can run code and are not read")
    try:
        model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, KeyError) as error:
        raise SandlotError(f"{folder} can't be read: {str(error).splitlines()[0]}") from error
    facts: dict[str, Any] = {"config": model.config.to_dict()}
    if (folder / TOKENIZER).is_file():
        kind, longest = "texts", facts["config"].get("max_position_embeddings", 512)
        reading = {"tokenizer": {"byte-pairs": (folder / TOKENIZER).read_text()}, "length": longest, MODEL: facts}
    else:
        kind, reading = "images", {MODEL: facts | _preparation(folder, facts["config"])}
    tensors = {f"encoder.{name}": tensor.float().numpy() for name, tensor in model.state_dict().items()}
    return Encoding(kind, reading, {}, tensors)


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
    return {"size": size, "channels": channels, "mean": mean, "std": std}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise SandlotError(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise SandlotError(f"{path} must hold a JSON object")
    return found
