"""The figure of other lengths than the one trained at."""

from __future__ import annotations

import math

import pandas as pd

from harness.report.draw.figure import draw_panel
from harness.report.draw.svg import drawing_style
from harness.report.figures.wording import finding
from tests.report.samples import frame, looks_of_three, plots, trial


def test_a_panel_for_each_length_trained_at_with_that_length_in_it() -> None:
    rows = frame(
        *(trial(sequence_length=length, seed=seed, test_accuracy=1.0, evaluate_lengths="[8,32]",
                baseline_chance_accuracy=0.125)
          for length in (4, 8) for seed in range(3))
    )  # fmt: skip
    tested = pd.DataFrame(
        {"trial_id": row.trial_id, "evaluated_at": at, "test_accuracy": 0.9 if at == 8 else 0.1, "test_loss": 1.0}
        for row in rows.itertuples()
        for at in (8, 32)
    )
    panels = plots(rows, lengths=tested)["other-lengths"].panels
    assert [panel.title for panel in panels] == ["Recall · trained at 4", "Recall · trained at 8"]
    assert [panel.at for panel in panels] == [("trained here", 4.0), ("trained here", 8.0)]
    means = [[(centre.x, centre.mean) for centre in panel.series[0].centres] for panel in panels]
    assert means[0] == [(4.0, 100.0), (8.0, 90.0), (32.0, 10.0)], "the length trained at is there without being listed"
    assert means[1] == [(8.0, 90.0), (32.0, 10.0)], "and once where it is"
    assert {reference.label for reference in panels[0].references} == {"chance", "solved"}
    assert finding(panels[0]).endswith("Not better than the baseline 'chance': GRU.")
    with drawing_style("test"):
        figure, _ = draw_panel(panels[0], looks_of_three())
    assert any(line.get_gid() == "at" for line in figure.axes[0].lines)


def test_a_failed_trial_is_a_failure_at_every_length() -> None:
    rows = frame(
        trial(evaluate_lengths="[8,32]"),
        trial(evaluate_lengths="[8,32]", seed=1, status="diverged", test_accuracy=math.nan),
    )
    tested = pd.DataFrame({"trial_id": rows.trial_id[0], "evaluated_at": [8, 32], "test_accuracy": [0.9, 0.1]})
    (panel,) = plots(rows, lengths=tested)["other-lengths"].panels
    assert [(failed.x, failed.why) for failed in panel.series[0].failed] == [(8.0, "1 diverged"), (32.0, "1 diverged")]
