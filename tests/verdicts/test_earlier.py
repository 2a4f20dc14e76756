"""The judging before the present one is kept as long as nothing changes, and found again."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.verdicts.earlier import EARLIER_NAME, VERDICTS_NAME, differ, earlier_verdicts, replace_verdicts
from harness.verdicts.saved import read_verdicts
from harness.verdicts.verdict import Verdict

ONE = Verdict("a", "GRUs win", "undecided", effect=0.1, ci_low=-0.1, ci_high=math.inf, unit="bits", n=5, margin=0.05)
MORE = replace(ONE, verdict="supported", n=10, ci_low=0.05)
NOON = 1_796_126_400  # 2026-12-01 12:00 UTC


def test_a_first_judging_has_nothing_to_compare_with(tmp_path: Path) -> None:
    assert earlier_verdicts(tmp_path, [ONE]) is None
    replace_verdicts([ONE], tmp_path)
    assert earlier_verdicts(tmp_path, [ONE]) is None
    assert not (tmp_path / EARLIER_NAME).exists()


def test_changes_stay_those_since_the_last_judging_that_differed(tmp_path: Path) -> None:
    replace_verdicts([ONE], tmp_path)
    os.utime(tmp_path / VERDICTS_NAME, (NOON, NOON))
    for _ in range(3):  # before it is written, and when the report is rewritten without new records
        earlier = earlier_verdicts(tmp_path, [MORE])
        assert earlier is not None
        assert earlier.verdicts == (ONE,)
        assert earlier.judged_at == "2026-12-01T12:00:00+00:00"
        replace_verdicts([MORE], tmp_path)
    assert read_verdicts(tmp_path / VERDICTS_NAME) == [MORE]
    replace_verdicts([replace(MORE, n=20)], tmp_path)
    assert read_verdicts(tmp_path / EARLIER_NAME) == [MORE]


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"verdict": "supported"}, True),
        ({"effect": 0.2}, True),
        ({"effect": None}, True),
        ({"effect": math.nan}, True),
        ({"ci_high": 0.4}, True),
        ({"n": 6}, True),
        ({"margin": 0.1}, True),
        ({"claim": "GRUs win often"}, True),
        ({"id": "b"}, True),
        ({"effect": 0.1 + 1e-15}, False),
        ({"reason": "in other words"}, False),
    ],
)
def test_a_judging_differs_in_what_the_report_compares(changes: dict[str, object], differs: bool) -> None:
    assert differ([ONE], [replace(ONE, **changes)]) == differs  # type: ignore[arg-type]


def test_what_has_no_value_in_both_is_equal() -> None:
    assert not differ([replace(ONE, effect=math.nan, margin=None)], [replace(ONE, effect=None, margin=None)])


def test_damaged_files_are_no_earlier_judging_and_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / VERDICTS_NAME).write_text("{", encoding="utf-8")
    (tmp_path / EARLIER_NAME).mkdir()
    assert earlier_verdicts(tmp_path, [ONE]) is None
    replace_verdicts([ONE], tmp_path)
    replace_verdicts([MORE], tmp_path)
    assert read_verdicts(tmp_path / VERDICTS_NAME) == [MORE]
