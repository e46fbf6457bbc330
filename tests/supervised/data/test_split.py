"""Train, validation and test splits."""

import numpy as np
import pytest

from sandlot.supervised.data import SUBSETS, Frame, drop_duplicates, ordered_split, stratified_split
from sandlot.tracking import SandlotError

pytestmark = pytest.mark.shapes


def frame(rows=200, **columns):
    return Frame("made", {"x": np.arange(rows, dtype=float), **columns}, [("made", rows)])


def split_frame(data, strata, inputs=("x",), validation=0.1, test=0.2, seed=0):
    return stratified_split(data, inputs, strata, validation, test, seed)


def test_split_assigns_each_row_once():
    data = frame()
    split = split_frame(data, np.arange(200) % 4)
    rows = [split.rows(name) for name in SUBSETS]
    assert sorted(np.concatenate(rows)) == list(range(200))
    assert [len(subset) for subset in rows] == [144, 16, 40]
    with pytest.raises(SandlotError, match="there is no data split 'tset'"):
        split.rows("tset")


def test_split_is_stratified_and_rare_classes_are_trained_on():
    label = np.array([0] * 150 + [1] * 49 + [2])
    split = split_frame(frame(), label)
    for name in SUBSETS:
        assert (label[split.rows(name)] == 0).mean() == pytest.approx(0.75, abs=0.04)
    assert 199 in split.rows("train")


def test_equal_rows_stay_in_one_split():
    data = frame(x=np.arange(200) // 4 * 1.0)
    for seed in range(5):
        split = split_frame(data, np.zeros(200), seed=seed)
        seen = [set(data.columns["x"][split.rows(name)]) for name in SUBSETS]
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
    train, validation, test = (set(content[split.rows(name)]) for name in SUBSETS)
    assert train == set(range(5, 40)), "0 to 4 are in the others"
    assert validation == {3, 4, *range(100, 105)}
    assert test == {0, 1, 2}
    assert split.duplicates == 5 + 3


def test_ordered_split_keeps_the_end_for_test():
    split = ordered_split(100, 0.1, 0.2)
    assert list(split.rows("test")) == list(range(80, 100))
    assert list(split.rows("validation")) == list(range(72, 80))
