"""What `harness diff` says before its table."""

from __future__ import annotations

import json
from dataclasses import replace

from harness.cli.diff import Side, as_json, introduction, where
from harness.store.datasets import Data
from harness.verdicts.changes import Change, Changes, Quantity

NOTHING = Changes(common=0, only_first=1, only_second=1, changes=(), time_left_out=0)


def side(letter: str, version: str) -> Side:
    identity = json.dumps({"procedure": "language 1", "text_sha256": letter * 64})
    return Side(letter, 1, ("abc",), ("m",), (Data("language", identity, f"documentation of pandas {version}"),))


def test_folders_whose_texts_differ_are_distinguished_by_them() -> None:
    first, second = side("a", "3.1.1"), side("b", "3.2.0")
    said = "\n".join(introduction(first, second, NOTHING))
    assert "The data of language differ" in said
    assert "A: documentation of pandas 3.1.1 (SHA-256 aaaaaaaaaaaa); B: documentation of pandas 3.2.0" in said
    (sentence,) = json.loads(as_json(first, second, NOTHING))["data_differences"]
    assert sentence in said
    assert "differ" not in "\n".join(introduction(first, first, NOTHING))


def test_a_condition_is_named_by_its_factors() -> None:
    condition = {"dataset": "a", "reference_units": 8, "train_size": 100, "updates_planned": 50}
    change = Change("language", condition, "gru", Quantity("accuracy", "test_loss", "test loss", "", "difference"),
                    1.0, 2.0, 1.0, 0.5, 1.5, 5, "changed")  # fmt: skip
    assert where(change) == "language, data a, units 8, train size 100, updates 50"
    assert where(replace(change, condition={})) == "language"
    (row,) = json.loads(as_json(side("a", "1"), side("b", "2"), replace(NOTHING, changes=(change,))))["changes"]
    assert list(row)[:4] == ["where", "cell", "first", "second"]
    assert row["where"] == where(change)
