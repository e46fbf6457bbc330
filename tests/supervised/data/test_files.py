"""Reading of files, folders and names."""

import json

import pytest
from PIL import Image

from sandlot.supervised.data import BUILTIN, DataConfig, load_frame
from sandlot.tracking import SandlotError

pytestmark = pytest.mark.shapes


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
    ("name", "content", "message"),
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
def test_unreadable_files_raise(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(SandlotError, match=message):
        load_frame(tmp_path / name)


def test_empty_folder_raises(tmp_path):
    with pytest.raises(SandlotError, match="contains no readable files"):
        load_frame(tmp_path)
