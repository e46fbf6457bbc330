"""What is read of data, and how it is shared out."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from sandlot.supervised.data import (
    BUILTIN,
    DataConfig,
    Frame,
    Loader,
    drop_duplicates,
    load_frame,
    ordered_split,
    stratified_split,
)
from sandlot.supervised.data.split import SUBSETS
from sandlot.tracking import SandlotError


def frame(rows=200, **columns):
    return Frame("made", {"x": np.arange(rows, dtype=float), **columns}, [("made", rows)])


def split_frame(data, strata, inputs=("x",), validation=0.1, test=0.2, seed=0):
    return stratified_split(data, inputs, strata, validation, test, seed)


def test_split_assigns_each_row_once():
    data = frame()
    split = split_frame(data, np.arange(200) % 4)
    rows = [split.rows(part) for part in SUBSETS]
    assert sorted(np.concatenate(rows)) == list(range(200))
    assert [len(part) for part in rows] == [144, 16, 40]
    with pytest.raises(SandlotError, match="there is no data split 'tset'"):
        split.rows("tset")


def test_split_is_stratified_and_rare_classes_are_trained_on():
    label = np.array([0] * 150 + [1] * 49 + [2])
    split = split_frame(frame(), label)
    for part in SUBSETS:
        assert (label[split.rows(part)] == 0).mean() == pytest.approx(0.75, abs=0.04)
    assert 199 in split.rows("train")


def test_equal_rows_stay_in_one_split():
    data = frame(x=np.arange(200) // 4 * 1.0)
    for seed in range(5):
        split = split_frame(data, np.zeros(200), seed=seed)
        seen = [set(data.columns["x"][split.rows(part)]) for part in SUBSETS]
        assert not seen[0] & seen[1]
        assert not seen[0] & seen[2]
        assert not seen[1] & seen[2]


def test_split_depends_on_the_seed_alone():
    first, again, other = (split_frame(frame(), np.zeros(200), seed=seed).assignment for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_source_keeps_its_own_test_split():
    data = Frame("made", {"x": np.arange(50.0)}, [("made", 50)], source_split=np.where(np.arange(50) < 40, -1, 2))
    split = split_frame(data, np.zeros(50))
    assert list(split.rows("test")) == list(range(40, 50))
    assert len(split.rows("validation")) == 4


def test_duplicates_of_test_rows_are_dropped():
    content = np.array([*range(40), *range(5), *range(100, 105), *range(3)], float)
    data = Frame("made", {"x": content}, [("made", 53)], source_split=np.array([-1] * 40 + [1] * 10 + [2] * 3))
    split = drop_duplicates(split_frame(data, np.zeros(53)), data, ["x"])
    train, validation, test = (set(content[split.rows(part)]) for part in SUBSETS)
    assert train == set(range(5, 40)), "0 to 4 are in the others"
    assert validation == {3, 4, *range(100, 105)}
    assert test == {0, 1, 2}
    assert split.duplicates == 5 + 3


def test_ordered_split_keeps_the_end_for_test():
    split = ordered_split(100, 0.1, 0.2)
    assert list(split.rows("test")) == list(range(80, 100))
    assert list(split.rows("validation")) == list(range(72, 80))


def test_an_epoch_has_each_row_once_and_resumes_in_its_middle():
    columns = {"x": torch.arange(20)}
    loader = Loader(columns, np.arange(2, 20), 6, seed=3)
    assert loader.steps_per_epoch == 3
    epochs = [[loader.batch(step)["x"] for step in range(3 * epoch, 3 * epoch + 3)] for epoch in (0, 1)]
    for epoch in epochs:
        assert sorted(torch.cat(epoch).tolist()) == list(range(2, 20))
    assert not torch.equal(epochs[0][0], epochs[1][0])
    later = Loader(columns, np.arange(2, 20), 6, seed=3)
    assert torch.equal(later.batch(4)["x"], epochs[1][1])


@pytest.mark.parametrize("name", BUILTIN)
def test_builtin_data_sets(name):
    data = load_frame(name)
    assert len(data) > 100
    assert data.fingerprint() == load_frame(name).fingerprint()


def test_table_formats_are_read_alike(tmp_path):
    rows = [{"age": 3.5, "city": "Oslo", "label": 1}, {"age": 4.0, "city": "Rome", "label": 0}]
    (tmp_path / "a.csv").write_text("age,city,label\n3.5,Oslo,1\n4.0,Rome,0\n")
    (tmp_path / "a.tsv").write_text("age\tcity\tlabel\n3.5\tOslo\t1\n4.0\tRome\t0\n")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for suffix in ("csv", "tsv", "jsonl"):
        data = load_frame(tmp_path / f"a.{suffix}")
        assert list(data.columns) == ["age", "city", "label"]
        assert data.columns["age"].dtype == float
        assert data.columns["city"].tolist() == ["Oslo", "Rome"]


def test_files_called_test_are_the_test_split(tmp_path):
    (tmp_path / "train.csv").write_text("x\n1\n2\n3\n")
    (tmp_path / "test.csv").write_text("x\n4\n")
    data = load_frame(tmp_path)
    assert data.source_split.tolist() == [2, -1, -1, -1]
    assert data.place(0) == str(tmp_path / "test.csv")
    assert data.place(2, "x") == f"{tmp_path / 'train.csv'}, row 2, column 'x'"


def images(folder, name, size=(5, 4), mode="L"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 200).save(folder / name)


def test_image_folder(tmp_path):
    images(tmp_path, "cat/1.png")
    images(tmp_path, "cat/2.png")
    images(tmp_path, "dog/1.png")
    (tmp_path / "dog" / "2.png").write_bytes(b"no image")
    data = load_frame(tmp_path)
    assert data.columns["image"].shape == (3, 4, 5, 1)
    assert data.columns["label"].tolist() == [0, 0, 1]
    assert data.classes["label"] == ["cat", "dog"]
    assert data.unreadable == [str(tmp_path / "dog" / "2.png")]
    with pytest.raises(SandlotError, match=r"dog/2.png can't be read as an image"):
        load_frame(tmp_path, DataConfig(skip_unreadable=False))
    images(tmp_path, "dog/3.png", (6, 4), "RGB")
    with pytest.raises(SandlotError, match=r"dog/3.png is an image of 6×4 pixels and 3 channel"):
        load_frame(tmp_path)
    alike = load_frame(tmp_path, DataConfig(image_size=8, image_mode="rgb"))
    assert alike.columns["image"].shape == (4, 8, 8, 3)


def test_class_without_readable_images_raises(tmp_path):
    images(tmp_path, "cat/1.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(SandlotError, match=r"the class .dog. in .* has no readable image"):
        load_frame(tmp_path)


def test_parquet(tmp_path):
    datasets = pytest.importorskip("datasets")
    images(tmp_path, "1.png")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"]), "size": datasets.Value("float32")}
    )
    picture = {"bytes": (tmp_path / "1.png").read_bytes(), "path": None}
    columns = {"image": [picture] * 3, "label": [0, 1, 1], "size": [1.0, 2.0, 3.0]}
    datasets.Dataset.from_dict(columns, features=features).to_parquet(tmp_path / "test-0.parquet")
    (tmp_path / "1.png").unlink()
    data = load_frame(tmp_path)
    assert data.columns["image"].shape == (3, 4, 5, 1)
    assert data.classes == {"label": ["a", "b"]}
    assert data.columns["size"].tolist() == [1, 2, 3]
    assert data.source_split.tolist() == [2, 2, 2]


def test_unknown_names_are_loaded_from_the_hub(monkeypatch):
    datasets = pytest.importorskip("datasets")
    parts = {part: datasets.Dataset.from_dict({"x": [1.0, 2.0]}) for part in ("train", "test")}
    monkeypatch.setattr(datasets, "load_dataset", lambda name: parts if name == "someone/digits" else 1 / 0)
    data = load_frame("someone/digits")
    assert data.source_split.tolist() == [-1, -1, 2, 2]
    assert data.place(2) == "someone/digits/test, row 1"
    with pytest.raises(
        SandlotError, match=r"there is no data set 'nobody/this': .* loading it from the Hugging Face hub failed"
    ):
        load_frame("nobody/this")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "x,y\n1,2\n3\n", "a.csv, row 2: found 1 cells, expected 2"),
        ("a.csv", "x,x\n1,2\n", "must start with a header line of distinct column names"),
        ("a.csv", "", "must start with a header line"),
        ("a.csv", "x\n", "a.csv has no rows"),
        ("a.jsonl", '{"x": 1}\n{x: 2}\n', "a.jsonl, row 2: invalid JSON"),
        ("a.jsonl", "[1]\n", "a.jsonl, row 1: not a JSON object"),
        ("a.parquet", "nothing", "a.parquet can't be read as parquet"),
        ("a.doc", "nothing", "is not a supported file type"),
        ("a.png", "nothing", "contains no readable image"),
        ("a.txt", "", "a.txt has no rows"),
    ],
)
def test_unreadable_files_raise(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(SandlotError, match=sentence):
        load_frame(tmp_path / name)


def test_empty_folder_raises(tmp_path):
    with pytest.raises(SandlotError, match="contains no readable files"):
        load_frame(tmp_path)
