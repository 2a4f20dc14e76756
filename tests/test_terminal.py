"""What the command shows, in terminals of any width, with and without colour, and piped."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.analysis.verdict import Verdict
from harness.terminal import VerdictTable

SCOPE = {"task": "language", "train_size": [2000, 8000], "sequence_length": 64, "kernel": "fused", "matched": "units"}
VERDICTS = [
    Verdict("a", "GRUs do better on less data", "supported", 0.108, 0.061, 0.155, "bits", 6, SCOPE, "Why this is so."),
    Verdict("b", "No difference", "no practical difference", 0.0, -0.01, 0.01, "bits", 6, {"machine": "3f2a9c"}, "R."),
    Verdict("c", "LSTMs win", "undecided", -4.0, float("-inf"), 9.0, "%", 1, mixed="mixed: supported in 3 of 8"),
    Verdict("d", "Turing", "not testable", None, None, None, "", 0, reason="It has no end."),
]
SAID = (
    "supported", "GRUs do better on less data", "0.108 [0.061, 0.155] bits", "Why this is so.", "No difference",
    "Scope: language; size 2,000, 8,000; length 64; kernel fused; equal units", "Scope: machine 3f2a9c",
    "mixed: supported in 3 of 8", "LSTMs win", "-4 [-inf, 9] %", "not testable", "Turing", "It has no end.",
)  # fmt: skip


def printed(width: int, *, report: Path | None = None, **console: object) -> str:
    file = io.StringIO()
    Console(file=file, width=width, **console).print(VerdictTable(VERDICTS, report))  # type: ignore[arg-type]
    return file.getvalue()


def words(text: str) -> str:
    return " ".join(text.replace("─", " ").split())


@pytest.mark.parametrize("width", [40, 60, 80, 95])
def test_a_narrow_terminal_has_all_of_every_verdict_one_under_the_other(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for said in (*SAID, "Effect 0.108 [0.061, 0.155] bits, 6 seeds", "1 seed"):
        assert said in words(text), said


@pytest.mark.parametrize("width", [96, 120, 240])
def test_a_wide_terminal_has_a_table(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    head, _, *rows = (line.rstrip() for line in text.splitlines() if line.strip())
    assert head.split() == ["verdict", "claim", "effect", "[95", "%", "interval]", "seeds"]
    effect = head.index("effect")
    assert next(row for row in rows if "GRUs do better" in row)[effect:].split() == [
        "0.108", "[0.061,", "0.155]", "bits", "6",
    ]  # fmt: skip
    columns = ((0, head.index("claim")), (head.index("claim"), effect), (effect, head.index("seeds")))
    by_column = [words("\n".join(row[start:end] for row in rows)) for start, end in columns]
    for said in SAID:
        assert any(said in text for text in by_column), said


@pytest.mark.parametrize("width", [60, 120])
def test_colour_adds_nothing_that_is_not_said_in_words(width: int) -> None:
    coloured = printed(width, force_terminal=True, color_system="truecolor")
    assert "\x1b[1;32m" in coloured
    plain = printed(width, force_terminal=True, no_color=True, color_system=None)
    assert "\x1b" not in plain
    assert plain == printed(width), "piped"


def test_where_the_terminal_can_a_verdict_leads_to_its_place_in_the_report(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    linked = printed(80, report=report, force_terminal=True, color_system="truecolor")
    for place in range(1, 5):
        assert f"{report.as_uri()}#claim-{place}" in linked
    assert "report.html" not in printed(80, report=report)
