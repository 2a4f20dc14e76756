"""The kinds of comparison other than a paired metric: solved or not, horizons, trends, time to a target."""

from __future__ import annotations

import numpy as np
import pytest

from harness.store.frame import to_frame
from harness.verdicts.judge import judge
from tests.verdicts.records import (
    NOISE,
    claim,
    evidence_of,
    paired,
    solving,
    timed,
    trials,
    verdict_of,
    why_not,
)


def test_proportions_of_solved_seeds() -> None:
    proportion = claim(kind="proportion", margin=0.2)
    verdict = verdict_of(solving(lambda cell, length, seed: cell == "gru"), proportion)
    assert (verdict.verdict, verdict.effect, verdict.unit) == ("supported", 100, "percentage points")
    assert verdict.p_value == 2 / 2**10
    assert verdict.ci_low is not None
    assert 50 < verdict.ci_low < 75
    some = verdict_of(solving(lambda cell, length, seed: cell == "gru" and seed < 3), proportion)
    assert some.verdict == "undecided"
    assert some.needed_seeds is not None
    several = verdict_of(solving(lambda cell, length, seed: cell == "gru", (10, 20, 30)), proportion)
    assert (several.verdict, several.n) == ("supported", 10)
    failing = solving(lambda cell, length, seed: True)
    for record in failing:
        if record["spec"]["cell"] == "lstm":
            record["status"] = "timeout"
    assert verdict_of(failing, proportion).verdict == "supported"


def test_a_claim_may_set_its_own_threshold() -> None:
    records = solving(lambda cell, length, seed: cell == "gru")
    assert verdict_of(records, claim(kind="proportion", margin=0.2, on="test_accuracy", threshold=0.1)).effect == 0


def test_a_horizon_is_the_longest_length_solved() -> None:
    reach = {"gru": 20, "lstm": 80}
    records = solving(lambda cell, length, seed: length <= reach[cell] * (1 + seed % 2), (10, 20, 40, 80, 160))
    verdict = verdict_of(records, claim(kind="horizon", better="lstm", than="gru", margin="25%"))
    assert (verdict.verdict, verdict.unit) == ("supported", "%")
    assert verdict.effect == pytest.approx(300)
    assert (verdict.pairs[0].better, verdict.pairs[0].than) == (80, 20)


@pytest.mark.parametrize("solved", [True, False])
def test_a_horizon_beyond_what_was_tested_is_undecided(solved: bool) -> None:
    records = solving(lambda cell, length, seed: solved, (10, 20, 40))
    verdict = verdict_of(records, claim(kind="horizon", margin="25%"))
    assert verdict.verdict == "undecided"
    assert not evidence_of(records, claim(kind="horizon", margin="25%")).informed


def test_a_trend_of_the_advantage() -> None:
    records = [
        record
        for size, advantage in ((100, 0.4), (200, 0.2), (400, 0.0))
        for record in trials(lambda seed, a=advantage, s=size: a + NOISE[seed + s], train_size=size)  # type: ignore[misc]
    ]
    shrinks = paired(kind="trend", along="train_size", advantage="shrinks")
    verdict = verdict_of(records, shrinks)
    assert (verdict.verdict, verdict.effect) == ("supported", pytest.approx(0.4, abs=0.02))
    grows = paired(kind="trend", along="train_size", advantage="grows")
    assert verdict_of(records, grows).verdict == "contradicted"
    flat = [record for size in (100, 200, 400) for record in trials(0.3, train_size=size)]
    assert verdict_of(flat, shrinks).verdict == "no practical difference"


def test_a_trend_follows_its_factor_though_the_updates_follow_too() -> None:
    records = [
        record
        for size, advantage in ((100, 0.4), (200, 0.2), (400, 0.0))
        for record in trials(advantage, train_size=size, updates=size, evaluate_every=size // 10)
    ]
    shrinks = paired(kind="trend", along="train_size", advantage="shrinks")
    verdict = verdict_of(records, shrinks)
    assert (verdict.verdict, verdict.n, verdict.by_condition) == ("supported", 8, ())
    two = [record for record in records if record["spec"]["train_size"] < 400]
    verdict = verdict_of(two, shrinks)
    assert (verdict.verdict, verdict.n) == ("undecided", 0), "a trend takes 3 or more values of train_size"
    assert "No two records form such a pair" in verdict.reason


def test_time_to_a_target_counts_misses_as_infinite() -> None:
    by_updates = claim(kind="time-to-target", target=2.0, margin="10%")
    records = timed(lambda cell, seed: 50 + 10 * (seed % 2) if cell == "gru" else 100 + 10 * (seed % 2))
    verdict = verdict_of(records, by_updates)
    assert (verdict.verdict, verdict.pairs[0].better, verdict.pairs[0].than) == ("supported", 50, 100)
    one_cell = timed(lambda cell, seed: 50 if cell == "gru" else None)
    missed = verdict_of(one_cell, by_updates)
    assert (missed.verdict, missed.effect) == ("supported", np.inf)
    assert evidence_of(one_cell, by_updates).sample.advantages.failed == 10
    neither = timed(lambda cell, seed: None)
    assert verdict_of(neither, by_updates).verdict == "undecided"
    assert evidence_of(neither, by_updates).sample.advantages.uninformative == 10
    of_baseline = claim(kind="time-to-target", target="unigram", margin="10%", by="seconds")
    assert verdict_of(records, of_baseline).verdict == "supported"
    assert "they have: unigram" in why_not(records, claim(kind="time-to-target", target="x", margin="10%"))


def test_without_curves_a_time_to_target_is_not_testable() -> None:
    records = timed(lambda cell, seed: 50)
    verdict = judge([claim(kind="time-to-target", target=2.0, margin="10%")], to_frame(records))[0]
    assert verdict.verdict == "not testable"
    assert (
        verdict.reason
        == "These records cannot measure the claim: time to target needs the learning curves, which are missing."
    )


def test_a_claim_without_a_target_uses_the_target_of_the_task() -> None:
    of_the_task = claim(kind="time-to-target", margin="10%")
    bigram = {"bigram": {"loss": 2.0}, "unigram": {"loss": 9.0}}
    records = timed(lambda cell, seed: 50 if cell == "gru" else 100)
    of_language = [{**record, "validation_baselines": bigram} for record in records]
    verdict = verdict_of(of_language, of_the_task)
    assert (verdict.verdict, verdict.pairs[0].better, verdict.pairs[0].than) == ("supported", 50, 100)
    assert "no baseline 'bigram'" in why_not(records, of_the_task)
    accurate = [
        {
            **record,
            "spec": {**record["spec"], "task": "recall"},
            "curve": [
                {**point, "validation": {"accuracy": 0.99 if point["validation_loss"] < 2 else 0.98}}
                for point in record["curve"]
            ],
        }
        for record in records
    ]
    of_recall = verdict_of(accurate, of_the_task)
    assert (of_recall.pairs[0].better, of_recall.pairs[0].than) == (50, 100)
    without = [{**record, "spec": {**record["spec"], "task": "recall"}} for record in records]
    assert "the learning curves of the task 'recall' lack 'accuracy'" in why_not(without, of_the_task)


def test_a_target_is_the_level_of_the_baseline_on_the_validation_split() -> None:
    """A network that gets 12 of 40 series right on the split on which the baseline gets 12 right has reached it."""
    records = timed(lambda cell, seed: 50 if cell == "gru" else 100)
    named = claim(kind="time-to-target", target="unigram", margin="10%")
    for record in records:
        record["validation_baselines"] = {"unigram": {"loss": 1.0}}
        record["baselines"] = {"unigram": {"loss": 0.5}}
    verdict = verdict_of(records, named)
    assert (verdict.verdict, verdict.pairs[0].better, verdict.pairs[0].than) == ("supported", 50, 100)


def test_targets_without_baselines_on_the_validation_split_are_not_testable() -> None:
    records = timed(lambda cell, seed: 50 if cell == "gru" else 100)
    for record in records:
        del record["validation_baselines"], record["validation_labels"], record["near_target"]
    of_baseline = claim(kind="time-to-target", target="unigram", margin="10%")
    assert verdict_of(records, of_baseline).verdict == "not testable"
    error = why_not(records, of_baseline)
    assert "records have the loss of the baseline 'unigram' on the test split only" in error
    assert "Re-run these trials, or give 'target' as a number" in error
    assert verdict_of(records, claim(kind="time-to-target", target=2.0, margin="10%")).verdict == "supported"


@pytest.mark.parametrize(("labels", "wanted"), [(13, 100), (99, 100), (100, None)])
def test_a_validation_split_too_small_to_resolve_the_target_is_refused(labels: int, wanted: int | None) -> None:
    """Accuracy 0.99: of 13 series 12 right would be a miss, and so would 98 of 99."""
    records = timed(lambda cell, seed: 50 if cell == "gru" else 100)
    for record in records:
        record["spec"]["task"], record["validation_labels"] = "recall", labels
        for point in record["curve"]:
            point["validation"]["accuracy"] = 1.0 if point["validation_loss"] < 2 else 0.5
    verdict = verdict_of(records, claim(kind="time-to-target", margin="10%"))
    if wanted is None:
        assert verdict.verdict == "supported"
    else:
        assert verdict.verdict == "not testable"
        words = f"the validation split has {labels} labels, too few to measure whether accuracy has reached 0.99"
        assert f"{words}; expected at least {wanted}" in why_not(records, claim(kind="time-to-target", margin="10%"))
    loss = verdict_of(records, claim(kind="time-to-target", target=2.0, margin="10%"))
    assert loss.verdict == ("not testable" if labels < 30 else "supported")


def test_a_trend_along_a_factor_that_may_be_zero_is_a_straight_line() -> None:
    records = [
        record
        for dropout, advantage in ((0.0, 0.1), (0.1, 0.3), (0.5, 1.1))
        for record in trials(lambda seed, a=advantage, d=dropout: a + NOISE[seed + int(10 * d)] / 10, dropout=dropout)  # type: ignore[misc]
    ]
    verdict = verdict_of(records, paired(kind="trend", along="dropout", advantage="grows"))
    assert (verdict.verdict, verdict.effect) == ("supported", pytest.approx(1.0, abs=0.01))


def test_failures_make_a_trend_infinitely_steep_unless_they_balance() -> None:
    sizes = (100, 200, 400)
    records = [record for size in sizes for record in trials(lambda seed: NOISE[seed], train_size=size)]
    failing = {0: (100, 400), 1: (400,), 2: (100,), 3: sizes}
    for record in records:
        spec = record["spec"]
        if spec["cell"] == "gru" and spec["train_size"] in failing.get(spec["seed"], ()):
            record["status"] = "diverged"
    verdict = verdict_of(records, paired(kind="trend", along="train_size", advantage="shrinks"))
    assert [pair.advantage for pair in verdict.pairs[:4]] == [0.0, np.inf, -np.inf, 0.0]
    assert abs(verdict.pairs[4].advantage) < 0.03
    shrinks = paired(kind="trend", along="train_size", advantage="shrinks")
    assert evidence_of(records, shrinks).sample.advantages.failed == 7


def test_a_failure_among_few_seeds_of_a_trend_counts_as_a_multiple_of_the_largest_difference() -> None:
    records = [record for size in (100, 200, 400) for record in trials(lambda seed, s=size: 60 / s, train_size=size)]  # type: ignore[misc]
    for record in records:
        if (record["spec"]["cell"], record["spec"]["seed"], record["spec"]["train_size"]) == ("gru", 0, 400):
            record["status"] = "diverged"
    sample = evidence_of(records, paired(kind="trend", along="train_size", advantage="shrinks")).sample
    assert (sample.estimate.n, sample.advantages.failed, sample.estimate.bounded) == (8, 1, True)
    assert np.isfinite([sample.estimate.effect, sample.estimate.low, sample.estimate.high]).all()


def test_the_threshold_itself_solves_the_task_for_both_directions() -> None:
    records = solving(lambda cell, length, seed: True)
    for record in records:
        record["spec"]["task"] = "language"
        record["test"] = {"loss": 0.5, "bits_per_character": 0.7, "accuracy": 0.99}
        if record["spec"]["cell"] == "lstm":
            record["test"] = {"loss": 0.5001, "bits_per_character": 0.7001, "accuracy": 0.9899}
    for on, threshold in (("test_loss", 0.5), ("test_bits_per_character", 0.7), ("test_accuracy", 0.99)):
        verdict = verdict_of(records, claim(kind="proportion", margin=0.2, on=on, threshold=threshold))
        assert (verdict.effect, verdict.pairs[0].better, verdict.pairs[0].than) == (100, 1, 0)
    unmeasured = claim(kind="proportion", margin=0.2, on="test_f1", threshold=0.5)
    assert "no trial measured 'test_f1'" in why_not(records, unmeasured)


def test_a_task_without_a_threshold_or_a_target_is_not_testable_and_names_the_missing_keys() -> None:
    records = timed(lambda cell, seed: 50)
    solved = why_not(records, claim(kind="proportion", margin=0.2))
    assert solved == "the task 'language' has no threshold from which it is solved; give 'on' and 'threshold'"
    for record in records:
        record["spec"]["task"] = "tests.verdicts.test_target_times:without_target"
    timing = claim(kind="time-to-target", margin="10%")
    assert verdict_of(records, timing).verdict == "not testable"
    assert "without_target' declares no target; give 'target'" in why_not(records, timing)


def test_a_trend_has_the_baselines_of_all_its_levels() -> None:
    records = [
        record
        for size in (100, 200, 400)
        for record in trials(0.2, train_size=size, baselines={"unigram": {"loss": 2.0}})
    ]
    (both,) = evidence_of(records, paired(kind="trend", along="train_size", advantage="shrinks")).baselines
    assert [(cell.cell, cell.baseline, cell.beats) for cell in both] == [
        ("gru", "unigram", False),
        ("lstm", "unigram", False),
    ]
    assert [cell.mean for cell in both] == pytest.approx([2.15, 2.35], abs=0.01)


def test_a_trend_of_one_seed_over_three_levels_is_undecided() -> None:
    records = [r for size in (100, 200, 400) for r in trials(10 / size, seeds=1, train_size=size)]
    verdict = verdict_of(records, paired(kind="trend", along="train_size", advantage="shrinks"))
    assert (verdict.verdict, verdict.n) == ("undecided", 1)
