"""Times to target lie between two evaluations; verdicts hold for all times between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from harness.runner.open_claims import is_open
from harness.verdicts.judge import judge_pairs
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairedTrials, Pairs
from harness.verdicts.resolution import Resolution
from tests.verdicts.records import Record, claim, evidence_of, verdict_of
from tools.simulate import simulated_record

GRU, LSTM = (3, 2, 15, 8, 10), (11, 23, 13, 12, 14)
TO_TARGET = claim(kind="time-to-target", target=2.0, margin="10%")


def reaching(times: dict[str, Sequence[int]], every: int, closer: Sequence[int] = (), **spec: Any) -> list[Record]:
    """Trials of 100 updates, evaluated every `every` updates; `closer`: near the target, after these updates too."""
    records = []
    for cell, of_cell in times.items():
        for seed, time in enumerate(of_cell):
            curve = [(update, 1.0 if update >= time else 3.0) for update in range(every, 101, every)]
            record = simulated_record(cell, seed, 1.0, curve=curve, evaluate_every=every, updates=100, **spec)
            record["near_target"] = [
                {"update": at, "seconds": at * 0.01, "validation": {"loss": 1.0 if at >= time else 3.0}}
                for at in closer
                if at < every
            ]
            records.append(record)
    return records


def test_equal_times_from_rare_evaluations_do_not_show_equality() -> None:
    """Every seed reaches the target by the first evaluation, after 30 updates."""
    verdict = verdict_of(reaching({"gru": GRU, "lstm": LSTM}, 30), TO_TARGET)
    assert (verdict.verdict, verdict.n, verdict.step, verdict.too_coarse) == ("undecided", 5, 30, True)
    assert verdict.ci_low == pytest.approx(-97, abs=1)
    assert verdict.ci_high == pytest.approx(2900)
    resolution = evidence_of(reaching({"gru": GRU, "lstm": LSTM}, 30), TO_TARGET).resolution
    assert resolution == Resolution(30, too_coarse=True, finer_helps=True, finer=1)
    assert verdict.needed_seeds is None
    assert not is_open(verdict), "no seeds are added, since they would not help"


def test_the_same_trials_evaluated_after_every_update_are_judged_by_their_exact_times() -> None:
    verdict = verdict_of(reaching({"gru": GRU, "lstm": LSTM}, 1), TO_TARGET)
    assert [(pair.better, pair.than) for pair in verdict.pairs] == list(zip(GRU, LSTM, strict=True))
    assert (verdict.step, verdict.too_coarse) == (None, False)
    assert evidence_of(reaching({"gru": GRU, "lstm": LSTM}, 1), TO_TARGET).resolution is None
    assert verdict.effect == pytest.approx(100 * (np.exp(np.log(np.divide(LSTM, GRU)).mean()) - 1))


def test_evaluations_near_the_target_improve_the_resolution() -> None:
    verdict = verdict_of(reaching({"gru": GRU, "lstm": LSTM}, 30, closer=(1, 2, 3, 5, 7, 10, 14, 21)), TO_TARGET)
    assert [pair.better for pair in verdict.pairs] == [3, 2, 21, 10, 10]
    assert (verdict.step, verdict.too_coarse) == (9, False)
    many = {"gru": GRU * 3, "lstm": tuple(2 * time + 10 for time in LSTM * 3)}
    assert verdict_of(reaching(many, 60, closer=(1, 2, 3, 5, 7, 10, 14, 21, 40)), TO_TARGET).verdict == "supported"


def test_equality_requires_equality_for_all_times_within_their_ranges() -> None:
    """60 seeds whose times are within 4 % of each other, known to a step of 1 or of 20 % of them."""
    half = claim(kind="time-to-target", target=2.0, margin="50%")
    times = {"gru": [50] * 60, "lstm": [51, 49] * 30}
    assert verdict_of(reaching(times, 1), half).verdict == "no practical difference"
    coarse = verdict_of(reaching(times, 60), half)
    assert (coarse.verdict, coarse.too_coarse) == ("undecided", True)
    resolution = evidence_of(reaching(times, 60), half).resolution
    assert resolution is not None
    assert resolution.finer == 15, "half the margin of a time of 60"


def test_advice_names_finer_evaluations_if_exact_times_might_decide() -> None:
    times = {"gru": (*[40] * 7, 60, 40), "lstm": (*[60] * 8, 80)}
    verdict = verdict_of(reaching(times, 20), TO_TARGET)
    assert (verdict.verdict, verdict.too_coarse) == ("undecided", False)
    resolution = evidence_of(reaching(times, 20), TO_TARGET).resolution
    assert resolution is not None
    assert resolution.finer_helps
    assert is_open(verdict)


def test_several_conditions_are_pooled_at_both_ends() -> None:
    records = [
        record for length in (10, 20) for record in reaching({"gru": GRU, "lstm": LSTM}, 30, sequence_length=length)
    ]
    verdict = verdict_of(records, TO_TARGET)
    assert (verdict.verdict, verdict.too_coarse, verdict.step) == ("undecided", True, 30)
    assert [part.too_coarse for part in verdict.by_condition] == [True, True]


def test_seconds_are_ranges_too() -> None:
    by_seconds = claim(kind="time-to-target", target=2.0, margin="10%", by="seconds")
    verdict = verdict_of(reaching({"gru": GRU, "lstm": LSTM}, 30), by_seconds)
    assert (verdict.verdict, verdict.too_coarse) == ("undecided", True)
    assert verdict.step == pytest.approx(0.29), "from the first update's 0.01 s to 0.3 s"
    resolution = evidence_of(reaching({"gru": GRU, "lstm": LSTM}, 30), by_seconds).resolution
    assert resolution is not None
    assert (resolution.finer_helps, resolution.finer) == (True, None), "no number of updates is known for seconds"


def test_a_miss_stays_the_worst_outcome_at_both_ends() -> None:
    verdict = verdict_of(reaching({"gru": (20,) * 8, "lstm": (999,) * 8}, 20), TO_TARGET)
    assert (verdict.verdict, verdict.effect) == ("supported", np.inf)


@pytest.mark.parametrize("seed", range(20))
def test_the_interval_covers_that_of_any_times_within_the_ranges(seed: int) -> None:
    generator = np.random.default_rng(seed)
    step = int(generator.integers(2, 40))
    better, than = np.ceil(generator.lognormal((4, 4.2), 0.5, size=(int(generator.integers(5, 15)), 2))).T
    seen = [step * np.ceil(side / step) for side in (better, than)]
    outcome = OutcomeColumn("time_to_target", "updates to a loss", "updates", lower_is_better=True)

    def judged(pairs: Pairs) -> Any:
        return judge_pairs([(TO_TARGET, PairedTrials((pairs,)), outcome)])[0]

    seeds = tuple(range(len(better)))
    exact = judged(Pairs({}, seeds, better, than))
    lows = [side - step + 1 for side in seen]
    ranged = judged(Pairs({}, seeds, *seen, better_low=lows[0], than_low=lows[1]))
    assert ranged.ci_low <= exact.effect <= ranged.ci_high
    if ranged.verdict in ("supported", "contradicted"):
        assert (ranged.verdict == "supported") == (exact.effect > 0)
