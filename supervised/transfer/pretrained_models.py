"""Load pretrained encoders of Hugging Face's `transformers` and of timm from a folder.

Nothing is downloaded, only safetensors are read, and no code in the folder is run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sandlot.supervised.modalities.pretrained import MODEL, timm_library, transformers_library
from sandlot.supervised.modalities.safe_configs import check_timm, transformers_config
from sandlot.tracking import SandlotError

from .trained_encoder import TrainedEncoder

CONFIG, PREPROCESSOR, TOKENIZER = "config.json", "preprocessor_config.json", "tokenizer.json"
WEIGHTS = "model.safetensors"
NOT_READ = "other formats can run code and are not read"
RESAMPLINGS = {2: "bilinear", 3: "bicubic"}
"""Interpolation modes, by Pillow's numbers."""
UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, ImportError, ArithmeticError,
    MemoryError, AssertionError, SafetensorError,
)  # fmt: skip
"""What the two libraries raise for invalid configs or weights."""


def is_pretrained(folder: Path) -> bool:
    """Return whether `folder` holds a `transformers` or timm model, rather than a run."""
    return (folder / CONFIG).is_file() and not _json(folder / CONFIG).keys().isdisjoint(("model_type", "architecture"))


def load_pretrained(folder: Path) -> TrainedEncoder:
    """Load the encoder in `folder`: for texts if it has a tokenizer, else for images."""
    config = _json(folder / CONFIG)
    return _load_transformers(folder) if "model_type" in config else _load_timm(folder, config)


def _load_transformers(folder: Path) -> TrainedEncoder:
    transformers = transformers_library()
    weights = _weight_files(folder)
    try:
        config = transformers_config(transformers, _json(folder / CONFIG))
        with TemporaryDirectory() as apart:  # where there is nothing else that the library would look at
            for path in weights:
                (Path(apart) / path.name).symlink_to(path.resolve())
            model = transformers.AutoModel.from_pretrained(
                apart, config=config, local_files_only=True, use_safetensors=True, trust_remote_code=False,
                dtype=torch.float32,
            )  # fmt: skip
    except SandlotError as error:
        raise SandlotError(f"{folder} can't be read: {error}") from error
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    metadata: dict[str, Any] = {"config": model.config.to_dict()}
    if (folder / TOKENIZER).is_file():
        longest = metadata["config"].get("max_position_embeddings", 512)
        preprocessing = {
            "tokenizer": {"byte-pairs": (folder / TOKENIZER).read_text()},
            "length": longest,
            MODEL: metadata,
        }
        return TrainedEncoder("texts", preprocessing, {}, _weights(model))
    return TrainedEncoder(
        "images", {MODEL: metadata | _image_preprocessing(folder, metadata["config"])}, {}, _weights(model)
    )


def _load_timm(folder: Path, config: Mapping[str, Any]) -> TrainedEncoder:
    """Load an encoder saved by timm (`timm.models.save_for_hf`), or downloaded from the hub."""
    timm = timm_library()
    if not (folder / WEIGHTS).is_file():
        raise SandlotError(f"{folder} has no {WEIGHTS}; {NOT_READ}")
    _check_inside(folder / WEIGHTS)
    try:
        check_timm(config.get("architecture"), config.get("model_args") or {})
        model = timm.create_model(f"local-dir:{folder}", pretrained=False, num_classes=0)
        # timm itself would accept other formats, and leave missing weights random. Unexpected ones are the head's.
        missing = model.load_state_dict(load_file(folder / WEIGHTS), strict=False).missing_keys
    except SandlotError as error:
        raise SandlotError(f"{folder} can't be read: {error}") from error
    except UNREADABLE as error:
        raise _unreadable(folder, error) from error
    if missing:
        raise SandlotError(f"{folder / WEIGHTS} lacks weights of a {config['architecture']}: {missing[0]} is missing")
    pretrained = model.pretrained_cfg
    channels, *size = pretrained["input_size"]
    made_for = {name: pretrained[name] for name in ("input_size", "fixed_input_size") if name in pretrained}
    interpolation = pretrained.get("interpolation")
    metadata = {
        "timm": {
            "architecture": config["architecture"],
            "arguments": config.get("model_args") or {},
            "made_for": made_for,
        },
        "size": size,
        "channels": channels,
        "mean": list(pretrained["mean"]),
        "std": list(pretrained["std"]),
        "interpolation": interpolation if interpolation in RESAMPLINGS.values() else "bilinear",
    }
    return TrainedEncoder("images", {MODEL: metadata}, {}, _weights(model))


def _weight_files(folder: Path) -> list[Path]:
    """Return the files with the weights of a transformers model, and their index if they are several."""
    index = folder / f"{WEIGHTS}.index.json"
    if (folder / WEIGHTS).is_file() or not index.is_file():
        names, files = [WEIGHTS], [folder / WEIGHTS]
    else:
        places = _json(index).get("weight_map")
        names = sorted(set(map(str, places.values()))) if isinstance(places, dict) else []
        files = [index, *(folder / name for name in names)]
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise SandlotError(f"{index} names {name!r}, which is not a .safetensors file in this folder; {NOT_READ}")
        if not (folder / name).is_file():
            raise SandlotError(f"{folder} has no .safetensors weights; {NOT_READ}")
        _check_inside(folder / name)
    if not names:
        raise SandlotError(f"{index} names no weights")
    return files


def _check_inside(path: Path) -> None:
    """Raise `SandlotError` if the file `path` is a link out of its folder, other than to the hub's own cache."""
    home, blobs = path.parent.resolve(), path.parent.resolve().parent.parent / "blobs"
    target = path.resolve()
    if not target.is_relative_to(home) and not (home.parent.name == "snapshots" and target.parent == blobs):
        raise SandlotError(f"{path} is a link to {target}, outside of its folder; only files in the folder are read")


def _weights(model: Any) -> dict[str, Any]:
    return {f"encoder.{name}": tensor.float().numpy() for name, tensor in model.state_dict().items()}


def _unreadable(folder: Path, error: Exception) -> SandlotError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return SandlotError(f"{folder} can't be read: {lines[0]}")


def _image_preprocessing(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the preprocessing that the folder specifies, or else scaling to [-1, 1]."""
    path = folder / PREPROCESSOR
    options = _json(path) if path.is_file() else {}
    channels = config.get("num_channels", 3)
    size = options.get("crop_size") or options.get("size") or config.get("image_size") or 224
    if isinstance(size, dict):
        side = size.get("shortest_edge", 224)
        size = [size.get("height", side), size.get("width", side)]
    size = [size, size] if isinstance(size, int) else list(size)
    mean, std = (options.get(f"image_{name}", [0.5] * channels) for name in ("mean", "std"))
    interpolation = RESAMPLINGS.get(options.get("resample", 2), "bilinear")
    return {"size": size, "channels": channels, "mean": mean, "std": std, "interpolation": interpolation}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise SandlotError(f"{path} is not valid JSON: {error}") from error
    except OSError as error:
        raise SandlotError(f"{path} can't be read: {error.strerror}") from error
    if not isinstance(found, dict):
        raise SandlotError(f"{path} must contain a JSON object")
    return found
