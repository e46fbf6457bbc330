"""Data that a task can't use: the error says what is wrong and where."""

import numpy as np
import pytest

from sandlot.supervised import Classifier, Forecaster, LanguageModel, Regressor
from sandlot.tracking import SandlotError
from tests.supervised.datasets import bar_images, frame_of

pytestmark = pytest.mark.shapes

ONES, YES_NO = [1.0] * 4, [0, 1, 0, 1]
C, R, S, L = Classifier, Regressor, Forecaster, LanguageModel
MISTAKES = [
    (C, {"x": ["1", "2", "three", "4"], "label": YES_NO}, {}, "made.csv, row 3, column 'x': 'three' is not"),
    (C, {"x": ["1", None, "3", "4"], "label": YES_NO}, {}, "made.csv, row 2, column 'x': a number is missing"),
    (C, {"x": [1.0, np.nan, 3.0, 4.0], "label": YES_NO}, {}, "row 2, column 'x': a number is missing"),
    (C, {"x": ONES, "label": ["a", "b", None, "a"]}, {}, "row 3, column 'label': the text is empty"),
    (C, {"x": ONES, "label": [1, 1, 1, 1]}, {}, "is always '1'; a classifier needs at least two classes"),
    (C, {"x": ONES, "label": [0.5, 1.5, 2.5, 3.5]}, {}, "contains measurements, not classes; use a regressor"),
    (C, {"x": ONES, "label": YES_NO}, {"target": "lable"}, "has no column 'lable'; it has x, label"),
    (C, {"x": ONES, "label": YES_NO}, {"columns": ("y",)}, "has no column 'y'"),
    (C, {"label": YES_NO}, {}, "made needs columns other than 'label' to predict it from"),
    (C, {"x": ONES, "label": YES_NO}, {"network": "lstm"}, "the network 'lstm' can't read tables"),
    (C, {"text": ["a b c d e", " "] * 2, "label": YES_NO}, {}, "row 2, column 'text': the text is empty"),
    (R, {"x": [1.0, 2.0, 3.0, 4.0], "target": [5.0] * 4}, {}, "the column 'target' of made is always 5"),
    (S, {"x": [1.0, 2.0, 3.0, 4.0]}, {}, "made has 4 rows, too few for a window of 32"),
    (S, {"x": [1.0] * 200}, {}, "is always 1; there is nothing to forecast"),
    (S, {"x": ["a b"] * 200}, {}, "has no numeric column to forecast"),
    (L, {"text": ["short"]}, {}, "too few for a context_length of 128"),
    (L, {"text": ["a b c"], "more": ["d e f"]}, {}, "has 2 text columns; choose one with --target"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "columns", "options", "message"), MISTAKES, ids=[case[3][:40] for case in MISTAKES])
def test_unusable_data_raises(kind, columns, options, message):
    with pytest.raises(SandlotError) as error:
        kind(frame_of(**columns), **options)
    assert message in str(error.value)


def test_class_missing_from_the_train_split_raises():
    data = frame_of(x=[1.0, 2.0] * 5, label=["a", "b"] * 4 + ["a", "c"], source_split=np.array([-1] * 8 + [2] * 2))
    with pytest.raises(SandlotError, match="row 10, column 'label': no training row has the class 'c'"):
        Classifier(data)


def test_label_out_of_range_raises():
    with pytest.raises(SandlotError, match="row 3, column 'label': there is no class 7; there are 2, from 0 on"):
        Classifier(frame_of(x=[1.0] * 4, label=[0, 1, 7, 1], classes={"label": ["a", "b"]}))


def test_unsuitable_network_for_images_raises():
    with pytest.raises(SandlotError, match="at least 36×36 pixels"):
        Classifier(bar_images(), network="nature")
    with pytest.raises(SandlotError, match="the network 'lstm' can't read images"):
        Classifier(bar_images(), network="lstm")
