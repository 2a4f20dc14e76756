"""Data that do not match a task's declaration raise an error that names the task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.errors import UserError
from harness.tasks import Dataset, Split, tasks
from harness.tasks.common.checks import check_dataset

RECALL = tasks["recall"]
DATA = RECALL.make(*RECALL.small, 0, RECALL.options())


def with_labels(y: np.ndarray) -> Dataset:
    return replace(DATA, validation=Split(DATA.validation.x, y))


def test_data_as_declared_are_accepted() -> None:
    check_dataset(RECALL, DATA)


@pytest.mark.parametrize(
    ("label", "said"),
    [(8, "the label 8, expected 0 to 7: `classes` is 8"), (-1, "the label -1, expected 0 to 7")],
)
def test_a_label_out_of_range_is_named_with_its_split(label: int, said: str) -> None:
    y = DATA.validation.y.copy()
    y[3] = label
    with pytest.raises(UserError, match=rf"task recall: the validation split has {said}"):
        check_dataset(RECALL, with_labels(y))


def test_other_data_that_no_network_can_be_trained_on_are_named() -> None:
    for broken, said in (
        (with_labels(DATA.validation.y.astype(float)), "labels of type float64, expected integers"),
        (with_labels(DATA.validation.y[:0]), r"examples and 0 labels"),
        (replace(DATA, test=Split(DATA.test.x + 1, DATA.test.y)), "the test split has the input 8, expected integers"),
        (replace(DATA, symbols=None, test=Split(DATA.test.x * np.nan, DATA.test.y)), "input that is not a finite"),
    ):
        with pytest.raises(UserError, match=said):
            check_dataset(RECALL, broken)
    many = replace(RECALL, output="sigmoid")
    with pytest.raises(UserError, match="the train split has the label 7, expected 0 to 1"):
        check_dataset(many, replace(DATA, train=Split(DATA.train.x, np.full(len(DATA.train.x), 7))))
    with pytest.raises(UserError, match="a label that is not a finite number"):
        check_dataset(many, replace(DATA, train=Split(DATA.train.x, np.full(len(DATA.train.x), np.nan))))
