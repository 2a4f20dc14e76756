"""The learning-rate figure: what tuning tried, what it chose, and what is doubtful about the choice."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.draw.figure import draw_panel
from harness.report.draw.svg import drawing_style
from harness.report.figures.plot import Plot
from harness.report.figures.search import expected_best
from harness.report.figures.wording import finding
from harness.report.writing import page_files
from harness.spec.tuning import FIRST_TUNING_SEED, Search
from tests.report.samples import TITLES, frame, looks_of_three, plots, report_data, trial


def tuned(losses: dict[str, dict[float, float]], **given: Any) -> dict[str, Plot]:
    """Two tuning trials a cell and rate, and a comparison at rates of its own."""
    rows = [
        trial(cell=cell, learning_rate=rate, seed=FIRST_TUNING_SEED + extra, purpose="tuning", validation_loss=loss,
              status="diverged" if math.isnan(loss) and extra else "ok")
        for cell, by_rate in losses.items() for rate, loss in by_rate.items() for extra in (0, 1)
    ]  # fmt: skip
    rows += [
        trial(cell=cell, sequence_length=length, seed=seed) for cell in losses for length in (4, 8) for seed in (0, 1)
    ]
    return plots(frame(*rows), **given)


def test_tuning_trials_are_in_no_other_figure() -> None:
    by_id = tuned({"gru": {0.001: 2.0, 0.01: 1.0}})
    seeds = {
        id: {point.seed for panel in plot.panels for series in panel.series for point in series.points}
        for id, plot in by_id.items()
    }
    assert seeds.pop("learning-rates") == {FIRST_TUNING_SEED, FIRST_TUNING_SEED + 1}
    assert set().union(*seeds.values()) == {0, 1}


def test_while_only_tuning_trials_are_stored_their_figure_is_drawn() -> None:
    rows = frame(*(
        trial(learning_rate=rate, seed=FIRST_TUNING_SEED, purpose="tuning", validation_loss=rate) for rate in (0.1, 0.2)
    ))  # fmt: skip
    by_id = plots(rows)
    assert list(by_id) == ["learning-rates"]
    assert "Chosen: GRU 0.1" in by_id["learning-rates"].panels[0].says
    html = page_files(report_data(rows))["report.html"].decode()
    assert 'id="learning-rates"' in html
    assert "There is nothing to draw" not in html


def test_the_rate_with_the_lowest_mean_loss_gets_the_ring_and_doubts_are_stated() -> None:
    losses = {"gru": {0.001: 2.0, 0.01: 1.0, 0.1: 1.5}, "lstm": {0.001: 2.0, 0.01: 1.5, 0.1: 1.25}}
    (panel,) = tuned(losses)["learning-rates"].panels
    assert [(series.cell, series.chosen) for series in panel.series] == [("gru", 0.01), ("lstm", 0.1)]
    assert finding(panel) == (
        "Chosen: GRU 0.01 (1\u00a0nats), LSTM 0.1 (1.25\u00a0nats). "
        "Chosen at the end of the grid, so a better rate may lie outside it: LSTM."
    )
    with drawing_style("test"):
        figure, _ = draw_panel(panel, looks_of_three())
    rings = [line for line in figure.axes[0].lines if str(line.get_gid()).endswith("-chosen")]
    assert len(rings) == len(panel.series)


def test_a_tie_is_stated_and_the_smaller_rate_is_taken() -> None:
    (panel,) = tuned({"gru": {0.001: 2.0, 0.01: 1.0, 0.1: 1.0, 1.0: 3.0}})["learning-rates"].panels
    assert panel.series[0].chosen == 0.01
    assert panel.says.endswith("Tied with a larger rate: GRU.")


def test_a_rate_at_which_a_trial_failed_is_drawn_as_a_failure_and_not_chosen() -> None:
    losses = {"gru": {0.001: 2.0, 0.01: 1.5, 0.1: math.nan}}
    (panel,) = tuned(losses)["learning-rates"].panels
    (series,) = panel.series
    assert series.chosen == 0.01
    assert [(failed.x, failed.count) for failed in series.failed] == [(0.1, 2)]
    assert "Without a value: GRU 1 diverged, 1 without a value at 0.1." in finding(panel)


def test_where_all_rates_fail_there_is_none_to_choose() -> None:
    rows = dict.fromkeys((0.01, 0.1), math.nan)
    (panel,) = tuned({"gru": rows, "lstm": {0.01: 1.0, 0.1: 2.0}})["learning-rates"].panels
    assert "GRU none, as every rate failed" in panel.says


def test_a_sweep_over_rates_shows_the_one_that_the_other_figures_show() -> None:
    rows = [trial(cell=cell, learning_rate=rate, validation_loss=rate) for cell in TITLES for rate in (0.1, 0.2, 0.4)]
    (panel,) = plots(frame(*rows))["learning-rates"].panels
    assert {series.chosen for series in panel.series} == {0.1}
    assert "Chosen at the end of the grid" in panel.says


def test_of_a_random_search_the_best_of_k_rates_is_drawn_with_the_share_that_failed() -> None:
    losses = {
        "gru": {0.001: 3.0, 0.002: 1.0, 0.003: 2.0, 0.004: 5.0, 0.005: 4.0},
        "lstm": {0.001: 3.0, 0.002: 2.0, 0.003: math.nan, 0.004: 4.0, 0.005: 5.0},
    }
    (panel,) = tuned(losses)["best-of-k"].panels
    gru, lstm = panel.series
    assert [point.mean for point in gru.centres] == pytest.approx([3.0, 2.0, 1.5, 1.2, 1.0])
    assert [point.x for point in lstm.centres] == [2, 3, 4, 5]
    assert finding(panel).endswith("Rates at which a trial failed: LSTM at 1 of 5.")
    assert "best-of-k" not in tuned({"gru": {0.001: 2.0, 0.01: 1.0, 0.1: 1.5}})


def test_the_ticks_of_many_random_rates_do_not_overlap() -> None:
    rates = Search(search="log-uniform", low=1e-4, high=1e-1, trials=12).rates
    (panel,) = tuned({"gru": dict.fromkeys(rates, 2.0)})["learning-rates"].panels
    with drawing_style("test"):
        figure, _ = draw_panel(panel, looks_of_three())
        figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels() if label.get_text()]
    assert len(boxes) > 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(sorted(boxes, key=lambda box: box.x0)))


@given(st.lists(st.floats(-100, 100) | st.just(math.inf), min_size=1, max_size=7))
def test_the_expected_best_is_the_mean_over_all_choices(losses: list[float]) -> None:
    for k, best in enumerate(expected_best(losses), start=1):
        every = [min(chosen) for chosen in itertools.combinations(losses, k)]
        assert best == pytest.approx(sum(every) / len(every), abs=1e-9)
