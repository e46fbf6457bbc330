"""Arrays, tensors and torch data sets as rows of data."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from sandlot.supervised.data import Frame
from sandlot.tracking import SandlotError

ARRAY_FILES = (".npy", ".npz")
CHANNELS = (1, 2, 3, 4)
BYTE = 255.0


def is_array_like(data: Any) -> bool:
    """Return whether `data` is rows of numbers rather than a name, a path or a frame."""
    if isinstance(data, str | Path):
        return Path(data).suffix.lower() in ARRAY_FILES and Path(data).exists()
    return not isinstance(data, Frame) and (hasattr(data, "__array__") or hasattr(data, "__getitem__"))


def frame_of(data: Any, labels: Any = None) -> Frame:
    """Return the frame of an array, a tensor, a pandas table, a torch data set, or a .npy or .npz file.

    An array of two axes is a table, of three grey images, and of four images with channels last or first. A data set
    gives rows, or pairs of a row and a label.
    """
    name = "array"
    if isinstance(data, str | Path):
        name, (data, stored) = str(data), _read_file(Path(data))
        labels = stored if labels is None else labels
    elif hasattr(data, "columns") and hasattr(data, "to_numpy"):  # a pandas table
        columns = {str(key): data[key].to_numpy() for key in data.columns}
        return _with_labels(Frame("table", columns, [("table", len(data))]), labels)
    elif not hasattr(data, "__array__") and hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        name, (data, given) = type(data).__name__, _read_rows(data)
        labels = given if labels is None else labels
    values = _numpy(data)
    if values.ndim not in (2, 3, 4) or not len(values):
        raise SandlotError(
            f"an array of shape {values.shape} is no data: give [row, column] for a table, or [row, height, width] or "
            "[row, height, width, channel] for images"
        )
    if values.ndim == 2:
        columns = {f"x{index}": values[:, index].astype(float) for index in range(values.shape[1])}
    else:
        columns = {"image": values}
    return _with_labels(as_pixels(Frame(name, columns, [(name, len(values))])), labels)


def as_pixels(frame: Frame) -> Frame:
    """Return a frame whose images are [row height width channel] with values in 0..255, whatever type they had.

    Bytes stay as they are; 16-bit integers are divided by 257; floats are taken as 0..1 if none is above 1, or else
    as 0..255. Others are refused.
    """
    images = {name: column for name, column in frame.columns.items() if column.ndim > 1}
    if not images:
        return frame
    scaled = {name: _channels_last(_to_bytes(column, frame.name), frame.name) for name, column in images.items()}
    return replace(frame, columns={**frame.columns, **scaled})


def _to_bytes(pixels: Shaped[np.ndarray, "row ..."], name: str) -> Shaped[np.ndarray, "row ..."]:
    if pixels.dtype == np.uint8 or not pixels.size:
        return pixels
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint16:
        return (pixels / 257).astype(np.float32)
    if not np.issubdtype(pixels.dtype, np.number) or np.issubdtype(pixels.dtype, np.complexfloating):
        raise SandlotError(f"the images of {name} hold {pixels.dtype}, not numbers")
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise SandlotError(f"the images of {name} hold values that are not finite")
    if low < 0 or high > BYTE:
        raise SandlotError(
            f"the images of {name} have {pixels.dtype} values from {low:g} to {high:g}; give floats in 0..1, bytes in "
            "0..255 or uint16"
        )
    if np.issubdtype(pixels.dtype, np.integer):
        return pixels.astype(np.uint8)
    return (pixels * (BYTE if high <= 1 else 1)).astype(np.float32)


def _channels_last(pixels: Shaped[np.ndarray, "row ..."], name: str) -> Shaped[np.ndarray, "row ..."]:
    if pixels.ndim == 3:
        return pixels[..., None]
    if pixels.ndim != 4:
        raise SandlotError(f"the images of {name} have the shape {pixels.shape[1:]}; give [height, width, channel]")
    if pixels.shape[3] not in CHANNELS and pixels.shape[1] in CHANNELS:
        return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
    return pixels


def _read_file(path: Path) -> tuple[np.ndarray, Any]:
    try:
        found: Any = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SandlotError(f"{path} can't be read: {error}") from error
    if isinstance(found, np.ndarray):
        return found, None
    arrays = {key: found[key] for key in found.files}
    labels = next((arrays.pop(key) for key in ("label", "labels", "y", "target") if key in arrays), None)
    if len(arrays) != 1:
        raise SandlotError(f"{path} must hold one array of rows, and labels if any; it has {', '.join(found.files)}")
    return next(iter(arrays.values())), labels


def _read_rows(data: Any) -> tuple[np.ndarray, Any]:
    rows = [data[index] for index in range(len(data))]
    if not rows:
        raise SandlotError("the data set has no rows")
    pairs = isinstance(rows[0], tuple | list) and hasattr(rows[0][0], "__len__")
    values = [_numpy(row[0] if pairs else row) for row in rows]
    if len({value.shape for value in values}) > 1:
        raise SandlotError("the rows of the data set differ in shape")
    labels = np.array([_numpy(row[1]).item() for row in rows]) if pairs and len(rows[0]) > 1 else None
    return np.stack(values), labels


def _numpy(values: Any) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:
        raise SandlotError(f"a {type(values).__name__} is no array of numbers: {error}") from error


def _with_labels(frame: Frame, labels: Any) -> Frame:
    if labels is None:
        return frame
    column = _numpy(labels).reshape(-1)
    if len(column) != len(frame):
        raise SandlotError(f"there are {len(column)} labels for {len(frame)} rows")
    if column.dtype.kind in "US":
        column = column.astype(object)
    return replace(frame, columns={**frame.columns, "label": column})


def to_columns(rows: Any, metadata: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the rows of a model in the units of its data, by column; of one-hot categories, the likeliest."""
    values = rows.detach().cpu().numpy()
    if metadata["kind"] == "images":
        return {"image": (values.clip(0, 1) * BYTE).round().astype(np.uint8).transpose(0, 2, 3, 1)}
    preprocessing, columns, place = metadata["preprocessing"], {}, 0
    for name in preprocessing["columns"]:
        if name in preprocessing["scales"]:
            mean, std = preprocessing["scales"][name]
            columns[name] = values[:, place].astype(float) * std + mean
            place += 1
        else:
            names = np.array(preprocessing["categories"][name])
            columns[name] = names[values[:, place : place + len(names)].argmax(1)]
            place += len(names)
    return columns
