"""Seconds per update of two cells whose true ratio is known: within rounds, with blocks split, failed or missing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.store.frame import to_frame
from harness.verdicts.update_costs import cost_of_update
from tools.simulate import simulated_record

Record = dict[str, Any]
CELLS = ("gru", "lstm", "simple_rnn")


def timed(cell: str, block: str, rounds: list[float], **fields: Any) -> Record:
    """A speed trial; the seed is that of its block."""
    cost = simulated_record(cell, sum(block.encode()), math.nan, lane="speed", seconds_per_update=np.median(rounds))
    return cost | {"timing_block": block, "rounds": rounds, **fields}


def costs(*records: Record, cells: tuple[str, ...] = CELLS[:2]) -> dict[str, tuple[float, bool]]:
    """Seconds per update of the cells, and whether they are compared within rounds."""
    frame = to_frame([*(simulated_record(cell, 0, 1.0) for cell in cells), *records])
    trials = frame[frame["lane"] == "accuracy"]
    cost = cost_of_update(trials, frame)
    assert list(cost.index) == list(trials.index)
    return dict(zip(trials["cell"], zip(cost["seconds_per_update"], cost["in_rounds"], strict=True), strict=True))


def test_noise_common_to_a_round_cancels() -> None:
    """From its fourth round on the machine is four times slower, and a burst hits the third turn of the LSTM."""
    records = [timed("gru", "a", [1.0, 1.0, 1.0, 4.0, 4.0]), timed("lstm", "a", [1.2, 1.2, 4.8, 4.8, 4.8])]
    assert np.median(records[1]["rounds"]) / np.median(records[0]["rounds"]) == pytest.approx(4.8)
    assert costs(*records) == {"gru": (1.0, True), "lstm": (pytest.approx(1.2), True)}


def test_costs_are_the_median_of_the_reference_times_the_geometric_mean_ratio() -> None:
    records = [
        timed(cell, block, [machine * slower] * 3)
        for block, machine, ratio in (("a", 1.0, 1.1), ("b", 2.0, 1.2), ("c", 9.0, 1.3))
        for cell, slower in (("gru", 1.0), ("lstm", ratio))
    ]
    expected = {"gru": (2.0, True), "lstm": (pytest.approx(2 * (1.1 * 1.2 * 1.3) ** (1 / 3)), True)}
    assert costs(*records) == costs(*records[::-1]) == expected


def test_a_failed_trial_of_a_block_does_not_count() -> None:
    """Without the failed trials the median of the LSTM is that of the slow block, 3.6 times that of the GRU."""
    records = [timed("gru", block, [machine] * 3) for block, machine in (("a", 1.0), ("b", 1.0), ("c", 3.0))]
    records += [
        timed("lstm", "a", [99.0], status="crashed"),
        timed("lstm", "b", [99.0], status="interrupted"),
        timed("lstm", "c", [3.6] * 3),
    ]
    assert costs(*records) == {"gru": (1.0, True), "lstm": (pytest.approx(1.2), True)}


def test_only_the_last_attempt_at_a_block_counts() -> None:
    first = [timed("gru", "a", [1.0]), timed("lstm", "a", [7.0])]
    again = [
        timed("gru", "a", [2.0], timing_block="b", attempt=2),
        timed("lstm", "a", [2.4], timing_block="b", attempt=2),
    ]
    assert costs(*first, *again) == {"gru": (2.0, True), "lstm": (pytest.approx(2.4), True)}


def test_cells_without_a_common_block_are_compared_by_medians() -> None:
    apart = [timed("gru", "a", [1.0]), timed("lstm", "b", [3.0])]
    assert costs(*apart) == {"gru": (1.0, False), "lstm": (3.0, False)}
    without_turns = [{**record, "timing_block": None, "rounds": []} for record in apart]
    assert costs(*without_turns) == {"gru": (1.0, False), "lstm": (3.0, False)}
    failed = {**apart[1], "status": "crashed"}
    assert costs(apart[0], failed) == {"gru": (1.0, False), "lstm": (pytest.approx(math.nan, nan_ok=True), False)}


def test_cells_without_a_common_block_with_the_reference_are_compared_with_each_other() -> None:
    records = [timed("gru", "a", [1.0]), timed("gru", "b", [1.0])]
    records += [timed("lstm", "c", [5.0, 9.0, 9.0]), timed("simple_rnn", "c", [2.5, 2.5, 4.5])]
    assert costs(*records, cells=CELLS) == {"gru": (1.0, False), "lstm": (9.0, True), "simple_rnn": (4.5, True)}


def test_the_reference_is_a_compared_cell() -> None:
    """Through the simple RNN the ratio of these rounds would be 1."""
    rounds = {"simple_rnn": [1.0, 2.0, 3.0], "gru": [2.0, 2.0, 9.0], "lstm": [2.0, 3.0, 6.0]}
    records = [timed(cell, "a", seconds) for cell, seconds in rounds.items()]
    records.append(timed("simple_rnn", "b", [1.0]))
    assert costs(*records)["lstm"] == (pytest.approx(2.0), True)
    assert costs(*records, cells=CELLS)["lstm"] == (pytest.approx(1.5 * 2.0), True)


def test_trials_of_two_groups_are_compared_through_the_reference_trial() -> None:
    """The machine is three times slower while the second group is timed."""
    records = [
        timed("gru", "a", [2.0, 4.0], timing_group=1, reference_rounds=[1.0, 2.0]),
        timed("lstm", "a", [7.2, 7.2], timing_group=2, reference_rounds=[3.0, 3.0]),
    ]
    assert costs(*records) == {"gru": (3.0, True), "lstm": (pytest.approx(3.0 * 1.2), True)}
    records[1]["reference_rounds"] = []
    assert costs(*records) == {"gru": (3.0, False), "lstm": (7.2, False)}, "the trial in both has failed"
