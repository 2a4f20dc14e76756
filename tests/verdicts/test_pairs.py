"""Which trials are paired."""

from __future__ import annotations

import math

from harness.verdicts.pairs import PairingCounts
from tests.verdicts.records import NOISE, compared, paired, trials, verdict_of
from tools.simulate import simulated_record


def test_records_of_newer_code_replace_older_ones() -> None:
    old = [{**record, "started_at": "2025-01-01T00:00:00+00:00"} for record in trials(-0.2, code="old")]
    verdict = verdict_of(trials(0.2, code="new") + old, paired())
    assert (verdict.verdict, verdict.n) == ("supported", 8)


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
    verdict = verdict_of(slow + fast + other, paired(on="seconds_per_update", margin="10%"))
    assert (verdict.verdict, verdict.n) == ("no practical difference", 8)
    assert verdict.conditions["machine"] == "fast"


def test_sizes_matched_by_parameters_are_paired() -> None:
    records = []
    for gru, lstm in ((37, 32), (74, 64)):
        for record in trials(0.2):
            units = gru if record["spec"]["cell"] == "gru" else lstm
            spec = record["spec"] | {"units": units, "reference_units": lstm, "matched": "parameters"}
            records.append({**record, "spec": spec, "trial_id": f"{record['trial_id']}-{units}"})
    verdict = verdict_of(records, paired())
    assert verdict.verdict == "supported"
    assert [condition.n for condition in verdict.by_condition] == [8, 8]
    assert verdict.by_condition[0].conditions["units"] == [32, 37]


def test_rates_tuned_for_each_cell_are_paired_and_tuning_is_not_judged() -> None:
    rates = {"gru": 0.01, "lstm": 0.003}
    records = []
    for record in trials(0.2):
        rate = rates[record["spec"]["cell"]]
        records.append({**record, "spec": record["spec"] | {"learning_rate": rate}})
    tuning = trials(-5.0, purpose="tuning", seeds=12)
    verdict = verdict_of(records + tuning, paired())
    assert (verdict.verdict, verdict.n, verdict.by_condition) == ("supported", 8, ())
    assert verdict.conditions["learning_rate"] == [0.003, 0.01]


def test_a_trend_may_have_another_tuned_rate_at_each_size() -> None:
    rates = {("gru", 100): 0.01, ("gru", 200): 0.001, ("gru", 400): 0.01, ("lstm", 100): 0.003}
    records = []
    for size, advantage in ((100, 0.6), (200, 0.4), (400, 0.2)):
        for record in trials(advantage, train_size=size):
            rate = rates.get((record["spec"]["cell"], size), 0.01)
            records.append({**record, "spec": record["spec"] | {"learning_rate": rate}})
    verdict = verdict_of(records, paired(kind="trend", along="train_size", advantage="shrinks"))
    assert (verdict.verdict, verdict.n, verdict.by_condition) == ("supported", 8, ())
    assert verdict.conditions["learning_rate"] == [0.001, 0.003, 0.01]


def test_learning_rates_of_a_sweep_stay_conditions_of_a_trend() -> None:
    records = []
    for size, advantage in ((100, 0.6), (200, 0.4), (400, 0.2)):
        for rate in (0.001, 0.01):
            for record in trials(advantage, train_size=size):
                spec = record["spec"] | {"learning_rate": rate}
                records.append({**record, "spec": spec, "trial_id": f"{record['trial_id']}-{rate}"})
    verdict = verdict_of(records, paired(kind="trend", along="train_size", advantage="shrinks"))
    assert [condition.conditions["learning_rate"] for condition in verdict.by_condition] == [0.001, 0.01]


def test_a_seed_without_all_sizes_is_left_out_of_a_trend_and_counted() -> None:
    records = [r for size in (100, 200, 400) for r in trials(60 / size, train_size=size)]
    records = [r for r in records if (r["spec"]["seed"], r["spec"]["train_size"]) != (3, 400)]
    evidence = compared(records, paired(kind="trend", along="train_size", advantage="shrinks"))
    assert evidence.overall.sample.estimate.n == 7
    assert evidence.counts == PairingCounts(unpaired=4)


def test_a_claim_selects_trials_by_the_options_of_their_task() -> None:
    records = [
        record
        for symbols, advantage in ((4, 0.2), (8, -0.2), (16, -0.2))
        for record in trials(
            advantage, task="recall", options={"symbols": symbols, "files": ["a"]}, data={"symbols": str(symbols)}
        )
    ]
    assert verdict_of(records, paired(where={"options": {"symbols": 4}})).verdict == "supported"
    verdict = verdict_of(records, paired(where={"options": {"symbols": [8, 16]}}))
    assert verdict.verdict == "contradicted"
    assert [condition.conditions["dataset"] for condition in verdict.by_condition] == ["symbols 16", "symbols 8"]
    for options, words in (
        ({"symbols": 5, "files": "a"}, "options.symbols 5, options.files a. The records have options.symbols 4 and 8"),
        ({"language": "parity"}, "options.language parity. The records have no options.language"),
    ):
        assert words in verdict_of(records, paired(where={"options": options})).reason


def test_smallest_and_largest_are_those_of_each_task() -> None:
    records = [
        record
        for task, sizes in (("language", (100, 200)), ("recall", (5, 10)))
        for size in sizes
        for record in trials(0.2 if size in (100, 5) else -0.2, task=task, train_size=size)
    ]
    assert verdict_of(records, paired(where={"train_size": "smallest"})).verdict == "supported"
    verdict = verdict_of(records, paired(where={"train_size": "largest"}))
    assert verdict.verdict == "contradicted"
    assert [condition.conditions["train_size"] for condition in verdict.by_condition] == [200, 10]


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
    times = verdict_of(beside + alone, paired(on="seconds_per_update", margin="10%"))
    assert (times.verdict, times.conditions["lane"], times.by_condition) == ("no practical difference", "speed", ())
    times = verdict_of(beside + alone, paired(on="seconds_per_update", margin="10%", where={"lane": "accuracy"}))
    assert (times.verdict, times.conditions["lane"]) == ("supported", "accuracy")
    losses = verdict_of(beside + alone, paired())
    assert (losses.verdict, losses.conditions["lane"], losses.by_condition) == ("supported", "accuracy", ())
    across = [r for r in beside if r["spec"]["cell"] == "gru"] + [r for r in alone if r["spec"]["cell"] == "lstm"]
    assert verdict_of(across, paired(on="seconds_per_update", margin="10%")).n == 0


def test_seeds_run_on_two_machines_are_two_conditions_of_a_claim_on_times() -> None:
    records = [
        simulated_record(cell, seed, 1.0, machine=f"machine {seed % 2}", seconds_per_update=1.0 + (cell == "lstm"))
        for cell in ("gru", "lstm")
        for seed in range(12)
    ]
    verdict = verdict_of(records, paired(on="seconds_per_update", margin="10%"))
    assert [part.conditions["machine"] for part in verdict.by_condition] == ["machine 0", "machine 1"]
    assert [part.n for part in verdict.by_condition] == [6, 6]
