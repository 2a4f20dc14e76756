"""Judging: from records and claims to verdicts and their figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.cells.facts import FactFound, facts
from harness.store.frame import to_frame
from harness.verdicts.judge import judge
from tests.verdicts.records import CLAIM, NOISE, evidence_of, not_testable, paired, trials, verdict_of, why_not
from tools.simulate import simulated_record


def test_the_five_words() -> None:
    assert verdict_of(trials(0.2), paired()).verdict == "supported"
    assert verdict_of(trials(-0.2), paired()).verdict == "contradicted"
    assert verdict_of(trials(0.0), paired()).verdict == "no practical difference"
    assert verdict_of(trials(lambda seed: 0.3 * (-1) ** seed), paired()).verdict == "undecided"
    assert verdict_of([], not_testable()).verdict == "not testable"


def test_a_verdict_has_its_figures_and_its_scope() -> None:
    verdict = verdict_of(
        trials(0.2, train_size=500), paired(where={"train_size": "smallest"}, source="As it is written.")
    )
    assert verdict.effect == pytest.approx(0.2, abs=0.02)
    assert verdict.ci_low is not None
    assert verdict.ci_high is not None
    assert verdict.ci_low < verdict.effect < verdict.ci_high
    assert (verdict.n, verdict.unit, verdict.margin) == (8, "", 0.05)
    assert verdict.conditions["train_size"] == 500
    assert verdict.conditions["task"] == "language"
    assert verdict.conditions["machine"] == "simulated"
    assert (verdict.better, verdict.than, verdict.on) == ("gru", "lstm", "test_loss")
    assert (verdict.effect, verdict.ci_low, verdict.ci_high) == pytest.approx((0.196, 0.192, 0.201), abs=5e-4)
    assert verdict.source == "As it is written."
    assert [pair.seed for pair in verdict.pairs] == list(range(8))
    assert verdict.pairs[0].than == 2.0
    assert verdict.improvement == 1.0


def test_an_advantage_is_positive_for_metrics_to_maximise_too() -> None:
    records = [
        simulated_record(cell, seed, 1.0, accuracy=(0.9 if cell == "gru" else 0.5) + NOISE[seed + 9 * (cell == "gru")])
        for cell in ("gru", "lstm")
        for seed in range(8)
    ]
    verdict = verdict_of(records, paired(on="test_accuracy"))
    assert (verdict.verdict, verdict.effect) == ("supported", pytest.approx(0.4, abs=0.02))


def test_a_relative_margin_compares_ratios() -> None:
    records = []
    for seed in range(8):
        records.append(simulated_record("gru", seed, 1.0, seconds_per_update=0.01 * np.exp(NOISE[seed])))
        records.append(simulated_record("lstm", seed, 1.0, seconds_per_update=0.0125))
    verdict = verdict_of(records, paired(on="seconds_per_update", margin="5%"))
    assert (verdict.verdict, verdict.unit, verdict.margin) == ("supported", "%", pytest.approx(5))
    assert verdict.scale == "log ratio"
    assert verdict.effect == pytest.approx(25, abs=2)


def test_a_ratio_of_zeros_is_a_difference_in_shares() -> None:
    records = [simulated_record(cell, seed, 1.0, accuracy=0.0) for cell in ("gru", "lstm") for seed in range(8)]
    verdict = verdict_of(records, paired(on="test_accuracy", margin="5%"))
    assert (verdict.verdict, verdict.effect, verdict.scale) == ("undecided", 0, "relative difference")


def test_fewer_than_five_seeds_are_undecided_and_state_how_many_are_needed() -> None:
    verdict = verdict_of(trials(0.2, seeds=4), paired(margin=0.005))
    assert verdict.verdict == "undecided"
    assert verdict.needed_seeds is not None
    assert verdict.needed_seeds > 4
    assert evidence_of(trials(0.2, seeds=4), paired(margin=0.005)).seeds_for_power == verdict.needed_seeds
    assert verdict_of(trials(0.2, seeds=1), paired()).n == 1
    assert verdict_of(trials(0.0, seeds=4), paired()).verdict == "undecided"
    assert verdict_of(trials(0.0, seeds=5), paired()).verdict == "no practical difference"


def test_claims_are_corrected_as_a_family() -> None:
    records = trials(lambda seed: 0.06 + 0.05 * (seed % 3 - 1), seeds=9)
    alone = verdict_of(records, paired(margin=0.001))
    many = judge([paired(id=f"c{index}", margin=0.001) for index in range(10)], to_frame(records))[0]
    assert alone.p_value == many.p_value
    assert alone.p_adjusted == alone.p_value
    assert many.p_adjusted == pytest.approx(10 * alone.p_value)


def test_a_cell_that_does_not_beat_the_baseline_is_named() -> None:
    records = trials(0.2, baselines={"unigram": {"loss": 3.0}, "trigram": {"loss": 2.3}})
    ((gru, lstm),) = evidence_of(records, paired()).baselines
    assert (gru.cell, gru.baseline, gru.score, gru.beats) == ("gru", "trigram", 2.3, True)
    assert (lstm.cell, lstm.baseline, lstm.score, lstm.beats) == ("lstm", "trigram", 2.3, False)
    assert (gru.mean, lstm.mean) == (pytest.approx(2.15, abs=0.01), pytest.approx(2.35))
    verdict = verdict_of(records, paired())
    assert verdict.baseline == "LSTM does not beat the baseline 'trigram' (2.35 against 2.30)."
    assert verdict.baseline in verdict.reason


def test_a_fact_that_cannot_be_evaluated_is_not_testable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(facts._bundled, "no-gates", "harness.no_such_module:fact")
    exact = CLAIM.validate_python({"id": "e", "claim": "E.", "kind": "exact", "fact": "no-gates"})
    verdict = verdict_of([], exact)
    assert verdict.verdict == "not testable"
    assert "harness.no_such_module" in verdict.reason


def test_a_claim_without_pairs_states_what_the_records_have() -> None:
    narrow = paired(where={"units": [77, 78], "task": "language"})
    other = paired(better="simple_rnn", where={"lane": "speed"})
    apart = [record for record in trials(0.2) if (record["spec"]["cell"] == "gru") == (record["spec"]["seed"] < 4)]
    for records, of, there_are in (
        (trials(0.2), narrow, "The records have units 32."),
        (trials(0.2), other, "The records have cell gru and lstm, lane accuracy."),
        (apart, paired(), "No two records form such a pair."),
        ([], paired(), "There are no records."),
    ):
        verdict = verdict_of(records, of)
        assert (verdict.verdict, verdict.n, verdict.effect) == ("undecided", 0, None)
        assert verdict.reason.endswith(there_are)
        assert (verdict.better, verdict.than, verdict.on) == (of.better, "lstm", "test_loss")


def test_a_metric_that_no_trial_measured_is_not_testable() -> None:
    verdict = verdict_of(trials(0.2), paired(on="test_f1"))
    assert verdict.verdict == "not testable"
    assert "test_f1" in why_not(trials(0.2), paired(on="test_f1"))


def it_holds(frame: pd.DataFrame) -> FactFound:
    return FactFound(True, 3.0, "gates", "It was counted.")


def it_does_not_hold(frame: pd.DataFrame) -> FactFound:
    return FactFound(False, 3.0, "gates", "It was counted.")


def it_is_unknown(frame: pd.DataFrame) -> FactFound:
    return FactFound(None, 3.0, "gates", "It was counted.")


@pytest.mark.parametrize(
    ("fact", "word"),
    [("it_holds", "supported"), ("it_does_not_hold", "contradicted"), ("it_is_unknown", "undecided")],
)
def test_the_verdict_on_a_fact_has_its_figure_and_reason(fact: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(facts._bundled, "no-gates", f"tests.verdicts.test_judge:{fact}")
    exact = {"id": "e", "claim": "E.", "kind": "exact", "fact": "no-gates", "source": "As written."}
    verdict = verdict_of([], CLAIM.validate_python(exact))
    assert (verdict.verdict, verdict.effect, verdict.unit, verdict.reason) == (word, 3.0, "gates", "It was counted.")
    assert (verdict.id, verdict.claim, verdict.kind, verdict.source, verdict.n) == (
        "e",
        "E.",
        "exact",
        "As written.",
        0,
    )


def test_a_claim_is_undecided_while_only_tuning_trials_are_stored() -> None:
    """A budget can end before the first trial of the comparison starts."""
    tuning = [{**one, "spec": {**one["spec"], "purpose": "tuning"}, "test": {}} for one in trials(0.2)]
    verdict = verdict_of(tuning, paired())
    assert verdict.verdict == "undecided"
    assert verdict.reason.startswith("No records for this claim")
