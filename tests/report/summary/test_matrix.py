"""The matrix of tasks and cells: what a row compares, which cells it marks, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from harness.report.figures.aggregate import prepared
from harness.report.figures.panels import results_of
from harness.report.summary.matrix import Matrix, Row, matrix
from harness.verdicts.verdict import Verdict
from tests.report.samples import TASKS, comparison, curves, frame, report_data, trial

CELLS = ("simple_rnn", "gru", "lstm")


def of(rows: pd.DataFrame, *claims: Verdict, points: pd.DataFrame | None = None) -> Matrix:
    data = replace(report_data(rows), curves=points)
    return matrix(results_of(data, prepared(rows), {}), claims)


def scored(accuracy: dict[str, float], **given: object) -> pd.DataFrame:
    rows = [
        trial(
            cell=cell,
            seed=seed,
            test_accuracy=level + 0.004 * ((seed + len(cell)) % 3),
            baseline_chance_accuracy=0.5,
            **given,
        )
        for cell, level in accuracy.items()
        for seed in range(6)
    ]
    return frame(*rows).assign(baseline_chance_accuracy=0.5)


def only(found: Matrix) -> Row:
    (row,) = found.rows
    return row


def test_a_row_has_the_mean_of_every_cell_and_marks_the_best() -> None:
    row = only(of(scored({"simple_rnn": 0.6, "gru": 0.9, "lstm": 0.8})))
    assert list(row.entries) == list(CELLS)
    assert [cell for cell, entry in row.entries.items() if entry.best] == ["gru"]
    best = row.entries["gru"].centre
    assert best is not None
    assert best.mean == pytest.approx(90.4)
    assert row.decided


def test_cells_without_a_significant_difference_are_both_among_the_best() -> None:
    row = only(of(scored({"simple_rnn": 0.6, "gru": 0.901, "lstm": 0.9})))
    assert [cell for cell, entry in row.entries.items() if entry.best] == ["gru", "lstm"]


def test_a_cell_no_better_than_the_strongest_baseline_is_marked() -> None:
    row = only(of(scored({"simple_rnn": 0.48, "gru": 0.9})))
    assert [entry.beats_baseline for entry in row.entries.values()] == [False, True]
    assert row.baseline == "chance 50"


def test_a_task_is_shown_by_the_metric_and_margin_of_its_claim() -> None:
    rows = scored({"gru": 0.9, "lstm": 0.88}, test_loss=1.0)
    claim = Verdict("c", "C", "supported", 0.1, margin=0.5, on="test_accuracy", conditions={"task": ["recall"]})
    row = only(of(rows, claim))
    assert row.quantity.column == "test_accuracy"
    assert all(entry.best for entry in row.entries.values()), "the difference is within the claim's margin"


def test_failed_trials_are_counted_and_are_in_no_mean() -> None:
    rows = scored({"gru": 0.9, "lstm": 0.88})
    rows.loc[(rows["cell"] == "gru") & (rows["seed"] == 0), "status"] = "diverged"
    entry = only(of(rows)).entries["gru"]
    assert (entry.trials, entry.failed) == (6, 1)
    assert entry.centre is not None
    assert entry.centre.n == 5


def test_trials_that_stop_at_the_target_are_compared_by_their_updates() -> None:
    rows = scored({"gru": 0.99, "lstm": 0.99}, stop_at_target=True)
    points = pd.DataFrame(
        [
            {"trial_id": row.trial_id, "cell": row.cell, "task": row.task, "seed": row.seed, "update": update,
             "seconds": 1.0, "train_loss": 1.0, "validation_loss": 1.0,
             "validation_accuracy": 0.999 if update >= (100 if row.cell == "gru" else 300) + row.seed else 0.2}
            for row in rows.itertuples()
            for update in range(50, 401, 10)
        ]
    )  # fmt: skip
    row = only(of(rows, points=points))
    assert row.quantity.axis.unit == "updates"
    assert [cell for cell, entry in row.entries.items() if entry.best] == ["gru"]
    points.loc[points["cell"] == "lstm", "validation_accuracy"] = 0.2
    missed = only(of(rows, points=points)).entries["lstm"]
    assert (missed.centre, missed.failed, missed.beats_baseline) == (None, 6, False)


def test_costs_are_those_of_the_speed_trials_of_each_backend() -> None:
    rows = [
        trial(cell=cell, seed=seed, backend=backend, lane="speed", parameters=weights, test_loss=float("nan"),
              seconds_per_update=seconds * (1 + (seed + len(cell)) % 6 / 1000), timing_block="", timing_group=0.0)
        for backend in ("fused", "keras")
        for cell, seconds, weights in (("gru", 0.002, 3000), ("lstm", 0.003, 4000))
        for seed in range(6)
    ]  # fmt: skip
    found = of(frame(*rows, *scored({"gru": 0.9, "lstm": 0.8}, seconds_per_update=9.0).to_dict("records")))
    times = [row for row in found.costs if row.backend]
    assert [row.backend for row in times] == ["fused", "keras"]
    for row in times:
        assert [cell for cell, entry in row.entries.items() if entry.best] == ["gru"]
        assert row.entries["gru"].centre is not None
        assert row.entries["gru"].centre.mean == pytest.approx(2.005)
    (counted,) = (row for row in found.costs if row.quantity.column == "parameters")
    assert [cell for cell, entry in counted.entries.items() if entry.best] == ["gru"]
    assert found.alone


def test_times_of_accuracy_trials_are_marked_as_not_measured_alone() -> None:
    assert not of(scored({"gru": 0.9, "lstm": 0.8})).alone


def test_conditions_beyond_the_first_are_counted() -> None:
    rows = [trial(cell=cell, seed=seed, units=units, trial_id=f"{cell}{seed}{units}")
            for units in range(10, 22) for cell in ("gru", "lstm") for seed in range(3)]  # fmt: skip
    found = of(frame(*rows))
    assert (len(found.rows), found.further) == (8, 4)


def test_a_report_without_trials_has_an_empty_matrix() -> None:
    empty = of(frame())
    assert (empty.rows, empty.costs, empty.cells) == ((), (), ())


def test_the_learning_curve_is_the_mean_over_seeds() -> None:
    rows = comparison(3)
    row = next(row for row in of(rows, points=curves(rows)).rows if row.task == "language")
    curve = row.entries["gru"].curve
    assert len(curve) == 10
    assert curve[0][1] > curve[-1][1]
    assert "language" in TASKS


def test_data_sets_with_numbers_are_in_their_order_and_costs_are_those_of_one() -> None:
    sizes = ("16", "256", "64")
    of_sizes = [
        scored({"gru": 0.9, "lstm": 0.8}, options=f'{{"size":{size}}}', data=f'{{"size":"{size}"}}') for size in sizes
    ]
    found = of(pd.concat(of_sizes, ignore_index=True))
    assert [row.title.partition("(")[2] for row in found.rows] == ["size 16)", "size 64)", "size 256)"]
    columns = [row.quantity.column for row in found.costs]
    assert len(columns) == len(set(columns))
