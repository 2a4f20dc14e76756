"""A claim in several conditions: how the page and the summary tell it."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.verdict import Verdict
from harness.report import render, render_markdown
from harness.report.answer import answer
from tests.report.samples import frame, report_data, trial

MIXED = "mixed: supported in 3 of 8 conditions, contradicted in 2"
PARTS = tuple(
    Verdict("c", "C", word, 0.1, 0.05, 0.15, "nats", 5, {"task": "recall", "sequence_length": length})
    for length, word in ((8, "supported"), (16, "contradicted"))
)


def verdict(**given: object) -> Verdict:
    return Verdict("c", "C", "undecided", 0.1, -0.1, 0.3, "nats", 5, mixed=MIXED, by_condition=PARTS, **given)  # type: ignore[arg-type]


def test_a_mixed_verdict_says_in_how_many_conditions_which_verdict_holds(tmp_path: Path, without_figures: None) -> None:
    data = report_data(frame(trial()), verdicts=[verdict()])
    page = render(data, tmp_path).read_text(encoding="utf-8")
    assert f"</span> {MIXED}</p>" in page
    assert 'id="claim-1"' in page, "where the terminal links to"
    assert "1 undecided</li>" in page, "it is counted by its word"
    assert f"| C | {MIXED} |" in render_markdown(data, tmp_path).read_text(encoding="utf-8")


def test_the_interquartile_mean_stands_below_the_conditions() -> None:
    found = verdict(interquartile_mean=0.12, interquartile_low=0.1, interquartile_high=0.2)
    (shown,) = answer(report_data(frame(trial()), verdicts=[found]), {}, [])["verdicts"]
    assert [part["word"] for part in shown["parts"]] == ["supported", "contradicted"]
    (row,) = shown["middle"]
    assert (row["effect"], row["interval"]) == ("+0.12\u00a0nats", "[0.1, 0.2]")
    (shown,) = answer(report_data(frame(trial()), verdicts=[verdict()]), {}, [])["verdicts"]
    assert shown["middle"] == []
