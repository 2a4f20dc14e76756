"""Claims with several conditions: a verdict for each, and a pooled one that does not hide differences between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.verdicts.stats import holm
from tests.verdicts.records import NOISE, compared, evidence_of, paired, trials, verdict_of


def test_further_factors_are_conditions() -> None:
    records = [
        record
        for bias, advantage in ((None, 0.2), (1.0, -0.2))
        for record in trials(advantage, forget_bias=bias, reset_after=bias is None)
    ]
    words = {part.conditions["forget_bias"]: part.verdict for part in verdict_of(records, paired()).by_condition}
    assert words == {"": "supported", "1.0": "contradicted"}
    assert verdict_of(records, paired(where={"forget_bias": 1})).verdict == "contradicted"
    assert verdict_of(records, paired(where={"reset_after": True})).verdict == "supported"


def test_conditions_that_are_decided_differently_give_depends() -> None:
    records = [
        record
        for length, advantage in ((10, 0.3), (20, 0.3), (30, -0.2), (40, 0.0))
        for record in trials(advantage, sequence_length=length)
    ]
    verdict = verdict_of(records, paired())
    assert verdict.verdict == "depends"
    assert verdict.needed_seeds is None
    assert compared(records, paired()).relation == "depends"
    words = {condition.conditions["sequence_length"]: condition.verdict for condition in verdict.by_condition}
    assert words == {10: "supported", 20: "supported", 30: "contradicted", 40: "no practical difference"}


def test_conditions_that_cancel_out_give_depends() -> None:
    for advantages in ((0.3, -0.3), (0.3, -0.3, 0.3, -0.24)):
        lengths = (10, 20, 30, 40)
        records = [
            record
            for length, advantage in zip(lengths, advantages, strict=False)
            for record in trials(advantage, sequence_length=length)
        ]
        verdict = verdict_of(records, paired())
        assert verdict.verdict == "depends"
        assert [part.verdict for part in verdict.by_condition][:2] == ["supported", "contradicted"]


def test_pooled_equality_does_not_hide_a_large_difference_in_a_condition() -> None:
    records = [
        record
        for length, scale in ((10, 0.0), (20, 0.0), (30, 0.0), (40, 1.0))
        for record in trials(lambda seed, s=scale: s * (0.07 + 0.06 * (-1) ** seed), sequence_length=length)  # type: ignore[misc]
    ]
    verdict = verdict_of(records, paired())
    assert verdict.verdict == "undecided"
    assert compared(records, paired()).relation == "larger in a condition"


def test_conditions_that_agree_are_pooled_by_seed() -> None:
    records = [record for length in (10, 20, 30) for record in trials(0.2, sequence_length=length)]
    verdict = verdict_of(records, paired())
    assert (verdict.verdict, verdict.n) == ("supported", 8)
    assert compared(records, paired()).relation == "pooled"
    assert [part.verdict for part in verdict.by_condition] == ["supported"] * 3
    assert verdict.conditions["sequence_length"] == [10, 20, 30]


def test_only_seeds_of_every_condition_are_pooled() -> None:
    records = trials(0.2, sequence_length=10) + trials(0.2, seeds=6, sequence_length=20)
    pool = evidence_of(records, paired()).sample
    assert (pool.estimate.n, pool.advantages.seeds_left_out) == (6, True)
    assert verdict_of(records, paired()).n == 6


def test_a_single_condition_hardly_moves_the_interquartile_mean() -> None:
    advantages = {10: 0.1, 20: 0.1, 30: 0.1, 40: 5.0}
    records = [record for length, size in advantages.items() for record in trials(size, sequence_length=length)]
    verdict = verdict_of(records, paired())
    assert verdict.effect == pytest.approx(1.325, abs=0.01)
    assert verdict.interquartile_mean == pytest.approx(0.1, abs=0.01)
    assert verdict.interquartile_low is not None
    assert verdict.interquartile_high is not None
    assert verdict.interquartile_low < verdict.interquartile_mean < verdict.interquartile_high
    assert verdict_of(trials(0.1), paired()).interquartile_mean is None
    for record in records:
        if record["spec"]["cell"] == "lstm" and record["spec"]["sequence_length"] == 40:
            record["status"] = "diverged"
    assert verdict_of(records, paired()).interquartile_mean == pytest.approx(0.1, abs=0.01)


def test_opposite_times_by_backend_give_depends() -> None:
    records = []
    for backend, ratio in (("fused", 1 / 1.2), ("keras", 1.2)):
        of_backend = trials(0.0, backend=backend)
        for index, record in enumerate(of_backend):
            cell = ratio if record["spec"]["cell"] == "gru" else 1.0
            record["seconds_per_update"] = 0.01 * cell * np.exp(NOISE[index])
        records += of_backend
    verdict = verdict_of(records, paired(on="seconds_per_update", margin="5%"))
    assert verdict.verdict == "depends"
    words = {part.conditions["backend"]: part.verdict for part in verdict.by_condition}
    assert words == {"fused": "supported", "keras": "contradicted"}


def test_a_single_condition_decided_differently_leaves_the_claim_undecided() -> None:
    """And open: more seeds may decide the other conditions too."""
    records = [
        record
        for length, advantage in ((10, 0.4), (20, lambda seed: 0.4 * (-1) ** seed + 0.2), (30, -0.2))
        for record in trials(advantage, sequence_length=length)
    ]
    verdict = verdict_of(records, paired())
    assert {part.verdict for part in verdict.by_condition} == {"supported", "undecided", "contradicted"}
    assert verdict.verdict == "depends"
    records = [record for record in records if record["spec"]["sequence_length"] != 10]
    verdict = verdict_of(records, paired())
    assert {part.verdict for part in verdict.by_condition} == {"undecided", "contradicted"}
    assert verdict.verdict in ("undecided", "contradicted")


WORDS = {"supported": "contradicted", "contradicted": "supported"}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([-0.3, 0.0, 0.05, 0.3]), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_swapping_the_cells_reverses_the_verdict_for_any_order_of_records(advantages: list[float], random: Any) -> None:
    records = [
        record
        for place, advantage in enumerate(advantages)
        for record in trials(advantage, seeds=6, sequence_length=10 * (place + 1))
    ]
    verdict = verdict_of(records, paired())
    assert WORDS.get(verdict.verdict, verdict.verdict) == verdict_of(records, paired(better="lstm", than="gru")).verdict
    random.shuffle(records)
    assert verdict_of(records, paired()).verdict == verdict.verdict
    decided = {part.verdict for part in verdict.by_condition} - {"undecided"}
    assert (verdict.verdict == "depends") == (len(decided) > 1)


def test_conditions_are_corrected_with_the_claims_as_one_family() -> None:
    """One claim of ten conditions leaves less for the others than ten claims would: half of one of eleven."""
    p = 0.004
    alone = holm([p] + [1.0] * 10)
    weighted = holm([p] + [1.0] * 10, [0.5] + [0.05] * 10)
    assert alone[0] == pytest.approx(11 * p)
    assert weighted[0] == pytest.approx(2 * p)
    assert holm([p, 1.0], [0.05, 0.95])[0] == pytest.approx(20 * p)
    shuffled = holm([1.0, p], [0.95, 0.05])
    assert shuffled.tolist() == holm([p, 1.0], [0.05, 0.95])[::-1].tolist()
