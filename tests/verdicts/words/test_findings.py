"""The sentences of verdicts, word by word."""

from __future__ import annotations

import numpy as np
import pytest

from harness.spec.claims import Comparison
from harness.store.looks import Look
from harness.verdicts.advantages import Advantages, Scale
from harness.verdicts.outcomes import Outcome
from harness.verdicts.stats import Estimate
from harness.verdicts.verdict import Verdict, VerdictWord
from harness.verdicts.words.findings import (
    AgainstBaseline,
    beaten,
    capital,
    finding,
    looked_at,
    mixture,
    not_beaten,
    scope,
    seeds_wanted,
    unknown_words,
    why,
)
from harness.words import number, quantity
from tests.verdicts.records import claim, paired

INF = float("inf")
LOSS = Outcome("test_loss", "test loss", "", True)
PLAIN = Scale("difference", "", 0.05)
RATIO = Scale("log ratio", "%", float(np.log1p(0.05)))
TREND = paired(kind="trend", along="train_size", advantage="grows")
HORIZON = claim(kind="horizon", margin="25%")
SOLVED = claim(kind="proportion", margin=0.2)
TIME = claim(kind="time-to-target", target=1.0, margin="10%")


def told(
    of: Comparison,
    effect: float,
    low: float,
    high: float,
    scale: Scale = PLAIN,
    n: int = 8,
    failed: int = 0,
    blank: int = 0,
    alone: int = 0,
    method: str = "",
    bounded: bool = False,
) -> str:
    found = Advantages(np.full(n, effect), (), blank, failed, alone / n, bounded=bounded)
    return finding(of, Estimate(effect, low, high, 0.5, False, n, method), found, scale, LOSS)


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


def test_a_finding_says_what_was_compared_and_how_it_came_out() -> None:
    assert told(paired(), 0.2, 0.1, 0.3) == (
        "GRU against LSTM, test loss, 8 seeds: better, +0.2 (95 % interval [0.1, 0.3])."
    )
    assert told(paired(), -np.log(2), -1.0, 0.0, RATIO) == (
        "GRU against LSTM, test loss, 8 seeds: worse, −2 times (95 % interval [−2.7 times, 0 %])."
    )
    assert told(paired(), -0.2, -0.3, -0.1) == (
        "GRU against LSTM, test loss, 8 seeds: worse, −0.2 (95 % interval [−0.3, −0.1])."
    )
    assert told(paired(), 0.0, 0.0, 0.0) == (
        "GRU against LSTM, test loss, 8 seeds: no difference, 0 (95 % interval [0, 0])."
    )
    assert told(TREND, 0.2, 0.1, 0.3) == (
        "Change of the advantage of GRU against LSTM, test loss, along train size, 8 seeds: it grows, +0.2"
        " (95 % interval [0.1, 0.3])."
    )
    assert "it shrinks, −2 times (95 % interval [−2.7 times, 0 %])" in told(TREND, -np.log(2), -1.0, 0.0, RATIO)
    shrinks = paired(kind="trend", along="train_size", advantage="shrinks")
    assert "it shrinks, −0.2 (" in told(TREND, -0.2, -0.3, -0.1)
    assert "it shrinks, +0.2 (" in told(shrinks, 0.2, 0.1, 0.3)
    assert "it grows, −0.2 (" in told(shrinks, -0.2, -0.3, -0.1)
    assert told(HORIZON, np.log(2), 0.0, INF, RATIO) == (
        "GRU against LSTM, largest sequence length solved, 8 seeds: better, +2 times (95 % interval [0 %, ∞])."
    )
    share = Scale("share", "percentage points", 0.2)
    assert ": more seeds solve it, +30 percentage points (95 % interval [10, 50])." in told(
        SOLVED, 0.3, 0.1, 0.5, share
    )
    assert ": fewer seeds solve it, −30 percentage points (" in told(SOLVED, -0.3, -0.5, -0.1, share)


def test_a_finding_says_where_there_is_no_interval_and_what_failed() -> None:
    assert told(paired(), 0.2, -INF, INF, n=1) == "GRU against LSTM, test loss, 1 seed: better, +0.2."
    assert told(paired(), 0.2, -INF, INF, n=2) == (
        "GRU against LSTM, test loss, 2 seeds: better, +0.2 (95 % interval [−∞, ∞])."
    )
    assert told(paired(), 0.0, 0.0, 0.0, n=2, failed=4, blank=2) == (
        "GRU against LSTM, test loss, 2 seeds: nothing to compare."
        " 4 trials failed: a pair in which both failed counts as a tie."
    )
    assert told(TIME, INF, 0.1, INF, RATIO, failed=1, alone=1) == (
        "GRU against LSTM, test loss, 8 seeds: in at least half of the seeds only GRU succeeded, +∞ (95 % interval"
        " [10.5, ∞]). 1 trial missed the target: where one cell alone missed the target, the pair counts as larger than"
        " any number."
    )
    assert ": in at least half of the seeds only LSTM succeeded, −∞ (95 % interval [−∞, −10.5])." in told(
        TIME, -INF, -INF, -0.1, RATIO
    )


def test_what_failures_count_as_is_what_effect_and_interval_take_them_for() -> None:
    bounded = "mean, failures bounded, Student's t"
    assert told(paired(), 0.2, 0.1, 0.3, failed=1, alone=1, method=bounded).endswith(
        " 1 trial failed: where one cell alone failed, the pair counts as 1.5 times the largest difference seen."
    )
    assert told(paired(), 0.2, 0.1, 0.3, RATIO, failed=3, alone=1, bounded=True).endswith(
        " 3 trials failed: where one cell alone failed, the pair counts as the largest ratio seen to the power of 1.5;"
        " where both failed, as a tie."
    )
    share = Scale("share", "percentage points", 0.2)
    assert told(SOLVED, 0.3, 0.1, 0.5, share, failed=2, alone=2).endswith(" 2 trials failed and count as not solved.")
    assert told(HORIZON, 0.3, 0.1, 0.5, RATIO, failed=1).endswith(" 1 trial failed and counts as not solved.")
    assert "it grows, beyond any number because of failures in at least half of the seeds, +∞" in told(
        TREND, INF, 0.1, INF
    )
    assert "it shrinks, beyond any number because of failures" in told(TREND, -INF, -INF, 0.1)


def reason(
    word: VerdictWord,
    low: float = 0.1,
    high: float = 0.3,
    p: float = 0.01,
    n: int = 8,
    blank: int = 0,
    scale: Scale = PLAIN,
) -> str:
    found = Advantages(np.zeros(n), (), blank, 0, 0.0)
    return why(word, Estimate(0.2, low, high, 0.5, False, n, ""), found, p, scale, "both cells failed")


def test_every_word_has_its_reason() -> None:
    assert reason("supported") == "The direction is clear (p = 0.01)."
    assert reason("contradicted", -0.3, -0.1, p=0.0009) == "The direction is clear (p < 0.001)."
    assert reason("supported", 0.05, p=0.001) == "The direction is clear (p = 0.001)."
    small = "The direction is clear (p = 0.01); the difference may be below 0.05, the least that counts in practice."
    assert reason("supported", 0.04) == reason("contradicted", -0.3, -0.04) == small
    assert reason("no practical difference", scale=RATIO) == (
        "A difference as large as 5 %, the least that counts in practice, is ruled out."
    )
    assert reason("undecided", n=4) == "Fewer than 5 seeds decide nothing."
    assert reason("undecided", n=5, blank=3) == (
        "In 3 of 5 seeds both cells failed, which is no information about a difference."
    )
    assert reason("undecided", n=8, blank=4).startswith("In 4 of 8 seeds")
    unclear = "The test rejects equality (p = 0.05), but the 95 % interval includes zero."
    assert reason("undecided", n=5, blank=2, p=0.05) == unclear
    assert reason("undecided", p=0.051) == (
        "Neither a difference (p = 0.051) nor its absence (within 0.05) is established."
    )


def test_what_a_tie_without_information_is_depends_on_the_kind() -> None:
    assert unknown_words(HORIZON) == "both cells solve all that was tested, or nothing"
    assert unknown_words(TIME) == "both missed the target"
    assert unknown_words(paired()) == unknown_words(SOLVED) == unknown_words(TREND) == "both cells failed"


def test_the_seeds_wanted_are_told_with_the_command() -> None:
    start = "For 80 % power against a difference of 0.1 it would take about"
    assert seeds_wanted(None, 8, "0.1") == seeds_wanted(None, 8, "0.1", 40) == ""
    assert seeds_wanted(8, 8, "0.1", 40) == (
        "8 seeds have at least 80 % power against a difference of 0.1:"
        " if there is a difference, it is probably smaller."
    )
    assert seeds_wanted(12, 8, "0.1") == f"{start} 12 seeds (harness run FILE --seeds 12)."
    assert seeds_wanted(40, 8, "0.1", 40) == f"{start} 40 seeds (harness run FILE --until-decided)."
    assert seeds_wanted(101, 8, "0.1", 40, "a wider margin, or longer training") == (
        "For 80 % power against a difference of 0.1 it would take more than 100 seeds: a wider margin, or longer"
        " training, would decide sooner."
    )
    assert "more than 150 seeds: a wider margin," in seeds_wanted(151, 150, "0.1", 40)
    assert seeds_wanted(41, 8, "0.1", 40) == f"{start} 41 seeds (more than the 40 that were fixed beforehand)."


def test_looks_are_told_with_their_counts() -> None:
    looks = [Look(n, 0.0, 0.0, 0.0, 1.0, 1.0) for n in (5, 10, 15)]
    allow = "of at most 40 seeds: interval and p allow for such looks."
    assert looked_at(looks[:1], 40, 0) == f"Looked at after 5 {allow}"
    assert (
        looked_at(looks[:2], 40, 1)
        == f"Looked at after 5 and 10 {allow} 1 seed came after the last look and does not count."
    )
    assert (
        looked_at(looks, 40, 2)
        == f"Looked at after 5, 10 and 15 {allow} 2 seeds came after the last look and do not count."
    )
    assert looked_at([], 40, 3) == "3 seeds came after the last look and do not count."
    assert looked_at([], 40, 0) == ""


def test_a_mixture_begins_with_the_most_frequent() -> None:
    words: list[VerdictWord] = ["contradicted", "supported", "supported"]
    parts = [Verdict("c", "C.", word, None, None, None, "", 0) for word in words]
    assert mixture(parts) == "supported in 2 of 3 conditions, contradicted in 1"
    assert mixture(parts[:1]) == "contradicted in 1 of 1 condition"


def test_a_baseline_that_is_not_beaten_is_told_with_figures_or_counts() -> None:
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
    worse = lstm._replace(mean=2.5, beats=False)
    assert beaten([[gru, lstm]]) == "GRU and LSTM beat the best baseline, 'trigram' (2 and 2.15 against 2.30)."
    assert beaten([[gru, worse]]) == "GRU beats the best baseline, 'trigram' (2 against 2.30)."
    assert beaten([[gru, lstm], [gru, worse]]) == "GRU beats the best baseline in each condition."
    assert beaten([[gru, worse], [worse._replace(cell="gru"), lstm]]) == ""
    assert beaten([[gru, lstm], []]) == "", "a condition without baselines"


def test_a_scope_is_told_on_one_line() -> None:
    everything = {
        "machine": "3f2a9c", "lane": "speed", "matched": ["parameters", "units"], "backend": "fused", "units": 32,
        "sequence_length": [64, 128], "train_size": (2000, 8000), "task": "language", "dropout": 0.5,
    }  # fmt: skip
    assert scope(everything) == (
        "language; size 2,000, 8,000; length 64, 128; 32 units; backend fused; equal parameters, units; speed lane;"
        " machine 3f2a9c"
    )
    assert scope({}) == ""
