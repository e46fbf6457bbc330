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
    load_frame,
    ordered_split,
    stratified_split,
    without_copies,
)
from sandlot.supervised.data.split import PARTS
from sandlot.tracking import SandlotError


def frame(rows=200, **columns):
    return Frame("made", {"x": np.arange(rows, dtype=float), **columns}, [("made", rows)])


def shared_out(data, strata, inputs=("x",), validation=0.1, test=0.2, seed=0):
    return stratified_split(data, inputs, strata, validation, test, seed)


def test_no_row_is_in_two_parts_and_none_is_lost():
    data = frame()
    split = shared_out(data, np.arange(200) % 4)
    rows = [split.rows(part) for part in PARTS]
    assert sorted(np.concatenate(rows)) == list(range(200))
    assert [len(part) for part in rows] == [144, 16, 40]
    with pytest.raises(SandlotError, match="there is no part 'tset'"):
        split.rows("tset")


def test_each_part_has_the_same_mix_and_a_rare_class_is_learned_from():
    label = np.array([0] * 150 + [1] * 49 + [2])
    split = shared_out(frame(), label)
    for part in PARTS:
        assert (label[split.rows(part)] == 0).mean() == pytest.approx(0.75, abs=0.04)
    assert 199 in split.rows("train")


def test_copies_of_a_row_stay_together():
    data = frame(x=np.arange(200) // 4 * 1.0)
    for seed in range(5):
        split = shared_out(data, np.zeros(200), seed=seed)
        seen = [set(data.columns["x"][split.rows(part)]) for part in PARTS]
        assert not seen[0] & seen[1]
        assert not seen[0] & seen[2]
        assert not seen[1] & seen[2]


def test_the_split_depends_on_the_seed_alone():
    first, again, other = (shared_out(frame(), np.zeros(200), seed=seed).part_of for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_the_test_that_a_source_has_stays_its_test():
    data = Frame("made", {"x": np.arange(50.0)}, [("made", 50)], given=np.where(np.arange(50) < 40, -1, 2))
    split = shared_out(data, np.zeros(50))
    assert list(split.rows("test")) == list(range(40, 50))
    assert len(split.rows("validation")) == 4


def test_copies_of_a_row_of_the_test_that_a_source_has_are_left_out():
    content = np.array([*range(40), *range(5), *range(100, 105), *range(3)], float)
    data = Frame("made", {"x": content}, [("made", 53)], given=np.array([-1] * 40 + [1] * 10 + [2] * 3))
    split = without_copies(shared_out(data, np.zeros(53)), data, ["x"])
    train, validation, test = (set(content[split.rows(part)]) for part in PARTS)
    assert train == set(range(5, 40)), "0 to 4 are in the others"
    assert validation == {3, 4, *range(100, 105)}
    assert test == {0, 1, 2}
    assert split.copies == 5 + 3


def test_what_follows_in_time_is_cut_in_time():
    split = ordered_split(100, 0.1, 0.2)
    assert list(split.rows("test")) == list(range(80, 100))
    assert list(split.rows("validation")) == list(range(72, 80))


def test_an_epoch_gives_each_row_once_and_goes_on_in_its_middle():
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
def test_the_data_sets_of_scikit_learn(name):
    data = load_frame(name)
    assert len(data) > 100
    assert data.fingerprint() == load_frame(name).fingerprint()


def test_tables_of_all_kinds_are_read_alike(tmp_path):
    rows = [{"age": 3.5, "city": "Oslo", "label": 1}, {"age": 4.0, "city": "Rome", "label": 0}]
    (tmp_path / "a.csv").write_text("age,city,label\n3.5,Oslo,1\n4.0,Rome,0\n")
    (tmp_path / "a.tsv").write_text("age\tcity\tlabel\n3.5\tOslo\t1\n4.0\tRome\t0\n")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for suffix in ("csv", "tsv", "jsonl"):
        data = load_frame(tmp_path / f"a.{suffix}")
        assert list(data.columns) == ["age", "city", "label"]
        assert data.columns["age"].dtype == float
        assert data.columns["city"].tolist() == ["Oslo", "Rome"]


def test_files_called_test_are_the_test(tmp_path):
    (tmp_path / "train.csv").write_text("x\n1\n2\n3\n")
    (tmp_path / "test.csv").write_text("x\n4\n")
    data = load_frame(tmp_path)
    assert data.given.tolist() == [2, -1, -1, -1]
    assert data.place(0) == str(tmp_path / "test.csv")
    assert data.place(2, "x") == f"{tmp_path / 'train.csv'}, row 2, column 'x'"


def images(folder, name, size=(5, 4), mode="L"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 200).save(folder / name)


def test_a_folder_of_images(tmp_path):
    images(tmp_path, "cat/1.png")
    images(tmp_path, "cat/2.png")
    images(tmp_path, "dog/1.png")
    (tmp_path / "dog" / "2.png").write_bytes(b"no image")
    data = load_frame(tmp_path)
    assert data.columns["image"].shape == (3, 4, 5, 1)
    assert data.columns["label"].tolist() == [0, 0, 1]
    assert data.classes["label"] == ["cat", "dog"]
    assert data.left_out == [str(tmp_path / "dog" / "2.png")]
    with pytest.raises(SandlotError, match=r"dog/2.png can't be read as an image"):
        load_frame(tmp_path, DataConfig(strict=True))
    images(tmp_path, "dog/3.png", (6, 4), "RGB")
    with pytest.raises(SandlotError, match=r"dog/3.png is an image of 6×4 pixels in 3 channel"):
        load_frame(tmp_path)
    alike = load_frame(tmp_path, DataConfig(image_size=8, image_mode="rgb"))
    assert alike.columns["image"].shape == (4, 8, 8, 3)


def test_a_class_whose_images_are_all_unreadable_is_a_sentence(tmp_path):
    images(tmp_path, "cat/1.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(SandlotError, match=r"the class .dog. in .* has no image that can be read"):
        load_frame(tmp_path)


def test_parquet_through_datasets(tmp_path):
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
    assert data.given.tolist() == [2, 2, 2]


def test_a_name_of_the_hub_is_asked_for_there(monkeypatch):
    datasets = pytest.importorskip("datasets")
    parts = {part: datasets.Dataset.from_dict({"x": [1.0, 2.0]}) for part in ("train", "test")}
    monkeypatch.setattr(datasets, "load_dataset", lambda name: parts if name == "someone/digits" else 1 / 0)
    data = load_frame("someone/digits")
    assert data.given.tolist() == [-1, -1, 2, 2]
    assert data.place(2) == "someone/digits/test, row 1"
    with pytest.raises(
        SandlotError, match=r"there is no data set 'nobody/this': .* the Hugging Face hub can't give it"
    ):
        load_frame("nobody/this")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "x,y\n1,2\n3\n", "a.csv, row 2: there are 1 cells for 2 columns"),
        ("a.csv", "x,x\n1,2\n", "must begin with a line of column names, each different"),
        ("a.csv", "", "must begin with a line of column names"),
        ("a.csv", "x\n", "a.csv has no rows"),
        ("a.jsonl", '{"x": 1}\n{x: 2}\n', "a.jsonl, row 2: this is no JSON"),
        ("a.jsonl", "[1]\n", "a.jsonl, row 1: this is no JSON object"),
        ("a.parquet", "nothing", "a.parquet can't be read as parquet"),
        ("a.doc", "nothing", "is no kind of file that can be read"),
        ("a.png", "nothing", "holds no image that can be read"),
        ("a.txt", "", "a.txt has no rows"),
    ],
)
def test_files_that_cannot_be_read_are_a_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(SandlotError, match=sentence):
        load_frame(tmp_path / name)


def test_an_empty_folder_is_a_sentence(tmp_path):
    with pytest.raises(SandlotError, match="holds nothing that can be read"):
        load_frame(tmp_path)
