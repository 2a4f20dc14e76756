"""Samples at the edge of what statistics are made for: each row of the table in docs/method.md."""

from __future__ import annotations

import numpy as np
import pytest

from harness.verdicts.verdict import Verdict
from tests.verdicts.records import Record, evidence_of, paired, trials, verdict_of

INF = float("inf")


def exactly(*advantages: float, failed: str = "") -> list[Record]:
    """Trials whose advantages are these, seed by seed; those of the cells in `failed` fail."""
    records = []
    for record in trials(0.0, seeds=len(advantages)):
        seed, cell = record["spec"]["seed"], record["spec"]["cell"]
        loss = 2.0 - (advantages[seed] if cell == "gru" else 0.0)
        status = "diverged" if cell in failed.split() else "ok"
        records.append({**record, "test": {"loss": loss}, "status": status})
    return records


def judged(*advantages: float, failed: str = "") -> Verdict:
    return verdict_of(exactly(*advantages, failed=failed), paired(margin=0.05))


def test_one_pair_is_shown_but_leaves_the_claim_undecided() -> None:
    verdict = judged(0.5)
    assert (verdict.verdict, verdict.effect, verdict.ci_low, verdict.ci_high) == ("undecided", 0.5, -INF, INF)
    assert verdict.p_value == 1


def test_equal_differences_count_as_equal_signs() -> None:
    for n, word in ((5, "undecided"), (6, "supported")):
        verdict = judged(*[0.5] * n)
        assert (verdict.verdict, verdict.effect, verdict.ci_low, verdict.ci_high) == (word, 0.5, 0.5, 0.5)
        assert verdict.p_value == 2 / 2**n


def test_no_difference_at_all_is_no_practical_difference_from_59_pairs_on() -> None:
    for n, word in ((4, "undecided"), (5, "undecided"), (58, "undecided"), (59, "no practical difference")):
        verdict = judged(*[0.0] * n)
        assert (verdict.verdict, verdict.effect, verdict.ci_low, verdict.ci_high, verdict.p_value) == (word, 0, 0, 0, 1)


def test_ties_are_no_evidence_of_a_direction() -> None:
    verdict = judged(0.4, 0.4, 0.4, 0.4, 0.0, 0.0, 0.0, 0.0)
    assert verdict.verdict == "undecided"
    assert verdict.ci_low is not None
    assert verdict.ci_low > 0, "by Student's t alone it would be decided"
    assert verdict.p_value == 2 / 2**4
    assert judged(0.4, 0.4, 0.4, 0.4, 0.4, 0.0, 0.0, 0.0).verdict == "supported"


@pytest.mark.parametrize("n", [5, 6, 12])
def test_failures_of_one_cell_in_all_pairs_decide_from_six_pairs_on(n: int) -> None:
    verdict = judged(*[0.0] * n, failed="lstm")
    assert verdict.verdict == ("supported" if n > 5 else "undecided")
    assert (verdict.effect, verdict.p_value) == (INF, 2 / 2**n if n <= 10 else pytest.approx(2 / 2**n))
    assert verdict.ci_high == INF


def test_failures_of_both_cells_in_all_pairs_leave_nothing_to_compare() -> None:
    verdict = judged(*[0.5] * 8, failed="gru lstm")
    assert (verdict.verdict, verdict.effect, verdict.ci_low, verdict.ci_high) == ("undecided", None, None, None)
    assert verdict.p_value == 1
    of_pairs = evidence_of(exactly(*[0.5] * 8, failed="gru lstm"), paired(margin=0.05))
    assert not of_pairs.informed
    advantages = of_pairs.sample.advantages
    assert (advantages.failed, advantages.uninformative, advantages.lopsided) == (16, 8, 0)


def test_failures_of_both_cells_in_half_of_the_pairs_do_not_establish_equality() -> None:
    records = exactly(*[0.001 * seed for seed in range(8)])
    for record in records:
        if record["spec"]["seed"] < 4:
            record["status"] = "timeout"
    assert verdict_of(records, paired(margin=0.05)).verdict == "undecided"
    assert verdict_of(records[8:], paired(margin=0.05)).n == 4
    for record in records[:2]:
        record["status"] = "ok"
    assert verdict_of(records, paired(margin=0.05)).verdict == "no practical difference"


def test_rounding_errors_do_not_count_as_spread() -> None:
    verdict = judged(*(0.1 + 0.2 - 0.2 + np.array([0, 1, 2, 3, 4, 5]) * 1e-17))
    assert verdict.p_value == 2 / 2**6
