"""What differs between two sets of results of the same trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.store.frame import to_frame
from harness.verdicts.changes import Change, Changes, compare
from tools.simulate import simulated_record

NOISE = np.random.default_rng(3).normal(size=100)
Record = dict[str, Any]


def records(seeds: int = 6, change: Callable[[Record], None] | None = None, **fields: Any) -> list[Record]:
    rows = [
        simulated_record(cell, seed, 2.0 + NOISE[seed], seconds_per_update=0.01 + 0.0001 * seed, **fields)
        for cell in ("gru", "lstm")
        for seed in range(seeds)
    ]
    for record in rows:
        if change:
            change(record)
    return rows


def changes(first: list[Record], second: list[Record]) -> Changes:
    return compare(to_frame(first), to_frame(second))


def of(found: Changes, column: str, cell: str = "gru") -> Change:
    (change,) = [c for c in found.changes if c.quantity.column == column and c.cell == cell]
    return change


def test_a_folder_compared_with_itself_has_no_changes() -> None:
    listed = changes(records(), records())
    assert (listed.common, listed.only_first, listed.only_second) == (12, 0, 0)
    assert {change.finding for change in listed.changes} == {"same"}


def test_trials_with_different_code_versions_are_matched() -> None:
    def newer(record: Record) -> None:
        record["spec"]["code"], record["trial_id"] = "newer", "x" + record["trial_id"]
        record["test"]["loss"] += (0.5 + 0.01 * NOISE[record["spec"]["seed"]]) * (record["spec"]["cell"] == "gru")
        record["parameters"] = 12_000

    listed = changes(records(), records(change=newer))
    loss = of(listed, "test_loss")
    assert (loss.finding, loss.direction, loss.seeds) == ("changed", "worse", 6)
    assert loss.low < 0.5 < loss.high
    assert loss.change == pytest.approx(0.5, abs=0.02)
    assert of(listed, "test_loss", "lstm").finding == "same"
    parameters = of(listed, "parameters")
    assert (parameters.finding, parameters.first, parameters.second) == ("changed", 10_000, 12_000)


def test_differences_within_the_spread_of_seeds_are_noise() -> None:
    def shaken(record: Record) -> None:
        record["test"]["loss"] += 0.1 * (-1) ** record["spec"]["seed"]

    assert of(changes(records(), records(change=shaken)), "test_loss").finding == "within noise"
    assert of(changes(records(1), records(1, change=shaken)), "test_loss").finding == "one seed"


def test_seeds_are_paired() -> None:
    """The seeds differ by far more than what changed, and each by the same."""

    def better(record: Record) -> None:
        record["test"]["accuracy"] += 0.01 + 1e-4 * NOISE[record["spec"]["seed"]]
        record["test"]["loss"] -= 0.01 + 1e-4 * NOISE[record["spec"]["seed"]]

    listed = changes(records(8), records(change=better))
    assert (listed.common, listed.only_first, listed.only_second) == (12, 4, 0)
    for column in ("test_loss", "test_accuracy"):
        assert (of(listed, column).finding, of(listed, column).direction, of(listed, column).seeds) == (
            "changed",
            "better",
            6,
        )


def test_times_are_compared_on_one_machine_and_lane_only_and_memory_on_any() -> None:
    def slower(record: Record) -> None:
        record["seconds_per_update"] *= 2 + 0.01 * NOISE[record["spec"]["seed"]]
        record["memory"] = {**record["memory"], "peak_bytes": 3_000_000}

    here = changes(records(), records(change=slower))
    assert of(here, "seconds_per_update").change == pytest.approx(100, abs=2)
    assert of(here, "seconds_per_update").direction == "worse"
    assert here.time_left_out == 0
    elsewhere = changes(records(), records(change=slower, machine="other"))
    assert elsewhere.time_left_out == 12
    assert "time" not in {change.quantity.group for change in elsewhere.changes}
    assert of(elsewhere, "memory_peak_bytes").change == pytest.approx(50)
    assert of(elsewhere, "memory_difference_bytes").change == pytest.approx(1e6 / 2**20)
    assert changes(records(), records(lane="speed")).common == 0


def test_failures_are_counted_and_their_figures_left_out() -> None:
    def fail(record: Record) -> None:
        if record["spec"]["seed"] < 2:
            record["status"], record["test"] = "diverged", {}

    listed = changes(records(), records(change=fail))
    failed = of(listed, "failed")
    assert (failed.first, failed.second, failed.finding, failed.direction) == (0, 2, "changed", "worse")
    assert of(listed, "test_loss").seeds == of(listed, "seconds_total").seeds == 4
    assert (failed.change, failed.low, failed.high, failed.seeds) == (2, 2, 2, 6)


def conditions(found: Changes) -> list[tuple[str, dict[str, Any]]]:
    return [(change.task, dict(change.condition)) for change in found.changes if change.quantity.column == "parameters"]


def test_conditions_are_named_by_the_factors_that_vary() -> None:
    several = [*records(train_size=100), *records(train_size=200)]
    by_size = [("language", {"train_size": size}) for size in (100, 100, 200, 200)]
    assert sorted(conditions(changes(several, several)), key=str) == by_size
    assert conditions(changes(records(), records())) == [("language", {})] * 2
    of_gru = [change for change in changes(several[::-1], several[::-1]).changes if change.cell == "gru"]
    sizes = [change.condition["train_size"] for change in of_gru]
    assert sizes == sorted(sizes), "sorted by size, in any order of the records"
    several = [*records(units=8, updates=50), *records(units=16, updates=70)]
    assert sorted(conditions(changes(several, several)), key=str)[::2] == [
        ("language", {"reference_units": 16, "updates_planned": 70}),
        ("language", {"reference_units": 8, "updates_planned": 50}),
    ]
    several = [*records(1), *records(1, task="recall")]
    assert {task for task, _ in conditions(changes(several, several))} == {"language", "recall"}


def test_tuning_and_interrupted_trials_are_not_compared() -> None:
    extra = [*records(purpose="tuning"), simulated_record("gru", 99, 1.0, status="interrupted")]
    assert changes([*records(), *extra], [*records(), *extra]).common == 12


def test_folders_without_common_trials_are_not_an_error() -> None:
    assert changes(records(), records(units=99)).changes == ()
    assert changes([], records()).only_second == 12


def test_a_quantity_has_its_group_unit_and_better_direction() -> None:
    def measured(record: Record) -> None:
        record["test"]["bits_per_character"] = 2.0

    rows = records(1, change=measured)
    quantities = [change.quantity for change in changes(rows, rows).changes if change.cell == "gru"]
    assert [(q.group, q.column, q.title, q.unit, q.how, q.better) for q in quantities] == [
        ("parameters", "units", "units", "", "exact", ""),
        ("parameters", "parameters", "parameters", "", "exact", "lower"),
        ("accuracy", "test_loss", "test loss", "", "difference", "lower"),
        ("accuracy", "test_bits_per_character", "test bits per character", "bits", "difference", "lower"),
        ("accuracy", "test_accuracy", "test accuracy", "", "difference", "higher"),
        ("failures", "failed", "failed trials", "", "difference", "lower"),
        ("memory", "memory_peak_bytes", "peak memory", "MiB", "ratio", "lower"),
        ("memory", "memory_difference_bytes", "memory added by training", "MiB", "difference", "lower"),
        ("time", "seconds_per_update", "seconds per update", "s", "ratio", "lower"),
        ("time", "seconds_total", "seconds total", "s", "ratio", "lower"),
    ]


def test_one_seed_suffices_to_detect_a_changed_number_of_parameters() -> None:
    def larger(record: Record) -> None:
        record["parameters"] += 1

    assert of(changes(records(1), records(1, change=larger)), "parameters").finding == "changed"


def test_missing_and_non_positive_values_are_not_compared_as_ratios() -> None:
    def timeless(record: Record) -> None:
        record["seconds_per_update"] = 0.0
        record["seconds_total"] = None

    listed = changes(records(), records(change=timeless))
    assert not {"seconds_per_update", "seconds_total"} & {change.quantity.column for change in listed.changes}


@pytest.mark.parametrize("by", [-0.5, 0.5])
def test_a_change_in_two_of_many_seeds_is_within_noise(by: float) -> None:
    def shaken(record: Record) -> None:
        record["test"]["loss"] += by * (record["spec"]["seed"] < 2)

    loss = of(changes(records(12), records(12, change=shaken)), "test_loss")
    assert 0.0 in (loss.low, loss.high), "the interval ends at zero, and does not exclude it"
    assert loss.finding == "within noise"
