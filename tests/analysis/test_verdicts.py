"""Verdicts on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.analysis.frame import curves_frame, to_frame
from harness.analysis.judge import judge, read_verdicts, write_verdicts
from harness.errors import UserError
from tests.analysis.records import ALL_KINDS, mixed_records


def test_verdicts_are_written_as_strict_json_and_read_back(tmp_path: Path) -> None:
    records = mixed_records()
    verdicts = judge(ALL_KINDS, to_frame(records), curves_frame(records))
    path = tmp_path / "verdicts.json"
    write_verdicts(verdicts, path)
    write_verdicts(verdicts, path)  # replaces
    text = path.read_text()
    rows = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    required = {"id", "claim", "verdict", "effect", "ci_low", "ci_high", "unit", "n", "conditions", "reason"}
    assert all(required <= set(row) for row in rows)
    assert repr(read_verdicts(path)) == repr(verdicts)
    assert [file.name for file in tmp_path.iterdir()] == ["verdicts.json"]


def test_a_file_that_holds_no_verdicts_is_told(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    with pytest.raises(UserError, match="no such file"):
        read_verdicts(path)
    for text in ("{", "[1]", '[{"id": "a"}]', "3"):
        path.write_text(text)
        with pytest.raises(UserError, match="not a file of verdicts"):
            read_verdicts(path)
    with pytest.raises(UserError, match="cannot be written"):
        write_verdicts([], tmp_path / "missing" / "verdicts.json")
