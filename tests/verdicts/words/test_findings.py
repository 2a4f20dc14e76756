"""The sentences on what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.spec.claims import Comparison
from harness.verdicts.advantages import Scale
from harness.verdicts.baselines import AgainstBaseline
from harness.verdicts.lean import Lean
from harness.verdicts.outcomes import OutcomeColumn, SecondsFrom, ToTarget
from harness.verdicts.verdict import VerdictWord
from harness.verdicts.words.findings import (
    beaten,
    capital,
    finding,
    lean_in_words,
    not_beaten,
    outcome_title,
    why,
)
from harness.words import number, quantity
from tests.verdicts.records import paired
from tests.verdicts.words.samples import HORIZON, INF, PLAIN, RATIO, SHARE, SOLVED, TIME, TREND, evidence


def said(of: Comparison, *figures: Any, **further: Any) -> str:
    return finding(evidence(of, *figures, **further))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.12345, "0.123"),
        (999.4, "999"),
        (999.7, "1,000"),
        (1000, "1,000"),
        (-1234567.0, "−1,234,567"),
        (INF, "∞"),
        (-INF, "−∞"),
        (0.0, "0"),
    ],
)
def test_a_number_has_three_digits(value: float, words: str) -> None:
    assert number(value) == words
    assert (quantity(value, "s"), quantity(value, "")) == (f"{words} s", words)


def test_a_capital_leaves_the_other_letters_alone() -> None:
    assert (capital("time of an LSTM"), capital("")) == ("Time of an LSTM", "")


def test_a_finding_states_what_was_compared_and_the_result() -> None:
    assert said(paired(), 0.2, 0.1, 0.3) == (
        "GRU against LSTM, test loss, 8 seeds: better, +0.2 (95 % interval [0.1, 0.3])."
    )
    assert said(paired(), -np.log(2), -1.0, 0.0, RATIO) == (
        "GRU against LSTM, test loss, 8 seeds: worse, −2 times (95 % interval [−2.7 times, 0 %])."
    )
    assert said(paired(), -0.2, -0.3, -0.1) == (
        "GRU against LSTM, test loss, 8 seeds: worse, −0.2 (95 % interval [−0.3, −0.1])."
    )
    assert said(paired(), 0.0, 0.0, 0.0) == (
        "GRU against LSTM, test loss, 8 seeds: no difference, 0 (95 % interval [0, 0])."
    )
    assert said(TREND, 0.2, 0.1, 0.3) == (
        "Change of the advantage of GRU against LSTM, test loss, along train size, 8 seeds: it grows, +0.2"
        " (95 % interval [0.1, 0.3])."
    )
    assert "it shrinks, −2 times (95 % interval [−2.7 times, 0 %])" in said(TREND, -np.log(2), -1.0, 0.0, RATIO)
    shrinks = paired(kind="trend", along="train_size", advantage="shrinks")
    assert "it shrinks, −0.2 (" in said(TREND, -0.2, -0.3, -0.1)
    assert "it shrinks, +0.2 (" in said(shrinks, 0.2, 0.1, 0.3)
    assert "it grows, −0.2 (" in said(shrinks, -0.2, -0.3, -0.1)
    assert said(HORIZON, np.log(2), 0.0, INF, RATIO) == (
        "GRU against LSTM, largest sequence length solved, 8 seeds: better, +2 times (95 % interval [0 %, ∞])."
    )
    assert ": more seeds solve it, +30 percentage points (95 % interval [10, 50])." in said(
        SOLVED, 0.3, 0.1, 0.5, SHARE
    )
    assert ": fewer seeds solve it, −30 percentage points (" in said(SOLVED, -0.3, -0.5, -0.1, SHARE)


def test_a_finding_without_an_interval_and_with_failures() -> None:
    assert said(paired(), 0.2, -INF, INF, n=1) == "GRU against LSTM, test loss, 1 seed: better, +0.2."
    assert said(paired(), 0.2, -INF, INF, n=2) == (
        "GRU against LSTM, test loss, 2 seeds: better, +0.2 (95 % interval [−∞, ∞])."
    )
    assert said(paired(), 0.0, 0.0, 0.0, n=2, failed=4, blank=2) == (
        "GRU against LSTM, test loss, 2 seeds: nothing to compare."
        " 4 trials failed: a pair in which both failed counts as a tie."
    )
    assert said(TIME, INF, 0.1, INF, RATIO, failed=1, alone=1) == (
        "GRU against LSTM, test loss, 8 seeds: in at least half of the seeds only GRU succeeded, +∞ (95 % interval"
        " [10.5, ∞]). 1 trial missed the target: a pair in which one cell missed the target counts as an infinite"
        " difference."
    )
    assert ": in at least half of the seeds only LSTM succeeded, −∞ (95 % interval [−∞, −10.5])." in said(
        TIME, -INF, -INF, -0.1, RATIO
    )


def test_how_failures_count_is_stated_as_effect_and_interval_count_them() -> None:
    assert said(paired(), 0.2, 0.1, 0.3, failed=1, alone=1, bounded=True).endswith(
        " 1 trial failed: a pair in which one cell failed counts as 1.5 times the largest observed difference."
    )
    assert said(paired(), 0.2, 0.1, 0.3, RATIO, failed=3, alone=1, pooled_bounded=True).endswith(
        " 3 trials failed: a pair in which one cell failed counts as the largest observed ratio to the power of 1.5,"
        " a pair in which both failed as a tie."
    )
    assert said(SOLVED, 0.3, 0.1, 0.5, SHARE, failed=2, alone=2).endswith(" 2 trials failed and count as not solved.")
    assert said(HORIZON, 0.3, 0.1, 0.5, RATIO, failed=1).endswith(" 1 trial failed and counts as not solved.")
    assert "it grows without bound because of failures in at least half of the seeds, +∞" in said(TREND, INF, 0.1, INF)
    assert "it shrinks without bound because of failures" in said(TREND, -INF, -INF, 0.1)


def reason(word: VerdictWord, low: float = 0.1, high: float = 0.3, scale: Scale = PLAIN, **further: Any) -> str:
    return why(evidence(paired(), 0.2, low, high, scale, word=word, **further))


def test_every_verdict_has_its_reason() -> None:
    assert reason("supported") == "The direction is clear (p = 0.01)."
    assert reason("contradicted", -0.3, -0.1, p=0.0009) == "The direction is clear (p < 0.001)."
    assert reason("supported", 0.05, p=0.001) == "The direction is clear (p = 0.001)."
    small = "The direction is clear (p = 0.01); the difference may be smaller than the margin, 0.05."
    assert reason("supported", 0.04) == reason("contradicted", -0.3, -0.04) == small
    assert reason("no practical difference", scale=RATIO) == ("A difference as large as the margin, 5 %, is ruled out.")
    assert reason("undecided", n=4) == "A decision requires at least 5 seeds."
    assert reason("undecided", n=5, blank=3) == (
        "In 3 of 5 seeds both cells failed, which does not show a difference either way."
    )
    assert reason("undecided", n=8, blank=4).startswith("In 4 of 8 seeds")
    unclear = "The test rejects equality (p = 0.05), but the 95 % interval includes zero."
    assert reason("undecided", n=5, blank=2, p=0.05) == unclear
    assert reason("undecided", p=0.051) == ("Neither a difference (p = 0.051) nor equality within 0.05 is established.")


def test_an_uninformative_tie_is_described_for_each_kind_of_claim() -> None:
    for of, tie in (
        (HORIZON, "both cells solve every tested value, or none"),
        (TIME, "both missed the target"),
        *((of, "both cells failed") for of in (paired(), SOLVED, TREND)),
    ):
        assert why(evidence(of, blank=8)) == f"In 8 of 8 seeds {tie}, which does not show a difference either way."


def test_a_lean_is_stated_in_percent() -> None:
    assert lean_in_words(Lean(0.5, 0.004, 0.496), "0.05") == (
        "Probability of a difference beyond 0.05 in favour of the claim: 50 %; within 0.05: < 1 %;"
        " beyond 0.05 against it: 50 %."
    )
    assert lean_in_words(Lean(0.999, 0.0, 0.001), "5 %") == (
        "Probability of a difference beyond 5 % in favour of the claim: > 99 %; within 5 %: 0 %;"
        " beyond 5 % against it: < 1 %."
    )


@pytest.mark.parametrize(
    ("seconds_from", "how"),
    [
        ("shared machine", "of trials that share the machine"),
        ("medians", "by the speed lane's seconds per update (medians)"),
        ("ratios within rounds", "by the speed lane's seconds per update (ratios within rounds)"),
        (
            "ratios within rounds of common blocks, else medians",
            "by the speed lane's seconds per update (ratios within rounds of common timing blocks, else medians)",
        ),
    ],
)
def test_a_time_to_target_is_named_by_its_target_and_its_seconds(seconds_from: SecondsFrom, how: str) -> None:
    def title(to_target: ToTarget) -> str:
        return outcome_title(OutcomeColumn("time_to_target", "time to target", "s", True, to_target=to_target))

    assert title(ToTarget("updates", (("loss", 2.0),))) == "updates to a validation loss of 2"
    assert title(ToTarget("updates", (("bits_per_character", "unigram"),))) == (
        "updates to the validation bits per character of unigram"
    )
    assert title(ToTarget("updates", (("loss", 2.0), ("loss", 1.0)))) == "updates to the tasks' targets"
    assert title(ToTarget("seconds", (("loss", 2.0),), seconds_from)) == f"seconds to a validation loss of 2, {how}"


def test_a_measure_is_named_as_in_the_middle_of_a_sentence() -> None:
    for column, title, name in (
        ("test_loss", "Loss", "test loss"),
        ("test_f1", "F1", "test F1"),
        ("test_mse", "MSE", "test MSE"),
        ("test_loss", "test loss", "test loss"),
        ("seconds_per_update", "seconds per update", "seconds per update"),
    ):
        assert outcome_title(OutcomeColumn(column, title, "", True)) == name


def test_a_baseline_that_is_not_beaten_is_stated_with_figures_or_counts() -> None:
    gru = AgainstBaseline("gru", "unigram", 2.5, 2.0, beats=False)
    lstm = AgainstBaseline("lstm", "bigram", 1234.0, 1000.0, beats=False)
    assert not_beaten([[gru, lstm]]) == (
        "GRU does not beat the baseline 'unigram' (2.50 against 2). "
        "LSTM does not beat the baseline 'bigram' (1,234 against 1,000)."
    )
    assert not_beaten([[lstm, gru], [gru], []]) == (
        "GRU does not beat the baseline 'unigram' in 2 of 3 conditions. "
        "LSTM does not beat the baseline 'bigram' in 1 of 3 conditions."
    )
    assert not_beaten([[], []]) == ""
    assert beaten([[gru, lstm]]) == ""


def test_cells_that_beat_the_best_baseline_are_named_with_their_means() -> None:
    gru = AgainstBaseline("gru", "trigram", 2.0, 2.3, beats=True)
    lstm = AgainstBaseline("lstm", "trigram", 2.15, 2.3, beats=True)
    worse = replace(lstm, mean=2.5, beats=False)
    assert beaten([[gru, lstm]]) == "GRU and LSTM beat the best baseline, 'trigram' (2 and 2.15 against 2.30)."
    assert beaten([[gru, worse]]) == "GRU beats the best baseline, 'trigram' (2 against 2.30)."
    assert beaten([[gru, lstm], [gru, worse]]) == "GRU beats the best baseline in each condition."
    assert beaten([[gru, worse], [replace(worse, cell="gru"), lstm]]) == ""
    assert beaten([[gru, lstm], []]) == "", "a condition without baselines"
