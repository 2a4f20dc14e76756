"""Many trials: what is drawn, embedded and listed stays within bounds, and says what it leaves out."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from harness.report.figures.aggregate import prepared
from harness.report.figures.panels import MOST_PANELS
from harness.report.page import trials
from harness.report.page.trials import trials_table
from tests.report.samples import frame, plots, trial


def many(seeds: int = 100) -> pd.DataFrame:
    return prepared(
        frame(*(trial(sequence_length=length, seed=seed, test_accuracy=seed / seeds)
                for length in (4, 8) for seed in range(seeds)))
    )  # fmt: skip


def test_dots_are_thinned_but_means_use_every_seed() -> None:
    rows = many()
    plot = next(iter(plots(rows).values()))
    (series,) = plot.panels[0].series
    assert len(series.points) <= 160
    assert series.hidden_points == 200 - len(series.points)
    assert [centre.n for centre in series.centres] == [100, 100]
    assert {0.0, 99.0} <= {round(point.y, 6) for point in series.points}
    assert any("40 dots not drawn" in note for note in plot.notes)


def test_many_conditions_leave_every_task_its_share_of_the_panels() -> None:
    rows = prepared(
        frame(*(trial(task=task, units=units, sequence_length=length)
                for task in ("language", "recall") for units in range(1, 20) for length in (4, 8)))
    )  # fmt: skip
    plot = next(iter(plots(rows).values()))
    assert len(plot.panels) == MOST_PANELS
    assert [panel.facets["task"] for panel in plot.panels].count("recall") == MOST_PANELS // 2
    assert any(f"{2 * 19 - MOST_PANELS} further conditions not drawn" in note for note in plot.notes)


def test_the_embedded_table_stops_where_it_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = many()
    assert trials_table(rows).embedded == 200
    monkeypatch.setattr(trials, "MOST_BYTES", 6_000)
    table = trials_table(rows)
    assert 0 < table.embedded < 200
    assert len(table.payload) <= 6_000
    assert json.loads(table.payload)["rows"] == table.embedded
    assert table.total == 200


def test_the_embedded_table_holds_the_values_of_the_trials() -> None:
    rows = prepared(frame(trial(), trial(seed=1, test_loss=float("nan"), cell="</script>")))
    table = trials_table(rows)
    assert "<" not in table.payload
    columns = json.loads(table.payload)["columns"]
    cells = columns["cell"]
    assert [cells["text"][at] for at in cells["at"]] == ["</script>", "gru"]
    assert columns["test_loss"]["number"] == [None, 1.1]
    assert columns["units"]["number"] == [32]
