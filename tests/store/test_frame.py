"""Records as tidy tables."""

from __future__ import annotations

import math
import time
from typing import Any

from harness.report.figures.aggregate import prepared
from harness.store.frame import (
    COLUMNS,
    CURVE_COLUMNS,
    LENGTH_COLUMNS,
    REACH_COLUMNS,
    curves_frame,
    lengths_frame,
    reach_frame,
    to_frame,
)
from tools.simulate import simulated_record


def test_a_trial_is_a_row_with_its_spec_its_times_and_its_scores() -> None:
    record = simulated_record(
        "gru", 3, 1.25, units=48, patience=None, clip_norm=None, baselines={"unigram": {"loss": 3.0}}
    )
    record["test"]["bits_per_character"] = 1.8
    row = to_frame([record]).iloc[0]
    assert (row["cell"], row["seed"], row["units"], row["status"]) == ("gru", 3, 48, "ok")
    assert (row["test_loss"], row["test_bits_per_character"]) == (1.25, 1.8)
    assert row["baseline_unigram_loss"] == 3.0
    assert (row["seconds_train"], row["cpu_seconds"]) == (1.0, 2.0)
    assert math.isnan(row["seconds_build"])
    assert row["memory_difference_bytes"] == 1_000_000
    assert (row["machine"], row["updates"], row["updates_planned"]) == ("simulated", 100, 100)
    assert math.isnan(row["patience"])
    assert math.isnan(row["clip_norm"])
    assert row["options"] == "{}"


def test_without_records_all_columns_are_there() -> None:
    frame = to_frame([])
    assert list(frame.columns) == list(COLUMNS)
    assert frame.empty
    assert str(frame["seed"].dtype) == "int64"
    assert str(frame["test_loss"].dtype) == "float64"
    assert list(curves_frame([]).columns) == list(CURVE_COLUMNS)
    assert list(lengths_frame([]).columns) == list(LENGTH_COLUMNS)
    assert list(reach_frame([]).columns) == list(REACH_COLUMNS)


def test_of_several_attempts_the_latest_counts() -> None:
    first = simulated_record("gru", 0, 9.0, status="crashed")
    second = {**simulated_record("gru", 0, 1.0, curve=[(10, 2.0)]), "attempt": 2}
    for records in ([first, second], [second, first]):
        frame = to_frame(records)
        assert list(frame["test_loss"]) == [1.0]
        assert len(curves_frame(records)) == 1


def test_a_trial_that_measured_nothing_is_a_row_of_missing_values() -> None:
    record: dict[str, Any] = {
        **simulated_record("gru", 0, 0.0, status="crashed"),
        "phases": {}, "memory": None, "parameters": None, "seconds_total": None, "seconds_per_update": None,
    }  # fmt: skip
    row = to_frame([record]).iloc[0]
    assert row["status"] == "crashed"
    assert row["failure"] == "simulated"
    for column in ("test_loss", "parameters", "seconds_total", "cpu_seconds", "memory_peak_bytes"):
        assert math.isnan(row[column])


def test_curves_have_a_row_an_evaluation() -> None:
    curves = curves_frame([simulated_record("lstm", 7, 1.0, curve=[(10, 2.0), (20, 1.5)])])
    assert list(curves["update"]) == [10, 20]
    assert list(curves["validation_loss"]) == [2.0, 1.5]
    assert set(curves["cell"]) == {"lstm"}


def test_curves_have_the_metrics_of_the_validation_split() -> None:
    record = simulated_record("lstm", 7, 1.0, curve=[(10, 2.0), (20, 1.5)])
    record["curve"][1]["validation"]["accuracy"] = 0.5
    curves = curves_frame([record])
    assert math.isnan(curves["validation_accuracy"][0])
    assert curves["validation_accuracy"][1] == 0.5
    assert list(curves["validation_loss"]) == [2.0, 1.5]


def test_evaluations_near_a_target_are_points_between_the_others() -> None:
    record = simulated_record("lstm", 7, 1.0, curve=[(10, 2.0), (20, 1.5)])
    record["near_target"] = [{"update": 13, "seconds": 0.13, "validation": {"loss": 1.75, "accuracy": 0.5}}]
    curves = curves_frame([record])
    assert list(curves["update"]) == [10, 13, 20]
    assert list(curves["near_target"]) == [False, True, False]
    assert list(curves["validation_loss"]) == [2.0, 1.75, 1.5]
    assert curves["validation_accuracy"][1] == 0.5
    assert math.isnan(curves["train_loss"][1])
    old = {name: value for name, value in record.items() if name != "near_target"}
    assert list(curves_frame([old])["update"]) == [10, 20]


def test_other_lengths_have_a_row_each() -> None:
    record = {**simulated_record("lstm", 7, 1.0), "test_at": {"4": {"loss": 1.0}, "8": {"loss": 2.0, "accuracy": 0.5}}}
    lengths = lengths_frame([record])
    assert list(lengths["evaluated_at"]) == [4, 8]
    assert list(lengths["test_loss"]) == [1.0, 2.0]
    assert lengths["test_accuracy"][1] == 0.5


def test_gradient_reach_has_a_row_a_distance() -> None:
    record = {**simulated_record("lstm", 7, 1.0), "gradient_reach": {"untrained": [[0, 1.0], [3, 0.1]]}}
    reach = reach_frame([record])
    assert reach.drop(columns="trial_id").to_numpy().tolist() == [["untrained", 0, 1.0], ["untrained", 3, 0.1]]


def test_a_trial_is_noisy_only_where_it_was_found_to_be() -> None:
    records = [{**simulated_record("gru", seed, 1.0), "noisy": noisy} for seed, noisy in enumerate((None, False, True))]
    assert list(to_frame(records)["noisy"]) == [False, False, True]


def test_a_hundred_thousand_records_take_seconds() -> None:
    one = simulated_record("gru", 0, 1.0)
    records = [{**one, "trial_id": str(index)} for index in range(10_000)]
    start = time.perf_counter()
    assert len(to_frame(records)) == 10_000
    assert time.perf_counter() - start < 5  # a tenth of the records, ten times the patience


def test_of_two_records_of_one_attempt_the_one_that_started_later_counts() -> None:
    early = simulated_record("gru", 0, 9.0, curve=[(10, 9.0)])
    late = {**simulated_record("gru", 0, 1.0, curve=[(10, 1.0)]), "started_at": "2026-01-02T00:00:00+00:00"}
    other = simulated_record("lstm", 0, 5.0, curve=[(10, 5.0)])
    for records in ([early, late, other], [late, other, early]):
        frame = to_frame(records)
        assert sorted(frame["test_loss"]) == [1.0, 5.0]
        assert list(frame.index) == [0, 1]
        assert sorted(curves_frame(records)["validation_loss"]) == [1.0, 5.0]


def test_a_row_has_what_the_record_says_in_the_types_of_its_columns() -> None:
    record = simulated_record(
        "gru",
        3,
        1.25,
        options={"b": 1, "a": [2]},
        dense_units=(4, 8),
        forget_bias=1.0,
        updates=70,
        recurrent_parameters=9,
    )
    record |= {"git_commit": "abc", "noisy": True, "threads": 2, "attempt": 3, "seconds_total": 7.5, "updates": 60}
    row = to_frame([record, simulated_record("lstm", 0, 1.0)]).iloc[0]
    assert (row["options"], row["dense_units"], row["forget_bias"]) == ('{"a":[2],"b":1}', "[4,8]", "1.0")
    assert (row["git_commit"], row["noisy"], row["threads"], row["attempt"]) == ("abc", True, 2, 3)
    assert (row["updates"], row["updates_planned"], row["seconds_total"]) == (60, 70, 7.5)
    assert (row["parameters"], row["recurrent_parameters"], row["failure"]) == (10_000, 9, "")
    assert (row["train_loss"], row["validation_loss"], row["test_accuracy"]) == (1.25, 1.25, 0.5)
    assert (row["memory_baseline_bytes"], row["memory_peak_bytes"]) == (1_000_000, 2_000_000)
    assert (row["cpu_seconds"], row["seconds_evaluate"], row["seconds_per_update"]) == (2.0, 1.0, 0.01)
    other = to_frame([record, simulated_record("lstm", 0, 1.0)]).iloc[1]
    assert (other["forget_bias"], other["git_commit"], bool(other["noisy"])) == ("", "", False)


def test_a_curve_has_the_seconds_and_both_losses_as_numbers() -> None:
    record = simulated_record("lstm", 7, 1.0, curve=[(10, 2.0)])
    record["curve"][0] |= {"train_loss": 3.0, "seconds": 4.0}
    (row,) = curves_frame([record]).to_dict("records")
    assert row == {
        "trial_id": record["trial_id"], "cell": "lstm", "task": "language", "seed": 7, "update": 10, "seconds": 4.0,
        "train_loss": 3.0, "validation_loss": 2.0, "near_target": False,
    }  # fmt: skip


def test_frames_with_columns_of_many_tasks_are_not_scattered_in_memory() -> None:
    record = simulated_record("gru", 0, 1.0, curve=[(10, 1.0)])
    record["baselines"] = record["validation_baselines"] = {f"baseline {n}": {"loss": 1.0} for n in range(150)}
    record["curve"][0]["validation"] |= {f"metric_{n}": 1.0 for n in range(150)}
    for table in (to_frame([record]), curves_frame([record]), prepared(to_frame([record]))):
        assert len(table.columns) > 150
        table.assign(more=1.0)  # pandas warns where a frame has more than 100 parts
