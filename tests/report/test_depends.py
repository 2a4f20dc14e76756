"""A claim that depends on the condition: how the page and the summary show it."""

from __future__ import annotations

from pathlib import Path

from harness.report import render, render_markdown
from harness.report.page.answer import answer
from harness.verdicts.verdict import Verdict
from tests.report.samples import frame, report_data, trial

PARTS = tuple(
    Verdict("c", "C", word, 0.1, 0.05, 0.15, "nats", 5, {"task": "recall", "sequence_length": length})
    for length, word in ((8, "supported"), (16, "contradicted"))
)


def verdict(**given: object) -> Verdict:
    return Verdict("c", "C", "depends", 0.1, -0.1, 0.3, "nats", 5, by_condition=PARTS, **given)  # type: ignore[arg-type]


def test_the_verdict_counts_the_verdicts_of_its_conditions(tmp_path: Path, without_figures: None) -> None:
    data = report_data(frame(trial()), verdicts=[verdict()])
    page = render(data, tmp_path).read_text(encoding="utf-8")
    assert "</span> depends</span>" in page
    assert "The verdict depends on the condition: supported in 1, contradicted in 1 of 2 conditions." in page
    assert 'id="claim-c"' in page, "where the terminal links to"
    assert "1 depends</li>" in page, "it is counted by its word"
    assert "| C | depends |" in render_markdown(data, tmp_path).read_text(encoding="utf-8")


def test_the_interquartile_mean_stands_below_the_conditions() -> None:
    judged = verdict(interquartile_mean=0.12, interquartile_low=0.1, interquartile_high=0.2)
    (shown,) = answer(report_data(frame(trial()), verdicts=[judged]), {}, [])
    *conditions, middle = shown["parts"]
    assert [word for _, word, *_ in conditions] == ["supported", "contradicted"]
    assert middle[2:4] == ("+0.12\u00a0nats", "[0.1, 0.2]")
    (shown,) = answer(report_data(frame(trial()), verdicts=[verdict()]), {}, [])
    assert len(shown["parts"]) == len(conditions)
