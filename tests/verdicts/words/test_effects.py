"""One effect, one figure: how it is written, and that it is the same everywhere."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from harness.cli.terminal import VerdictTable
from harness.report.draw.axes import LABEL, apart, ratio_ticks
from harness.report.page.answer import answer
from harness.report.writing import page_files
from harness.store.frame import to_frame
from harness.verdicts.judge import judge
from harness.verdicts.verdict import Verdict
from harness.verdicts.words.effects import effect, effect_in_words, interval, size
from harness.words import number
from tests.report.samples import MACHINE, frame, looks_of_three, report_data, trial
from tests.verdicts.records import NOISE, paired, trials
from tools.readme import verdicts_section
from tools.simulate import simulated_record

INF = float("inf")


@pytest.mark.parametrize(
    ("value", "unit", "scale", "text"),
    [
        (18.0, "%", "log ratio", "+18 %"),
        (760.0, "%", "log ratio", "+8.6 times"),
        (100 * (1 / 8.6 - 1), "%", "log ratio", "−8.6 times"),
        (100 * (1 / 1.18 - 1), "%", "log ratio", "−18 %"),
        (99.9, "%", "log ratio", "+99.9 %"),
        (99.96, "%", "log ratio", "+2 times"),
        (100.0, "%", "log ratio", "+2 times"),
        (-50.0, "%", "log ratio", "−2 times"),
        (-100.0, "%", "log ratio", "−∞"),
        (INF, "%", "log ratio", "+∞"),
        (0.0, "%", "log ratio", "0 %"),
        (250.0, "%", "relative difference", "+250 %"),
        (-0.12, "nats", "difference", "−0.12 nats"),
        (5.000000000000004, "%", "log ratio", "+5 %"),
        (None, "%", "log ratio", "–"),
    ],
)
def test_a_ratio_of_two_or_more_is_times_and_a_smaller_one_a_percentage(
    value: float | None, unit: str, scale: str, text: str
) -> None:
    assert effect(value, unit, scale, "paired").replace("2.0 ", "2 ") == text
    if value is not None:
        assert size(value, unit, scale).replace("2.0 ", "2 ") == text.lstrip("+−")


@given(st.floats(-20, 20))
@example(6.141443837295765e-17)
@example(1e-10)
def test_the_advantage_of_the_other_cell_has_the_same_figure_and_the_other_sign(log_ratio: float) -> None:
    one, other = (effect(float(100 * np.expm1(value)), "%", "log ratio") for value in (log_ratio, -log_ratio))
    assert one.partition(" ")[2] == other.partition(" ")[2], "the unit"
    assert {one[0], other[0]} == {"+", "−"} or one == other == "0 %"


def test_bounds_have_units_where_they_are_not_that_of_the_effect() -> None:
    assert interval(15.0, 21.0, "%", "log ratio", 18.0) == "[15, 21]"
    assert interval(38.0, 140.0, "%", "log ratio", 90.0) == "[38 %, 2.4 times]"
    assert interval(290.0, 1800.0, "%", "log ratio", 760.0) == "[3.9, 19]"
    assert interval(-INF, 9.0, "%", "log ratio", -4.0) == "[−∞, 9]"
    assert interval(0.1, 0.2, "nats", "difference") == "[0.1, 0.2]"
    assert interval(None, None, "nats") == ""
    assert number(0.12345) == "0.123"


def measured() -> list[Verdict]:
    """Ratios of both directions, below and above two, and a difference."""
    verdicts = []
    for place, ratio in enumerate((1.18, 1 / 1.18, 8.6, 1 / 8.6, 1.9)):
        records = []
        for seed in range(8):
            noise = float(np.exp(8 * NOISE[seed]))
            records.append(simulated_record("gru", seed, 1.0, seconds_per_update=0.01 * noise))
            records.append(simulated_record("lstm", seed, 1.0, seconds_per_update=0.01 * ratio))
        claim = paired(id=f"r{place}", claim=f"Ratio {place}", on="seconds_per_update", margin="5%")
        verdicts += judge([claim], to_frame(records))
    return verdicts + judge([paired(id="d", claim="Difference")], to_frame(trials(-0.2)))


def test_card_sentence_tables_terminal_and_plot_show_the_same_figures() -> None:
    verdicts = measured()
    data = report_data(frame(trial()), verdicts=verdicts)
    cards: list[dict[str, Any]] = answer(data, looks_of_three(), [])
    page = page_files(data)["report.html"].decode().replace("\u00a0", " ")
    console = Console(file=io.StringIO(), width=300)
    console.print(VerdictTable(verdicts, verbose=True))
    terminal = console.file.getvalue()  # type: ignore[attr-defined]
    readme = verdicts_section(verdicts, [{"started_at": "2026-01-01", "git_commit": None, "machine": MACHINE}])
    for verdict, card in zip(verdicts, cards, strict=True):
        whole = effect_in_words(verdict)
        shown, _, bounds = whole.partition(" [")
        bounds = f"[{bounds}"
        assert shown[0] in "+−"
        assert (card["effect"].replace("\u00a0", " "), card["interval"]) == (shown, bounds)
        assert f", {shown} (95 % interval {bounds})" in verdict.reason
        assert whole in readme
        assert whole in terminal
        assert f"{shown} {bounds}, n = 8" in page, "the words of the strip"
        assert f" by {shown[1:]}." in card["means"].replace("\u00a0", " ") or verdict.verdict == "undecided"


def test_ticks_of_ratios_are_round_and_symmetric() -> None:
    assert np.exp(sorted(ratio_ticks(-2.3, 2.3))) == pytest.approx([1 / 7.5, 1 / 3, 1, 3, 7.5])
    assert 100 * np.expm1(sorted(ratio_ticks(-0.1, 0.25))) == pytest.approx([-100 / 6, -100 / 11, 0, 10, 20])


@given(st.floats(-5, 0), st.floats(0.001, 5))
def test_ticks_of_ratios_do_not_overlap_and_zero_is_among_them(low: float, high: float) -> None:
    ticks = apart(ratio_ticks(low, high), low, high)
    assert 0.0 in ticks
    assert len(ticks) >= 2
    assert min(np.diff(ticks)) >= LABEL * (high - low)
