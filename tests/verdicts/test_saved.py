"""Verdicts are written as docs/results.md documents them, and read back unchanged."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.store.frame import curves_frame, to_frame
from harness.store.interim import InterimAnalyses
from harness.verdicts.judge import judge, read_verdicts, write_verdicts
from harness.verdicts.saved import SCHEMA
from harness.verdicts.verdict import Pair, Verdict
from tests.verdicts.records import ALL_KINDS, mixed_records, paired, trials

DOCUMENT = (
    (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8").partition("## verdicts.json")[2]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.json"


def strict(text: str) -> Any:
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_verdicts_are_written_as_strict_json_and_read_back(path: Path) -> None:
    records = mixed_records()
    verdicts = judge(ALL_KINDS, to_frame(records), curves_frame(records))
    write_verdicts(verdicts, path)
    write_verdicts(verdicts, path)  # replaces
    assert [row["id"] for row in strict(path.read_text())] == [claim.id for claim in ALL_KINDS]
    assert repr(read_verdicts(path)) == repr(verdicts)
    assert [file.name for file in path.parent.iterdir()] == ["verdicts.json"]


def test_docs_list_every_key_with_its_type(path: Path) -> None:
    records = mixed_records()
    write_verdicts(judge(ALL_KINDS, to_frame(records), curves_frame(records)), path)
    rows = strict(path.read_text())
    listed = {
        key: types
        for keys, types in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.+?) \|", DOCUMENT, flags=re.MULTILINE)
        for key in re.findall(r"\w+", keys)
    }
    assert set(listed) == {"schema", *(field.name for field in fields(Verdict))}
    named = {
        "integer": int,
        "number": float,
        "string": str,
        "boolean": bool,
        "null": type(None),
        "list": list,
        "object": dict,
    }
    parts = [part for row in rows for part in row["by_condition"]]
    for row in (*rows, *parts):
        assert set(row) == set(listed) - (set() if row in rows else {"schema"})
        for key, value in row.items():
            kinds = {
                named[word] for word in re.findall(r"integer|number|string\b|boolean|null|list|object", listed[key])
            }
            assert type(value) in kinds or (type(value) is int and float in kinds), (key, value, listed[key])
    documented = re.search(r"objects of `seed` .*?`advantage`", DOCUMENT)
    assert documented is not None
    assert set(re.findall(r"`(\w+)`", documented[0])) == {field.name for field in fields(Pair)}
    assert set(rows[0]["by_condition"][0]["pairs"][0]) == {field.name for field in fields(Pair)}
    assert f"| {SCHEMA}, the version of this table" in DOCUMENT


def test_infinite_and_missing_figures_are_written_as_documented(path: Path) -> None:
    assert '`"Infinity"` or `"-Infinity"`' in DOCUMENT
    (verdict,) = judge([paired()], to_frame(trials(0.2, seeds=1)))
    write_verdicts([verdict], path)
    (row,) = strict(path.read_text())
    assert (row["ci_low"], row["ci_high"], row["needed_seeds"]) == ("-Infinity", "Infinity", None)
    failing = [{**r, "status": "diverged"} if r["spec"]["cell"] == "lstm" else r for r in trials(0.2, seeds=1)]
    write_verdicts(judge([paired()], to_frame(failing)), path)
    (row,) = strict(path.read_text())
    (pair,) = row["pairs"]
    assert (pair["than"], pair["advantage"]) == (None, "Infinity")


def test_a_verdict_lists_its_trials() -> None:
    records = [*trials(0.2, sequence_length=10), *trials(0.1, sequence_length=20), *trials(0.2, task="recall")]
    (verdict,) = judge([paired(where={"task": "language"})], to_frame(records))
    rest = {record["trial_id"] for record in records if record["spec"]["task"] == "language"}
    assert set(verdict.trials) == rest
    assert list(verdict.trials) == sorted(rest)
    assert [len(part.trials) for part in verdict.by_condition] == [16, 16]


def test_a_file_without_verdicts_is_refused(path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_verdicts(path)
    for text in ("{", "[1]", '[{"id": "a"}]', "3", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(UserError, match="not a file of verdicts"):
            read_verdicts(path)
    with pytest.raises(UserError, match="cannot be written"):
        write_verdicts([], path.parent / "missing" / "verdicts.json")


def test_verdicts_of_a_newer_harness_are_refused(path: Path) -> None:
    path.write_text(json.dumps([{"schema": SCHEMA + 1, "id": "a"}]))
    with pytest.raises(UserError, match=rf"\(schema {SCHEMA + 1}; this harness reads up to {SCHEMA}\)"):
        read_verdicts(path)


def test_the_interim_analyses_of_a_verdict_are_read_back(path: Path) -> None:
    interim = {"c": InterimAnalyses((4, 7), 20)}
    verdicts = judge([paired()], to_frame(trials(lambda seed: 0.3 * (-1) ** seed)), interim=interim)
    assert [analysis.n for analysis in verdicts[0].interim_analyses] == [5, 8]
    write_verdicts(verdicts, path)
    assert repr(read_verdicts(path)) == repr(verdicts)
    rows = strict(path.read_text())
    for row in rows:
        row |= {"schema": 2, "looks": row.pop("interim_analyses")}
    path.write_text(json.dumps(rows))
    assert repr(read_verdicts(path)) == repr(verdicts), "the key of schema 2"


def test_verdicts_without_a_version_or_with_further_keys_are_read(path: Path) -> None:
    write_verdicts(judge([paired()], to_frame(trials(0.2))), path)
    (row,) = strict(path.read_text())
    del row["schema"], row["interim_analyses"], row["pairs"], row["trials"], row["by_condition"]
    path.write_text(json.dumps([{**row, "from_the_future": 1}]))
    (read,) = read_verdicts(path)
    assert (read.id, read.verdict, read.interim_analyses, read.pairs, read.trials) == ("c", "supported", (), (), ())


def test_a_verdicts_file_that_cannot_be_opened_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(UserError, match=r"verdicts\.json: cannot be read: Is a directory"):
        read_verdicts(path)
