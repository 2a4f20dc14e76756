"""What `harness diff` says before its table."""

from __future__ import annotations

import json

from harness.cli.diff import Side, as_json, introduction
from harness.store.datasets import Data
from harness.verdicts.changes import Changes

NOTHING = Changes(common=0, only_first=1, only_second=1, changes=(), time_left_out=0)


def side(letter: str, version: str) -> Side:
    identity = json.dumps({"procedure": "language 1", "text_sha256": letter * 64})
    return Side(letter, 1, ("abc",), ("m",), (Data("language", identity, f"documentation of pandas {version}"),))


def test_folders_whose_texts_differ_are_told_apart_by_them() -> None:
    first, second = side("a", "3.1.1"), side("b", "3.2.0")
    said = "\n".join(introduction(first, second, NOTHING))
    assert "The data of language differ" in said
    assert "A: documentation of pandas 3.1.1 (SHA-256 aaaaaaaaaaaa); B: documentation of pandas 3.2.0" in said
    (sentence,) = json.loads(as_json(first, second, NOTHING))["data_differences"]
    assert sentence in said
    assert "differ" not in "\n".join(introduction(first, first, NOTHING))
