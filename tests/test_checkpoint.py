import json

import numpy as np
import pytest

from sandlot.tracking import SandlotError, read_checkpoint, write_checkpoint
from sandlot.tracking.checkpoint import CHECKSUMS, STATE, TENSORS


@pytest.fixture
def tensors():
    return {
        "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
        "count": np.array(7),
        "mask": np.array([True, False]),
    }


@pytest.fixture
def folder(tmp_path, tensors):
    write_checkpoint(tmp_path / "checkpoint", tensors, {"step": 3, "name": "ü"})
    return tmp_path / "checkpoint"


def test_what_is_read_is_what_was_written(folder, tensors):
    read, state = read_checkpoint(folder)
    assert state == {"step": 3, "name": "ü"}
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def test_nothing_else_is_left(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted([CHECKSUMS, STATE, TENSORS])
    assert [path.name for path in folder.parent.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("name", [TENSORS, STATE])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_damage_is_noticed_and_named(folder, name, damage):
    path = folder / name
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-5] if damage == "cut" else data[:-5] + b"?" + data[-4:])
    with pytest.raises(SandlotError, match=f"is damaged: {name}"):
        read_checkpoint(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({})])
def test_damaged_checksums_are_noticed(folder, text):
    (folder / CHECKSUMS).write_text(text)
    with pytest.raises(SandlotError, match=r"damaged|can't be read"):
        read_checkpoint(folder)


def test_writing_again_replaces_the_old_one(folder):
    write_checkpoint(folder, {"new": np.ones(1)}, {"step": 4})
    assert read_checkpoint(folder).state == {"step": 4}


def test_a_folder_that_is_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(SandlotError, match="is not a checkpoint; choose another name"):
        write_checkpoint(tmp_path / "thesis", {}, {})
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_leaves_the_old_checkpoint_whole(folder, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sandlot.tracking.checkpoint.write_synced", full)
    with pytest.raises(SandlotError, match="No space left on device"):
        write_checkpoint(folder, {}, {})
    assert read_checkpoint(folder).state["step"] == 3
    assert len(list(folder.parent.iterdir())) == 1
