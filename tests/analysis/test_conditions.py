"""A claim in several conditions: a verdict for each, and one over all that averages nothing away."""

from __future__ import annotations

import pytest

from tests.analysis.records import paired, trials, verdict


def test_further_factors_are_conditions() -> None:
    records = [
        record
        for bias, advantage in ((None, 0.2), (1.0, -0.2))
        for record in trials(advantage, forget_bias=bias, reset_after=bias is None)
    ]
    words = {part.conditions["forget_bias"]: part.verdict for part in verdict(records, paired()).by_condition}
    assert words == {"": "supported", "1.0": "contradicted"}
    assert verdict(records, paired(where={"forget_bias": 1})).verdict == "contradicted"
    assert verdict(records, paired(where={"reset_after": True})).verdict == "supported"


def test_conditions_that_disagree_are_told_and_not_averaged() -> None:
    records = [
        record
        for length, advantage in ((10, 0.3), (20, 0.3), (30, -0.2), (40, 0.0))
        for record in trials(advantage, sequence_length=length)
    ]
    found = verdict(records, paired())
    assert found.verdict == "undecided"
    assert found.says == "mixed: supported in 2 of 4 conditions, contradicted in 1, no practical difference in 1"
    assert found.reason.startswith(found.says.replace("mixed", "Mixed"))
    assert found.needed_seeds is None
    words = {condition.conditions["sequence_length"]: condition.verdict for condition in found.by_condition}
    assert words == {10: "supported", 20: "supported", 30: "contradicted", 40: "no practical difference"}


def test_conditions_that_cancel_out_are_mixed_too() -> None:
    for advantages in ((0.3, -0.3), (0.3, -0.3, 0.3, -0.24)):
        lengths = (10, 20, 30, 40)
        records = [
            record
            for length, advantage in zip(lengths, advantages, strict=False)
            for record in trials(advantage, sequence_length=length)
        ]
        found = verdict(records, paired())
        assert found.verdict == "undecided"
        assert found.reason.startswith("Mixed: supported in")


def test_equality_over_all_does_not_hide_a_large_difference_somewhere() -> None:
    records = [
        record
        for length, scale in ((10, 0.0), (20, 0.0), (30, 0.0), (40, 1.0))
        for record in trials(lambda seed, s=scale: s * (0.07 + 0.06 * (-1) ** seed), sequence_length=length)  # type: ignore[misc]
    ]
    found = verdict(records, paired())
    assert found.verdict == "undecided"
    assert "In some condition the difference seen is larger than that." in found.reason


def test_conditions_that_agree_are_pooled_by_seed() -> None:
    records = [record for length in (10, 20, 30) for record in trials(0.2, sequence_length=length)]
    found = verdict(records, paired())
    assert (found.verdict, found.says, found.n) == ("supported", "supported", 8)
    assert found.reason.startswith("Supported in 3 of 3 conditions; over all")
    assert found.conditions["sequence_length"] == [10, 20, 30]


def test_only_seeds_of_every_condition_are_pooled() -> None:
    records = trials(0.2, sequence_length=10) + trials(0.2, seeds=6, sequence_length=20)
    found = verdict(records, paired())
    assert found.n == 6
    assert "only seeds that every condition has count" in found.reason


def test_a_single_condition_hardly_moves_the_interquartile_mean() -> None:
    advantages = {10: 0.1, 20: 0.1, 30: 0.1, 40: 5.0}
    records = [record for length, size in advantages.items() for record in trials(size, sequence_length=length)]
    found = verdict(records, paired())
    assert found.effect == pytest.approx(1.325, abs=0.01)
    assert found.interquartile_mean == pytest.approx(0.1, abs=0.01)
    assert found.interquartile_low is not None
    assert found.interquartile_high is not None
    assert found.interquartile_low < found.interquartile_mean < found.interquartile_high
    assert verdict(trials(0.1), paired()).interquartile_mean is None
    for record in records:
        if record["spec"]["cell"] == "lstm" and record["spec"]["sequence_length"] == 40:
            record["status"] = "diverged"
    assert verdict(records, paired()).interquartile_mean == pytest.approx(0.1, abs=0.01)
