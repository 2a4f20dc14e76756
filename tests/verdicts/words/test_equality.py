"""What an undecided verdict says is missing for equality, and that it is what is missing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.runner.open_claims import is_open
from tests.verdicts.records import NOISE, Record, claim, evidence_of, paired, solving, timed, trials, verdict_of

SOLVED = claim(kind="proportion", margin=0.2)


def accurate(seeds: int, task: str = "recall") -> list[Record]:
    records = solving(lambda cell, length, seed: True, seeds=seeds)
    for index, record in enumerate(records):
        record["spec"]["task"] = task
        record["test"] = {"loss": 1 + NOISE[index], "accuracy": 0.99 + NOISE[index] / 10}
    return records


def test_five_of_five_solved_say_what_may_be_unseen_and_how_many_seeds_would_do() -> None:
    verdict = verdict_of(solving(lambda cell, length, seed: True, seeds=5), SOLVED)
    assert verdict.verdict == "undecided"
    assert evidence_of(solving(lambda cell, length, seed: True, seeds=5), SOLVED).missing == (
        "5 seeds that agree leave another outcome possible in up to 45 % of the seeds; 'no practical difference' takes"
        " at least 14 seeds that agree, or a margin above 45.1 percentage points."
    )
    hardly = evidence_of(
        solving(lambda cell, length, seed: True, seeds=5), claim(kind="proportion", margin=0.01)
    ).missing
    assert "takes more than 100 seeds that agree, or" in hardly
    assert verdict_of(solving(lambda cell, length, seed: True, seeds=13), SOLVED).verdict == "undecided"
    assert verdict_of(solving(lambda cell, length, seed: True, seeds=14), SOLVED).verdict == "no practical difference"


def test_seeds_are_added_where_those_that_there_are_agree_but_not_where_none_says_anything() -> None:
    agree = verdict_of(solving(lambda cell, length, seed: True, seeds=5), SOLVED)
    assert is_open(agree), "14 seeds that agree would decide it"
    assert not is_open(verdict_of(solving(lambda cell, length, seed: True, seeds=14), SOLVED))
    crashed = [{**record, "status": "crashed"} for record in solving(lambda cell, length, seed: True, seeds=5)]
    assert not is_open(verdict_of(crashed, SOLVED))


def test_an_accuracy_says_how_many_seeds_would_do() -> None:
    close = paired(on="test_accuracy", margin=0.05)
    verdict = verdict_of(accurate(20), close)
    assert verdict.verdict == "undecided"
    missing = evidence_of(accurate(20), close).missing
    assert "in up to 14 % of the seeds" in missing
    assert "at least 63 seeds that agree, or a margin above 0.15" in missing
    assert verdict_of(accurate(62), close).verdict == "undecided"
    assert verdict_of(accurate(64), close).verdict == "no practical difference"
    wide = verdict_of(accurate(20), paired(on="test_accuracy", margin=0.16))
    assert wide.verdict == "no practical difference"


def test_a_loss_of_a_task_that_is_solved_or_not_has_no_bounds() -> None:
    verdict = verdict_of(accurate(40), paired(on="test_loss", margin=0.5))
    assert verdict.verdict == "undecided"
    assert evidence_of(accurate(40), paired(on="test_loss", margin=0.5)).missing.startswith("The task is solved or not")
    assert evidence_of(accurate(40), paired(on="test_accuracy", margin="5%")).missing.startswith("A ratio")
    assert verdict_of(accurate(40), paired(on="seconds_per_update", margin="5%")).verdict == "undecided", (
        "all are equal"
    )
    for index, record in enumerate(records := accurate(40)):
        record["seconds_per_update"] = 0.01 * np.exp(NOISE[index])
    assert verdict_of(records, paired(on="seconds_per_update", margin="5%")).verdict == "no practical difference"
    graded = verdict_of(accurate(40, task="language"), paired(on="test_loss", margin=0.5))
    assert graded.verdict == "no practical difference"


def test_graded_differences_say_how_many_seeds_would_do_at_their_spread() -> None:
    verdict = verdict_of(trials(lambda seed: 0.02 * (-1) ** seed, seeds=6), paired(margin=0.025))
    assert verdict.verdict == "undecided"
    missing = evidence_of(trials(lambda seed: 0.02 * (-1) ** seed, seeds=6), paired(margin=0.025)).missing
    assert missing == "At this mean and spread, 'no practical difference' takes about 10 seeds."
    wide = evidence_of(trials(lambda seed: 0.02 * (-1) ** seed, seeds=6), paired(margin=0.001)).missing
    assert wide == "At this mean and spread, 'no practical difference' takes more than 100 seeds, or a wider margin."
    equal = evidence_of([{**record, "test": {"loss": 2.0}} for record in trials(0.0, seeds=6)], paired())
    assert equal.missing.endswith("takes at least 59 seeds that agree.")


def test_times_to_a_target_say_how_many_seeds_without_a_miss_would_do() -> None:
    by_updates = claim(kind="time-to-target", target=2.0, margin="25%")
    for n, word in ((13, "undecided"), (60, "no practical difference")):
        verdict = verdict_of(
            timed(lambda cell, seed: 100 + 10 * (seed % 3 == 0) * (cell == "gru"), seeds=n), by_updates
        )
        assert verdict.verdict == word, verdict.reason
    missing = evidence_of(timed(lambda cell, seed: 100, seeds=10), by_updates).missing
    assert missing == (
        "10 seeds leave misses of one cell possible in up to 26 % of the seeds; 'no practical difference' takes at"
        " least 14 seeds, or a margin above 34.9 %."
    )


def test_after_a_miss_the_seeds_advised_are_enough_with_every_larger_number() -> None:
    """21 seeds with a miss: 47 with two misses would do, but 57 with three would not."""
    missed = timed(lambda cell, seed: None if (cell, seed) == ("gru", 0) else 100, seeds=21)
    missing = evidence_of(missed, claim(kind="time-to-target", target=2.0, margin="15%")).missing
    assert "takes at least 58 seeds, or" in missing


def test_after_a_failure_no_seed_more_is_promised_to_decide() -> None:
    records = trials(0.0, seeds=12)
    records[0]["status"] = "diverged"
    verdict = verdict_of(records, paired())
    assert (verdict.verdict, verdict.needed_seeds) == ("undecided", None)
    known = evidence_of(records, paired())
    assert known.missing == "One cell alone failed in 8 % of the pairs; 'no practical difference' allows 5 %."
    assert known.seeds_for_power is None, "power against graded differences says nothing of failures"


def test_power_is_no_argument_where_few_seeds_agree_or_nothing_was_compared() -> None:
    """Neither five accuracies that agree nor forty crashes in each cell make a difference "probably smaller"."""
    crashed = [{**record, "status": "crashed"} for record in solving(lambda cell, length, seed: True, seeds=40)]
    for records, judged in (
        (accurate(5), paired(on="test_accuracy", margin=0.05)),
        (crashed, SOLVED),
        (trials(lambda seed: 0.1 + 0.04 * NOISE[seed], seeds=5), paired(margin=0.099)),
    ):
        assert evidence_of(records, judged).seeds_for_power is None


@pytest.mark.parametrize("margin", [0.001, 0.0001])
def test_where_the_difference_exceeds_the_margin_nothing_is_said_of_equality(margin: float) -> None:
    known = evidence_of(trials(lambda seed: 0.3 * (-1) ** seed + 0.1, seeds=6), paired(margin=margin))
    assert (known.word, known.missing) == ("undecided", "")


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(["graded", "accuracy", "solved", "time"]),
    st.floats(0.0001, 0.4),
    st.floats(0, 2),
    st.integers(5, 20),
)
def test_no_more_than_a_hundred_seeds_are_ever_advised(what: str, margin: float, spread: float, seeds: int) -> None:
    records, judged = {
        "graded": (trials(lambda seed: 100 * spread * NOISE[seed], seeds=seeds), paired(margin=margin)),
        "accuracy": (accurate(seeds), paired(on="test_accuracy", margin=margin)),
        "solved": (
            solving(lambda cell, length, seed: seed % 3 != (cell == "gru"), seeds=seeds),
            claim(kind="proportion", margin=margin),
        ),
        "time": (
            timed(lambda cell, seed: 100 + 10 * (seed % 3 == 0) * (cell == "gru"), seeds=seeds),
            claim(kind="time-to-target", target=2.0, margin=f"{100 * margin}%"),
        ),
    }[what]
    verdict = verdict_of(records, judged)
    advised = [int(number.replace(",", "")) for number in re.findall(r"(\d[\d,]*) seeds", verdict.reason)]
    assert max(advised) <= 100, verdict.reason
    assert (verdict.needed_seeds or 0) <= 100


def test_where_more_than_a_hundred_seeds_would_be_needed_none_are_advised() -> None:
    scattered = trials(lambda seed: 100 * NOISE[seed], seeds=8)
    mixed = solving(lambda cell, length, seed: seed % 3 != (cell == "gru"))
    for records, judged in ((scattered, paired(margin=0.001)), (mixed, claim(kind="proportion", margin=0.01))):
        known = evidence_of(records, judged)
        assert (known.seeds_for_power, known.needed_seeds) == (101, None)
        assert verdict_of(records, judged).needed_seeds is None


def test_a_claim_on_time_asks_for_a_quiet_machine_and_never_for_seeds() -> None:
    records = trials(0.0, seeds=8)
    for index, record in enumerate(records):
        record["seconds_per_update"] = 0.01 * np.exp(30 * NOISE[index])
    verdict = verdict_of(records, paired(on="seconds_per_update", margin="5%"))
    assert (verdict.verdict, verdict.needed_seeds) == ("undecided", None)
    known = evidence_of(records, paired(on="seconds_per_update", margin="5%"))
    assert known.noise_of_times
    assert (known.missing, known.seeds_for_power) == ("", None)
