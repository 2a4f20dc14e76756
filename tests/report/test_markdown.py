"""The Markdown summary."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from harness.report import render_markdown
from harness.report.figures.aggregate import prepared
from harness.report.figures.plot import Plot
from harness.report.markdown import markdown
from harness.report.summary import Summary
from harness.verdicts.verdict import Verdict
from tests.report.samples import frame, report_data, trial, verdicts


def test_the_summary_says_every_verdict_and_shows_the_figures(tmp_path: Path) -> None:
    rows = frame(*(trial(sequence_length=length, seed=seed) for length in (4, 8) for seed in range(3)))
    text = render_markdown(report_data(rows), tmp_path).read_text(encoding="utf-8")
    for verdict in verdicts():
        assert f"| {verdict.claim} | {verdict.verdict} |" in text
    assert "| +0.108 nats | \\[0.061, 0.155\\] | ±0.02 nats | 5 |" in text
    assert "![Which cell handles the longest sequences?](figures/accuracy-by-length.png)" in text
    assert (tmp_path / "figures" / "accuracy-by-length.png").exists()
    assert "harness run experiments/compare.toml" in text


def test_names_cannot_break_out_of_their_cell_or_become_markup(tmp_path: Path) -> None:
    name = "a | b\n# c <script> `d` [e](f) @everyone"
    verdict = Verdict(name, name, "supported", 1.0, 0.5, 1.5, name, 5, {}, name)
    text = render_markdown(
        report_data(frame(), title=name, verdicts=[verdict], command="x ``` y"), tmp_path
    ).read_text()
    assert "<script>" not in text.replace("\\<script\\>", "")
    assert text.count("\n# ") == 0
    row = next(line for line in text.splitlines() if line.startswith("| ✓"))
    assert row.replace("\\|", "").count("|") == 8
    assert "````\nx ``` y\n````" in text


def test_nobody_is_notified_and_nothing_is_linked_by_a_name(tmp_path: Path) -> None:
    said = Verdict("a", "ask @octocat about #12", "supported", 1.0, 0.5, 1.5, "", 5, {}, "@team #1")
    text = render_markdown(report_data(frame(), verdicts=[said]), tmp_path).read_text(encoding="utf-8")
    assert "\\@\u200boctocat" in text
    assert "\\#\u200b12" in text
    assert not re.search(r"[@#]\w", text)


def test_a_summary_always_fits_into_a_comment() -> None:
    many = [replace(verdicts()[0], claim=f"{place} " + "|" * 300, reason="_" * 900) for place in range(200)]
    machines = [{"cpu": "x" * 300, "cores": place} for place in range(300)]
    data = report_data(frame(), verdicts=many, machines=machines, command="c" * 100_000, title="t" * 10_000)
    plots = [Plot(id=f"figure-{place}", title="Why?", lead="Because. " * 40) for place in range(200)]
    text = markdown(data, prepared(data.frame), plots, {}, Summary(("Yes. " * 400,)))
    assert len(text) < 65_536
    for what, shown, all_of_them in (("claims", "| ✓ |", 200), ("reasons", "\n- **", 200), ("figures", "\n### ", 200)):
        left = re.search(rf"(\d+) more {what}: see report.html", text)
        assert left is not None
        assert int(left[1]) + text.count(shown) == all_of_them
    assert text.rstrip().endswith("c\n```")


def test_a_summary_without_records_states_it(tmp_path: Path) -> None:
    text = render_markdown(report_data(frame(), planned=12, verdicts=[]), tmp_path).read_text(encoding="utf-8")
    assert "> No trial has a record yet; 12 trials are planned." in text
    assert "The experiment declares no claims." in text
