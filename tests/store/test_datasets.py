"""The data of records in words, and whether several folders have the same."""

from __future__ import annotations

import json
from typing import Any

from harness.store.datasets import Data, Summary, differences, of_frame, of_record, unknown_warning
from harness.store.frame import to_frame
from tests.factories import record

A, B, C = (json.dumps({"procedure": "words 2", "text_sha256": letter * 64}) for letter in "abc")


def stored(**facts: Any) -> dict[str, Any]:
    given = {"source": "book.txt", "examples": {"train": 5, "validation": 2, "test": 3}, "classes": 4, "symbols": 4}
    return record(data_facts={**given, **facts}).model_dump(mode="json")


def test_folders_whose_data_differ_are_named_with_the_data() -> None:
    lines = differences({"one": [Data("words", A, "book.txt")], "two": [Data("words", B, "documentation of pandas 4")]})
    assert lines == [
        "The data of words differ, so its results are not comparable. one: book.txt (SHA-256 aaaaaaaaaaaa); "
        "two: documentation of pandas 4 (SHA-256 bbbbbbbbbbbb)."
    ]


def test_the_same_data_or_a_part_of_them_do_not_differ() -> None:
    one, other, third = (Data("words", identity, "") for identity in (A, B, C))
    assert differences({"one": [one], "two": [one]}) == []
    assert differences({"one": [one, other], "two": [one]}) == []
    assert differences({"one": [one], "two": [Data("recall", "", "")]}) == []
    assert len(differences({"one": [one, other], "two": [one, third]})) == 1
    options = json.dumps({**json.loads(A), "vocabulary": "5"})
    assert differences({"one": [one], "two": [Data("words", options, "")]}) == []


def test_a_frame_and_a_record_have_the_same_data() -> None:
    one = stored()
    (data,) = of_frame(to_frame([one]))
    assert data.source == of_record(one).source == "book.txt"
    assert data.key == of_record(one).key


def test_records_without_facts_are_passed_over() -> None:
    summary = Summary()
    summary.add(record().model_dump(mode="json"))
    older = record().model_dump(mode="json")
    del older["data_facts"]
    summary.add(older)
    assert list(summary.rows()) == list(summary.warnings()) == []
    assert of_record(older).source == ""


def test_a_row_has_the_ranges_over_the_conditions() -> None:
    summary = Summary()
    summary.add(stored(unknown=0.39, left_out={"pieces": 3, "tokens": 0}))
    summary.add(stored(unknown=0.39, examples={"train": 50, "validation": 2, "test": 3}, padded={"train": 0.25}))
    (row,) = summary.rows()
    assert row["data"].startswith("book.txt")
    assert {
        name: row[name] for name in ("train", "validation", "classes", "unknown tokens", "padding", "left out")
    } == {
        "train": "5 to 50",
        "validation": "2",
        "classes": "4",
        "unknown tokens": "39.0 %",
        "padding": "25.0 %",
        "left out": "3 pieces",
    }
    assert next(iter(summary.warnings())).endswith(
        "book.txt: 39 % of the tokens are unknown: raise options.vocabulary."
    )


def test_rows_of_several_files_are_distinguished_by_their_paths() -> None:
    summary = Summary()
    for letter in "ab":
        one = stored()
        one["spec"] |= {"options": {"text": f"/{letter}/book.txt"}, "data": {"text_sha256": letter * 64}}
        summary.add(one)
    assert [row["task"].partition(" ")[2] for row in summary.rows()] == ["(a/book.txt)", "(b/book.txt)"]


def test_data_without_a_name_are_not_named_by_their_procedure() -> None:
    assert Data("words", A, "").in_words == f"data whose name is not on record (SHA-256 {'a' * 12})"
    assert Data("adding", json.dumps({"procedure": "adding 1"}), "").in_words == "adding 1"


def test_few_unknown_tokens_are_no_reason_to_warn() -> None:
    assert unknown_warning(None, "words") == unknown_warning(0.05, "words") == ""
    assert unknown_warning(0.051, "words") == "5 % of the words are unknown: raise options.vocabulary"
