"""Judging: from records and claims to verdicts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.analysis.claims import Claim, Verdict
from harness.analysis.exact import facts
from harness.analysis.frame import curves_frame, to_frame
from harness.analysis.judge import judge, read_verdicts, write_verdicts
from harness.analysis.simulate import simulated_record
from harness.errors import UserError

CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)
Record = dict[str, Any]
NOISE = np.random.default_rng(0).normal(0, 0.01, size=1000)


def claim(**fields: Any) -> Claim:
    defaults = {"id": "c", "claim": "A sentence.", "kind": "paired", "better": "gru", "than": "lstm"}
    return CLAIM.validate_python(defaults | fields)


def paired(**fields: Any) -> Claim:
    return claim(**{"on": "test_loss", "margin": 0.05} | fields)


def trials(advantage: float | Callable[[int], float], seeds: int = 8, **spec: Any) -> list[Record]:
    """Losses of both cells near 2; the GRU's is lower by the advantage (of a seed), the noise is small."""
    records = []
    for seed in range(seeds):
        lower = advantage(seed) if callable(advantage) else advantage
        records.append(simulated_record("lstm", seed, 2 + seed / 10, **spec))
        records.append(simulated_record("gru", seed, 2 + seed / 10 - lower + NOISE[seed], **spec))
    return records


def verdict(records: list[Record], *claims: Claim) -> Verdict:
    return judge(claims, to_frame(records), curves_frame(records))[0]


def test_the_five_words() -> None:
    assert verdict(trials(0.2), paired()).verdict == "supported"
    assert verdict(trials(-0.2), paired()).verdict == "contradicted"
    assert verdict(trials(0.0), paired()).verdict == "no practical difference"
    assert verdict(trials(lambda seed: 0.3 * (-1) ** seed), paired()).verdict == "undecided"
    assert verdict([], not_testable()).verdict == "not testable"


def not_testable() -> Claim:
    return CLAIM.validate_python({"id": "t", "claim": "T.", "kind": "not-testable", "reason": "No finite experiment."})


def test_a_verdict_tells_its_figures_and_its_scope() -> None:
    found = verdict(trials(0.2, train_size=500), paired(where={"train_size": "smallest"}, source="As it is written."))
    assert found.effect == pytest.approx(0.2, abs=0.02)
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert found.ci_low < found.effect < found.ci_high
    assert (found.n, found.unit, found.margin) == (8, "", 0.05)
    assert found.conditions["train_size"] == 500
    assert found.conditions["task"] == "language"
    assert found.conditions["machine"] == "simulated"
    assert "GRU against LSTM, test loss, 8 seeds: better by 0.196 (95 % interval 0.192 to 0.201)" in found.reason
    assert found.source == "As it is written."
    assert [pair.seed for pair in found.pairs] == list(range(8))
    assert found.pairs[0].than == 2.0
    assert found.improvement == 1.0


def test_where_higher_is_better_the_advantage_is_still_positive() -> None:
    records = [
        simulated_record(cell, seed, 1.0, accuracy=(0.9 if cell == "gru" else 0.5) + NOISE[seed + 9 * (cell == "gru")])
        for cell in ("gru", "lstm")
        for seed in range(8)
    ]
    found = verdict(records, paired(on="test_accuracy"))
    assert (found.verdict, found.effect) == ("supported", pytest.approx(0.4, abs=0.02))


def test_a_relative_margin_compares_ratios() -> None:
    records = []
    for seed in range(8):
        records.append(simulated_record("gru", seed, 1.0, seconds_per_update=0.01 * np.exp(NOISE[seed])))
        records.append(simulated_record("lstm", seed, 1.0, seconds_per_update=0.0125))
    found = verdict(records, paired(on="seconds_per_update", margin="5%"))
    assert (found.verdict, found.unit, found.margin) == ("supported", "%", pytest.approx(5))
    assert found.effect == pytest.approx(25, abs=2)


def test_a_ratio_of_zeros_is_a_difference_in_shares() -> None:
    records = [simulated_record(cell, seed, 1.0, accuracy=0.0) for cell in ("gru", "lstm") for seed in range(8)]
    found = verdict(records, paired(on="test_accuracy", margin="5%"))
    assert (found.verdict, found.effect) == ("no practical difference", 0)


def test_a_fact_that_cannot_be_evaluated_is_not_testable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(facts._bundled, "no-gates", "harness.no_such_module:fact")
    exact = CLAIM.validate_python({"id": "e", "claim": "E.", "kind": "exact", "fact": "no-gates"})
    found = verdict([], exact)
    assert found.verdict == "not testable"
    assert "harness.no_such_module" in found.reason


def test_fewer_than_five_seeds_decide_nothing_and_say_what_would() -> None:
    found = verdict(trials(0.2, seeds=4), paired(margin=0.005))
    assert found.verdict == "undecided"
    assert "Fewer than 5 seeds" in found.reason
    assert found.needed_seeds is not None
    assert found.needed_seeds > 4
    assert f"--seeds {found.needed_seeds}" in found.reason
    assert verdict(trials(0.2, seeds=1), paired()).n == 1
    assert verdict(trials(0.0, seeds=4), paired()).verdict == "undecided"
    assert verdict(trials(0.0, seeds=5), paired()).verdict == "no practical difference"


def test_failed_trials_count_as_the_worst_outcome() -> None:
    records = trials(0.0, seeds=12)
    assert verdict(records, paired()).verdict == "no practical difference"
    for record in records:
        if record["spec"]["cell"] == "lstm" and record["spec"]["seed"] >= 1:
            record["status"] = "diverged"
    found = verdict(records, paired())
    assert found.verdict == "supported"
    assert found.effect == np.inf
    assert "11 trials failed: counted as the worst outcome" in found.reason


def test_one_cells_failures_are_no_equality() -> None:
    records = trials(0.0, seeds=12)
    records[0]["status"] = "out_of_memory"
    assert verdict(records, paired()).verdict == "undecided"


def test_where_all_failed_nothing_is_decided() -> None:
    records = [{**record, "status": "diverged"} for record in trials(0.5)]
    found = verdict(records, paired())
    assert found.verdict == "undecided"
    assert "In 8 of 8 seeds both cells failed" in found.reason


def test_an_interrupted_trial_is_no_outcome() -> None:
    records = trials(0.2)
    records[0]["status"] = "interrupted"
    found = verdict(records, paired())
    assert found.n == 7
    assert "1 trial without a counterpart left out" in found.reason


def test_a_loss_that_is_not_finite_is_a_failure() -> None:
    records = trials(0.2)
    records[0]["test"]["loss"] = float("nan")
    assert "1 trial failed" in verdict(records, paired()).reason


def test_records_of_older_code_give_way_to_newer_ones() -> None:
    old = [{**record, "started_at": "2025-01-01T00:00:00+00:00"} for record in trials(-0.2, code="old")]
    found = verdict(trials(0.2, code="new") + old, paired())
    assert (found.verdict, found.n) == ("supported", 8)


def test_times_of_two_machines_are_never_pooled() -> None:
    slow = [
        simulated_record(cell, seed, 1.0, machine="slow", seconds_per_update=10.0, lane="speed")
        for cell in ("gru",)
        for seed in range(8)
    ]
    fast = [
        simulated_record(
            cell, seed, 1.0, machine="fast", seconds_per_update=1 + NOISE[seed] * (cell == "gru"), lane="speed"
        )
        for cell in ("gru", "lstm")
        for seed in range(8, 16)
    ]
    other = [
        simulated_record("lstm", seed, 1.0, machine="fast", seconds_per_update=1.0, lane="speed") for seed in range(8)
    ]
    found = verdict(slow + fast + other, paired(on="seconds_per_update", margin="10%"))
    assert (found.verdict, found.n) == ("no practical difference", 8)
    assert found.conditions["machine"] == "fast"


def test_trials_of_two_lanes_are_never_pooled() -> None:
    beside = [
        simulated_record(cell, seed, 1.0 + NOISE[seed] + (cell == "lstm"), seconds_per_update=9.0 - 8 * (cell == "gru"))
        for cell in ("gru", "lstm")
        for seed in range(8)
    ]
    alone = [
        simulated_record(cell, seed, math.nan, lane="speed", seconds_per_update=1.0 + NOISE[seed] * (cell == "gru"))
        for cell in ("gru", "lstm")
        for seed in range(8)
    ]
    times = verdict(beside + alone, paired(on="seconds_per_update", margin="10%"))
    assert (times.verdict, times.conditions["lane"], times.by_condition) == ("no practical difference", "speed", ())
    times = verdict(beside + alone, paired(on="seconds_per_update", margin="10%", where={"lane": "accuracy"}))
    assert (times.verdict, times.conditions["lane"]) == ("supported", "accuracy")
    losses = verdict(beside + alone, paired())
    assert (losses.verdict, losses.conditions["lane"], losses.by_condition) == ("supported", "accuracy", ())
    across = [r for r in beside if r["spec"]["cell"] == "gru"] + [r for r in alone if r["spec"]["cell"] == "lstm"]
    assert verdict(across, paired(on="seconds_per_update", margin="10%")).n == 0


def test_seeds_run_on_two_machines_are_two_conditions_of_a_claim_on_times() -> None:
    records = [
        simulated_record(cell, seed, 1.0, machine=f"machine {seed % 2}", seconds_per_update=1.0 + (cell == "lstm"))
        for cell in ("gru", "lstm")
        for seed in range(12)
    ]
    found = verdict(records, paired(on="seconds_per_update", margin="10%"))
    assert [part.conditions["machine"] for part in found.by_condition] == ["machine 0", "machine 1"]
    assert [part.n for part in found.by_condition] == [6, 6]


def test_sizes_matched_by_parameters_are_paired() -> None:
    records = []
    for gru, lstm in ((37, 32), (74, 64)):
        for record in trials(0.2):
            units = gru if record["spec"]["cell"] == "gru" else lstm
            spec = record["spec"] | {"units": units, "reference_units": lstm, "matched": "parameters"}
            records.append({**record, "spec": spec, "trial_id": f"{record['trial_id']}-{units}"})
    found = verdict(records, paired())
    assert found.verdict == "supported"
    assert [condition.n for condition in found.by_condition] == [8, 8]
    assert found.by_condition[0].conditions["units"] == [32, 37]


def test_rates_tuned_for_each_cell_are_paired_and_tuning_is_not_judged() -> None:
    rates = {"gru": 0.01, "lstm": 0.003}
    records = []
    for record in trials(0.2):
        rate = rates[record["spec"]["cell"]]
        records.append({**record, "spec": record["spec"] | {"learning_rate": rate}})
    tuning = trials(-5.0, purpose="tuning", seeds=12)
    found = verdict(records + tuning, paired())
    assert (found.verdict, found.n, found.by_condition) == ("supported", 8, ())
    assert found.conditions["learning_rate"] == [0.003, 0.01]


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


def test_smallest_and_largest_are_those_of_each_task() -> None:
    records = [
        record
        for task, sizes in (("language", (100, 200)), ("recall", (5, 10)))
        for size in sizes
        for record in trials(0.2 if size in (100, 5) else -0.2, task=task, train_size=size)
    ]
    assert verdict(records, paired(where={"train_size": "smallest"})).verdict == "supported"
    found = verdict(records, paired(where={"train_size": "largest"}))
    assert found.verdict == "contradicted"
    assert [condition.conditions["train_size"] for condition in found.by_condition] == [200, 10]


def test_conditions_that_disagree_are_told_and_not_averaged() -> None:
    records = [
        record
        for length, advantage in ((10, 0.3), (20, 0.3), (30, -0.2), (40, 0.0))
        for record in trials(advantage, sequence_length=length)
    ]
    found = verdict(records, paired())
    assert found.verdict == "undecided"
    assert found.reason.startswith(
        "Mixed: supported in 2 of 4 conditions, contradicted in 1, no practical difference in 1"
    )
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
        for record in trials(lambda seed, s=scale: s * (0.07 + 0.12 * (-1) ** seed), sequence_length=length)  # type: ignore[misc]
    ]
    found = verdict(records, paired())
    assert found.verdict == "undecided"
    assert "In some condition the difference seen is larger than that." in found.reason


def test_conditions_that_agree_are_pooled_by_seed() -> None:
    records = [record for length in (10, 20, 30) for record in trials(0.2, sequence_length=length)]
    found = verdict(records, paired())
    assert (found.verdict, found.n) == ("supported", 8)
    assert found.reason.startswith("Supported in 3 of 3 conditions; over all")
    assert found.conditions["sequence_length"] == [10, 20, 30]


def test_only_seeds_of_every_condition_are_pooled() -> None:
    records = trials(0.2, sequence_length=10) + trials(0.2, seeds=6, sequence_length=20)
    found = verdict(records, paired())
    assert found.n == 6
    assert "only seeds that every condition has count" in found.reason


def test_claims_are_corrected_as_a_family() -> None:
    records = trials(lambda seed: 0.06 + 0.05 * (seed % 3 - 1), seeds=9)
    alone = verdict(records, paired(margin=0.001))
    many = judge([paired(id=f"c{index}", margin=0.001) for index in range(10)], to_frame(records))[0]
    assert alone.p_value == many.p_value
    assert alone.p_adjusted == alone.p_value
    assert many.p_adjusted == pytest.approx(10 * alone.p_value)


def test_a_cell_that_does_not_beat_the_baseline_is_named() -> None:
    records = trials(0.2, baselines={"unigram": {"loss": 3.0}, "trigram": {"loss": 2.3}})
    found = verdict(records, paired())
    assert found.baseline == "LSTM does not beat the baseline 'trigram' (2.35 against 2.3)."
    assert found.baseline in found.reason


def test_a_claim_without_records_says_what_it_looked_for() -> None:
    found = verdict(trials(0.2), paired(where={"units": [77, 78], "task": "language"}))
    assert found.verdict == "undecided"
    assert "looked for trials of gru and lstm with the same seed, task language, units 77 or 78." in found.reason
    assert verdict([], paired()).verdict == "undecided"


def test_a_metric_that_no_trial_measured_is_not_testable() -> None:
    found = verdict(trials(0.2), paired(on="test_f1"))
    assert found.verdict == "not testable"
    assert "test_f1" in found.reason


def solving(solved: Callable[[str, int, int], bool], lengths: tuple[int, ...] = (10,), seeds: int = 10) -> list[Record]:
    return [
        simulated_record(
            cell, seed, 1.0, task="recall", sequence_length=length, accuracy=1.0 if solved(cell, length, seed) else 0.2
        )
        for cell in ("gru", "lstm")
        for length in lengths
        for seed in range(seeds)
    ]


def test_proportions_of_solved_seeds() -> None:
    proportion = claim(kind="proportion", margin=0.2)
    found = verdict(solving(lambda cell, length, seed: cell == "gru"), proportion)
    assert (found.verdict, found.effect, found.unit) == ("supported", 100, "percentage points")
    assert found.p_value == 2 / 2**10
    assert found.ci_low is not None
    assert 50 < found.ci_low < 75
    some = verdict(solving(lambda cell, length, seed: cell == "gru" and seed < 3), proportion)
    assert some.verdict == "undecided"
    assert some.needed_seeds is not None
    several = verdict(solving(lambda cell, length, seed: cell == "gru", (10, 20, 30)), proportion)
    assert (several.verdict, several.n) == ("supported", 10)
    failing = solving(lambda cell, length, seed: True)
    for record in failing:
        if record["spec"]["cell"] == "lstm":
            record["status"] = "timeout"
    assert verdict(failing, proportion).verdict == "supported"


def test_a_threshold_of_the_claims_own() -> None:
    records = solving(lambda cell, length, seed: cell == "gru")
    assert verdict(records, claim(kind="proportion", margin=0.2, on="test_accuracy", threshold=0.1)).effect == 0


def test_a_horizon_is_the_longest_length_solved() -> None:
    reach = {"gru": 20, "lstm": 80}
    records = solving(lambda cell, length, seed: length <= reach[cell] * (1 + seed % 2), (10, 20, 40, 80, 160))
    found = verdict(records, claim(kind="horizon", better="lstm", than="gru", margin="25%"))
    assert (found.verdict, found.unit) == ("supported", "%")
    assert found.effect == pytest.approx(300)
    assert (found.pairs[0].better, found.pairs[0].than) == (80, 20)


@pytest.mark.parametrize("solved", [True, False])
def test_a_horizon_beyond_what_was_tested_is_undecided(solved: bool) -> None:
    records = solving(lambda cell, length, seed: solved, (10, 20, 40))
    found = verdict(records, claim(kind="horizon", margin="25%"))
    assert found.verdict == "undecided"
    assert "both cells solve all that was tested, or nothing" in found.reason


def test_a_trend_of_the_advantage() -> None:
    records = [
        record
        for size, advantage in ((100, 0.4), (200, 0.2), (400, 0.0))
        for record in trials(lambda seed, a=advantage, s=size: a + NOISE[seed + s], train_size=size)  # type: ignore[misc]
    ]
    shrinks = paired(kind="trend", along="train_size", advantage="shrinks")
    found = verdict(records, shrinks)
    assert (found.verdict, found.effect) == ("supported", pytest.approx(0.4, abs=0.02))
    assert "it shrinks by 0.399" in found.reason
    grows = paired(kind="trend", along="train_size", advantage="grows")
    assert verdict(records, grows).verdict == "contradicted"
    flat = [record for size in (100, 200, 400) for record in trials(0.3, train_size=size)]
    assert verdict(flat, shrinks).verdict == "no practical difference"


def test_a_trend_follows_its_factor_though_the_updates_follow_too() -> None:
    records = [
        record
        for size, advantage in ((100, 0.4), (200, 0.2), (400, 0.0))
        for record in trials(advantage, train_size=size, updates=size, evaluate_every=size // 10)
    ]
    shrinks = paired(kind="trend", along="train_size", advantage="shrinks")
    found = verdict(records, shrinks)
    assert (found.verdict, found.n, found.by_condition) == ("supported", 8, ())
    two = [record for record in records if record["spec"]["train_size"] < 400]
    assert "at 3 or more values of train_size" in verdict(two, shrinks).reason


def timed(reached: Callable[[str, int], int | None], seeds: int = 10) -> list[Record]:
    records = []
    for cell in ("gru", "lstm"):
        for seed in range(seeds):
            when = reached(cell, seed)
            curve = [(update, 1.0 if when is not None and update >= when else 3.0) for update in range(10, 210, 10)]
            records.append(simulated_record(cell, seed, 1.0, curve=curve, baselines={"unigram": {"loss": 2.0}}))
    return records


def test_time_to_a_target_counts_misses_as_infinite() -> None:
    by_updates = claim(kind="time-to-target", target=2.0, margin="10%")
    records = timed(lambda cell, seed: 50 + 10 * (seed % 2) if cell == "gru" else 100 + 10 * (seed % 2))
    found = verdict(records, by_updates)
    assert (found.verdict, found.pairs[0].better, found.pairs[0].than) == ("supported", 50, 100)
    missed = verdict(timed(lambda cell, seed: 50 if cell == "gru" else None), by_updates)
    assert (missed.verdict, missed.effect) == ("supported", np.inf)
    assert "10 trials missed the target" in missed.reason
    neither = verdict(timed(lambda cell, seed: None), by_updates)
    assert neither.verdict == "undecided"
    assert "both missed the target" in neither.reason
    of_baseline = claim(kind="time-to-target", target="unigram", margin="10%", by="seconds")
    assert verdict(records, of_baseline).verdict == "supported"
    assert "there are: unigram" in verdict(records, claim(kind="time-to-target", target="x", margin="10%")).reason


def test_the_target_that_the_task_declares_is_the_one_where_the_claim_names_none() -> None:
    own = claim(kind="time-to-target", margin="10%")
    bigram = {"bigram": {"loss": 2.0}, "unigram": {"loss": 9.0}}
    records = timed(lambda cell, seed: 50 if cell == "gru" else 100)
    of_language = [{**record, "baselines": bigram} for record in records]
    found = verdict(of_language, own)
    assert (found.verdict, found.pairs[0].better, found.pairs[0].than) == ("supported", 50, 100)
    assert "no baseline 'bigram'" in verdict(records, own).reason
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
    of_recall = verdict(accurate, own)
    assert (of_recall.pairs[0].better, of_recall.pairs[0].than) == (50, 100)
    assert (
        "the learning curves of the task 'recall' have no 'accuracy'"
        in verdict([{**record, "spec": {**record["spec"], "task": "recall"}} for record in records], own).reason
    )


def test_without_curves_a_time_to_target_is_not_testable() -> None:
    records = timed(lambda cell, seed: 50)
    found = judge([claim(kind="time-to-target", target=2.0, margin="10%")], to_frame(records))[0]
    assert found.verdict == "not testable"


ALL_KINDS = [
    paired(id="paired"),
    paired(id="ratio", on="seconds_per_update", margin="5%"),
    claim(id="proportion", kind="proportion", margin=0.2, where={"task": "recall"}),
    claim(id="horizon", kind="horizon", margin="25%", where={"task": "recall"}),
    paired(id="trend", kind="trend", along="sequence_length", advantage="grows"),
    claim(id="time", kind="time-to-target", target=1.0, margin="10%"),
    CLAIM.validate_python({"id": "exact", "claim": "E.", "kind": "exact", "fact": "fewer-parameters"}),
]


def mixed_records() -> list[Record]:
    generator = np.random.default_rng(7)
    return [
        simulated_record(
            cell, seed, float(generator.normal(2, 0.2)), task=task, sequence_length=length,
            status="ok" if generator.random() > 0.1 else "diverged", accuracy=float(generator.integers(2)),
            curve=[(10, 2.0), (20, float(generator.normal(1, 0.2)))], seconds_per_update=float(generator.lognormal()),
        )
        for task in ("language", "recall") for length in (10, 20, 40) for cell in ("gru", "lstm") for seed in range(7)
    ]  # fmt: skip


@cache
def in_order() -> list[str]:
    """The verdicts on the mixed records as they come."""
    records = mixed_records()
    return sorted(map(repr, judge(ALL_KINDS, to_frame(records), curves_frame(records))))


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_same_records_give_the_same_verdicts_in_any_order(random: Any) -> None:
    records = mixed_records()
    random.shuffle(records)
    shuffled = judge(list(reversed(ALL_KINDS)), to_frame(records), curves_frame(records))
    assert sorted(map(repr, shuffled)) == in_order()


def test_verdicts_come_in_the_order_of_the_claims() -> None:
    assert [found.id for found in judge(ALL_KINDS, to_frame(mixed_records()))] == [claim.id for claim in ALL_KINDS]


def test_verdicts_are_written_as_strict_json_and_read_back(tmp_path: Path) -> None:
    records = mixed_records()
    verdicts = judge(ALL_KINDS, to_frame(records), curves_frame(records))
    path = tmp_path / "verdicts.json"
    write_verdicts(verdicts, path)
    write_verdicts(verdicts, path)  # replaces
    text = path.read_text()
    rows = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    required = {"id", "claim", "verdict", "effect", "ci_low", "ci_high", "unit", "n", "conditions", "reason"}
    assert all(required <= set(row) for row in rows)
    assert repr(read_verdicts(path)) == repr(verdicts)
    assert [file.name for file in tmp_path.iterdir()] == ["verdicts.json"]


def test_a_file_that_holds_no_verdicts_is_told(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    with pytest.raises(UserError, match="no such file"):
        read_verdicts(path)
    for text in ("{", "[1]", '[{"id": "a"}]', "3"):
        path.write_text(text)
        with pytest.raises(UserError, match="not a file of verdicts"):
            read_verdicts(path)
    with pytest.raises(UserError, match="cannot be written"):
        write_verdicts([], tmp_path / "missing" / "verdicts.json")
