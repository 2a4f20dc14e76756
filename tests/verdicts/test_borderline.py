"""Samples at the edge of what statistics are made for: each row of the table in docs/method.md."""

from __future__ import annotations

import numpy as np
import pytest

from harness.verdicts.verdict import Verdict
from tests.verdicts.records import Record, evidence, paired, trials, verdict

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
    return verdict(exactly(*advantages, failed=failed), paired(margin=0.05))


def test_one_pair_is_shown_and_decides_nothing() -> None:
    found = judged(0.5)
    assert (found.verdict, found.effect, found.ci_low, found.ci_high) == ("undecided", 0.5, -INF, INF)
    assert found.p_value == 1


def test_equal_differences_count_as_equal_signs() -> None:
    for n, word in ((5, "undecided"), (6, "supported")):
        found = judged(*[0.5] * n)
        assert (found.verdict, found.effect, found.ci_low, found.ci_high) == (word, 0.5, 0.5, 0.5)
        assert found.p_value == 2 / 2**n


def test_no_difference_at_all_is_no_practical_difference_from_59_pairs_on() -> None:
    for n, word in ((4, "undecided"), (5, "undecided"), (58, "undecided"), (59, "no practical difference")):
        found = judged(*[0.0] * n)
        assert (found.verdict, found.effect, found.ci_low, found.ci_high, found.p_value) == (word, 0, 0, 0, 1)


def test_ties_are_no_evidence_of_a_direction() -> None:
    found = judged(0.4, 0.4, 0.4, 0.4, 0.0, 0.0, 0.0, 0.0)
    assert found.verdict == "undecided"
    assert found.ci_low is not None
    assert found.ci_low > 0, "by Student's t alone it would be decided"
    assert found.p_value == 2 / 2**4
    assert judged(0.4, 0.4, 0.4, 0.4, 0.4, 0.0, 0.0, 0.0).verdict == "supported"


@pytest.mark.parametrize("n", [5, 6, 12])
def test_a_cell_that_always_fails_alone_loses_from_six_pairs_on(n: int) -> None:
    found = judged(*[0.0] * n, failed="lstm")
    assert found.verdict == ("supported" if n > 5 else "undecided")
    assert (found.effect, found.p_value) == (INF, 2 / 2**n if n <= 10 else pytest.approx(2 / 2**n))
    assert found.ci_high == INF


def test_where_both_cells_always_fail_there_is_nothing_to_compare() -> None:
    found = judged(*[0.5] * 8, failed="gru lstm")
    assert (found.verdict, found.effect, found.ci_low, found.ci_high) == ("undecided", None, None, None)
    assert found.p_value == 1
    of_pairs = evidence(exactly(*[0.5] * 8, failed="gru lstm"), paired(margin=0.05))
    assert not of_pairs.informed
    advantages = of_pairs.sample.advantages
    assert (advantages.failed, advantages.uninformative, advantages.lopsided) == (16, 8, 0)


def test_where_both_fail_half_of_the_time_equality_is_not_established() -> None:
    records = exactly(*[0.001 * seed for seed in range(8)])
    for record in records:
        if record["spec"]["seed"] < 4:
            record["status"] = "timeout"
    assert verdict(records, paired(margin=0.05)).verdict == "undecided"
    assert verdict(records[8:], paired(margin=0.05)).n == 4
    for record in records[:2]:
        record["status"] = "ok"
    assert verdict(records, paired(margin=0.05)).verdict == "no practical difference"


def test_rounding_is_no_spread() -> None:
    found = judged(*(0.1 + 0.2 - 0.2 + np.array([0, 1, 2, 3, 4, 5]) * 1e-17))
    assert found.p_value == 2 / 2**6
