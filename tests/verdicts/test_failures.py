"""Failed trials count as outcomes; interrupted trials do not."""

from __future__ import annotations

import numpy as np

from harness.verdicts.pairs import PairingCounts
from tests.verdicts.records import compared, evidence_of, paired, trials, verdict_of


def test_failed_trials_count_as_the_worst_outcome() -> None:
    records = trials(0.0, seeds=12)
    assert verdict_of(records, paired()).verdict == "no practical difference"
    for record in records:
        if record["spec"]["cell"] == "lstm" and record["spec"]["seed"] >= 1:
            record["status"] = "diverged"
    evidence = verdict_of(records, paired())
    assert evidence.verdict == "supported"
    assert evidence.effect == np.inf
    sample = evidence_of(records, paired()).sample
    assert (sample.advantages.failed, sample.estimate.bounded) == (11, False)
    assert list(sample.advantages.values[1:]) == [np.inf] * 11


def test_failures_of_one_cell_exclude_equality() -> None:
    records = trials(0.0, seeds=12)
    records[0]["status"] = "out_of_memory"
    assert verdict_of(records, paired()).verdict == "undecided"


def test_a_claim_is_undecided_if_all_trials_failed() -> None:
    records = [{**record, "status": "diverged"} for record in trials(0.5)]
    assert verdict_of(records, paired()).verdict == "undecided"
    evidence = evidence_of(records, paired())
    assert (evidence.sample.advantages.uninformative, evidence.seeds_for_power) == (8, None)


def test_an_interrupted_trial_is_left_out() -> None:
    records = trials(0.2)
    records[0]["status"] = "interrupted"
    evidence = compared(records, paired())
    assert evidence.overall.sample.estimate.n == 7
    assert evidence.counts == PairingCounts(unpaired=1)


def test_a_loss_that_is_not_finite_counts_as_a_failure() -> None:
    records = trials(0.2)
    records[0]["test"]["loss"] = float("nan")
    evidence = compared(records, paired())
    assert (evidence.overall.sample.advantages.failed, evidence.counts) == (1, PairingCounts(not_finite=1))
