"""The gradient-reach figure."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from harness.report.draw.figure import draw_panel
from harness.report.draw.svg import drawing_style
from harness.report.figures.wording import finding
from tests.report.samples import frame, looks_of_three, plots, trial

DISTANCES = (0, 1, 2, 3)


def reach(rows: pd.DataFrame, fall: dict[str, float]) -> pd.DataFrame:
    """Gradients that fall by a factor a step for each cell, seed by seed a tenfold apart."""
    points = [
        {"trial_id": row.trial_id, "network": network, "distance": distance,
         "gradient": 10.0**row.seed * fall[str(row.cell)] ** distance}
        for row in rows.itertuples() for network in ("untrained", "trained") for distance in DISTANCES
        if network == "untrained" or row.status == "ok"
    ]  # fmt: skip
    return pd.DataFrame(points)


def test_a_line_a_seed_and_their_geometric_mean_before_and_after_training() -> None:
    rows = frame(*(trial(cell=cell, seed=seed) for cell in ("gru", "lstm") for seed in range(3)))
    plot = plots(rows, reach=reach(rows, {"gru": 0.1, "lstm": 0.5}))["gradient-reach"]
    assert [panel.title for panel in plot.panels] == ["Recall · untrained", "Recall · trained"]
    gru, lstm = plot.panels[1].series
    assert [seed for seed, _ in gru.traces] == [0, 1, 2]
    assert [centre.mean for centre in gru.centres] == pytest.approx([10.0, 1.0, 0.1, 0.01])
    assert all(c.low is not None and c.high is not None and c.low < c.mean < c.high for c in lstm.centres)
    assert finding(plot.panels[1]) == (
        "Trained, 3 steps before the end, in percent of the gradient at the last step: GRU 0.1 % (0.01); "
        "LSTM 12.5 % (1.25)."
    )
    with drawing_style("test"):
        figure, _ = draw_panel(plot.panels[1], looks_of_three(), "linear")
    assert figure.axes[0].get_yscale() == "log"
    assert not plot.log, "one drawing: the scale is logarithmic anyway"


def test_only_the_longest_sequences_are_drawn() -> None:
    rows = frame(*(trial(sequence_length=length, seed=seed) for length in (4, 8) for seed in range(2)))
    plot = plots(rows, reach=reach(rows, {"gru": 0.5}))["gradient-reach"]
    assert [len(panel.series[0].traces) for panel in plot.panels] == [2, 2]


def test_vanished_gradients_are_stated_and_failed_trials_are_crosses() -> None:
    rows = frame(trial(), trial(seed=1, status="diverged"), trial(cell="lstm"))
    points = reach(rows, {"gru": 0.1, "lstm": 0.5})
    points.loc[(points["distance"] > 1) & points["trial_id"].str.contains("gru"), "gradient"] = 0.0
    untrained, trained = plots(rows, reach=points)["gradient-reach"].panels
    assert "GRU zero beyond 1 steps" in finding(trained)
    assert [failed.why for failed in trained.series[0].failed] == ["1 diverged"]
    assert untrained.series[0].failed == ()
    assert math.isclose(untrained.series[0].centres[0].mean, math.sqrt(10))
