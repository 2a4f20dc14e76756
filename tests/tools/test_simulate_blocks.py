"""Simulated timing blocks have the given disturbances, and the verdicts of equal records."""

from __future__ import annotations

import json

import numpy as np
import pytest

from harness.store.frame import to_frame
from harness.verdicts.judge import judge
from harness.verdicts.rounds import FEWEST_ROUNDS, MOST_ROUNDS
from tools.simulate import simulated_record
from tools.simulate_blocks import (
    CELLS,
    MACHINES,
    Machine,
    _slowed,
    _verdict,
    block_figures,
    rounds_taken,
    simulated_ratios,
    simulated_seconds,
)
from tools.simulate_kinds import comparison


def test_a_machine_without_disturbances_gives_equal_seconds_and_the_fewest_rounds() -> None:
    quiet = Machine(process=0.0, turn=0.0)
    seconds = simulated_seconds(quiet, 2, 3, np.random.default_rng(0))
    assert seconds.shape == (2, 3, CELLS, MOST_ROUNDS)
    assert seconds == pytest.approx(1.0)
    assert set(rounds_taken(seconds.reshape(-1, CELLS, MOST_ROUNDS))) == {FEWEST_ROUNDS}


def test_rounds_are_added_where_ratios_are_noisy() -> None:
    noisy = simulated_seconds(Machine(turn=1.0), 1, 5, np.random.default_rng(0))
    assert set(rounds_taken(noisy.reshape(-1, CELLS, MOST_ROUNDS))) == {MOST_ROUNDS}


def test_bursts_slow_the_share_of_the_time_that_they_take() -> None:
    slowed = np.exp(_slowed(Machine(burst=20, pause=40), 50, 2000, np.random.default_rng(0)))
    assert slowed.min() == 1.0
    assert slowed.max() <= 3.0
    assert slowed.mean() == pytest.approx(1 + 1.25 / 3, abs=0.03)
    partly = (slowed > 1.0) & (slowed < 1.5)
    assert partly.any(), "a burst may cover a part of a turn"


def test_drift_is_a_random_walk_that_all_cells_share() -> None:
    machine = Machine(process=0.0, turn=0.0, drift=0.03)
    walk = _slowed(machine, 200, 1000, np.random.default_rng(0))
    assert np.diff(walk, axis=1).std() == pytest.approx(0.03, abs=1e-3)
    logs = np.log(simulated_seconds(machine, 5, 5, np.random.default_rng(0)))
    assert (logs[:, :, 0] - logs[:, :, 1]).std() < 0.2 * logs.std(), "neighbours in a round are alike"


def test_processes_differ_from_block_to_block() -> None:
    ratios = simulated_ratios(Machine(process=0.03, turn=0.0), 100, 8, np.random.default_rng(0))
    assert ratios.shape == (100, 8)
    assert np.log(ratios).std() == pytest.approx(0.03 * np.sqrt(2), rel=0.1)


def test_the_simulated_verdict_is_that_of_records_with_equal_rounds() -> None:
    machine = MACHINES["drift and bursts"]
    seconds = simulated_seconds(machine, 1, 6, np.random.default_rng(3))[0]
    ratios = simulated_ratios(machine, 1, 6, np.random.default_rng(3))[0]
    records = [
        {
            **simulated_record(cell, seed, 1.0, lane="speed", seconds_per_update=float(np.median(turns))),
            "rounds": turns.tolist(),
            "timing_block": f"block {seed}",
        }
        for seed, (block, count) in enumerate(zip(seconds, rounds_taken(seconds), strict=True))
        for cell, turns in zip(("gru", "lstm"), block[:2, :count], strict=True)
    ]
    claim = comparison("paired", on="seconds_per_update", margin="5%")
    by_records, by_ratios = judge([claim], to_frame(json.loads(json.dumps(records))))[0], _verdict(ratios)
    assert by_records.n == by_ratios.n == 6
    assert (by_records.effect, by_records.ci_low, by_records.ci_high) == pytest.approx(
        (by_ratios.effect, by_ratios.ci_low, by_ratios.ci_high)
    )


def test_error_rates_on_a_disturbed_machine_are_nominal() -> None:
    rates = list(block_figures(100, "drift and bursts", (5, 12)))
    assert [figure.scenario for figure in rates[::4]] == ["5 blocks, drift and bursts", "12 blocks, drift and bursts"]
    assert len(rates) == 8
    assert not [figure for figure in rates if not figure.holds]
