"""Failed trials are outcomes; interrupted ones are none."""

from __future__ import annotations

import numpy as np

from tests.verdicts.records import paired, trials, verdict


def test_failed_trials_count_as_the_worst_outcome() -> None:
    records = trials(0.0, seeds=12)
    assert verdict(records, paired()).verdict == "no practical difference"
    for record in records:
        if record["spec"]["cell"] == "lstm" and record["spec"]["seed"] >= 1:
            record["status"] = "diverged"
    found = verdict(records, paired())
    assert found.verdict == "supported"
    assert found.effect == np.inf
    assert "11 trials failed: where one cell alone failed, the pair counts as larger than any number" in found.reason


def test_one_cells_failures_are_no_equality() -> None:
    records = trials(0.0, seeds=12)
    records[0]["status"] = "out_of_memory"
    assert verdict(records, paired()).verdict == "undecided"


def test_where_all_failed_nothing_is_decided() -> None:
    records = [{**record, "status": "diverged"} for record in trials(0.5)]
    found = verdict(records, paired())
    assert found.verdict == "undecided"
    assert "In 8 of 8 seeds both cells failed" in found.reason


def test_an_interrupted_trial_is_no_outcome() -> None:
    records = trials(0.2)
    records[0]["status"] = "interrupted"
    found = verdict(records, paired())
    assert found.n == 7
    assert "1 trial without a counterpart left out" in found.reason


def test_a_loss_that_is_not_finite_is_a_failure() -> None:
    records = trials(0.2)
    records[0]["test"]["loss"] = float("nan")
    assert "1 trial failed" in verdict(records, paired()).reason
