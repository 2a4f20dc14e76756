"""Time to target: derived from curves and the speed lane, and compared with the measured time."""

from __future__ import annotations

import dataclasses
import math
from typing import Any
from unittest.mock import ANY

import pandas as pd
import pytest
from pydantic import TypeAdapter

from harness.spec.claims import Claim, Where
from harness.store.frame import curves_frame, to_frame
from harness.store.interim import InterimAnalyses
from harness.tasks import tasks
from harness.verdicts.judge import judge
from harness.verdicts.outcomes import SecondsFrom, ToTarget, with_outcome
from harness.verdicts.target_times import FIGURES, target_times
from tools.simulate import simulated_record

Record = dict[str, Any]
REACHED_AT = 60


def trial(cell: str, seed: int, reached: int | None, *, pace: float = 0.01, **spec: Any) -> Record:
    """A trial of `recall`, whose target is an accuracy of 0.99; evaluated every 20 updates up to 100."""
    updates = range(20, 120, 20)
    record = simulated_record(
        cell,
        seed,
        1.0,
        task="recall",
        curve=[(u, 1.0) for u in updates],
        seconds_per_update=pace,
        evaluate_every=20,
        **spec,
    )
    for point in record["curve"]:
        at_target = reached is not None and point["update"] >= reached
        point["validation"]["accuracy"] = 0.995 if at_target else 0.5
        point["seconds"] = 2.0 + point["update"] * pace
    record["phases"]["first_step"] = {"wall_seconds": 2.0 + pace, "cpu_seconds": 1.0, "memory_peak_bytes": 1}
    return record


def timing(cell: str, seed: int, pace: float, **spec: Any) -> Record:
    return simulated_record(
        cell, seed, math.nan, task="recall", seconds_per_update=pace, lane="speed", evaluate_every=7, updates=70, **spec
    )


def check(cell: str, seed: int, reached: int | None, pace: float, **spec: Any) -> Record:
    return trial(cell, seed, reached, pace=pace, lane="speed", purpose="check", **spec)


def times(*records: Record) -> pd.DataFrame:
    return target_times(to_frame(records), curves_frame(records))


def test_a_row_has_derived_and_measured_time_and_their_ratio() -> None:
    records = [trial("gru", 0, REACHED_AT), trial("gru", 1, 80)]
    records += [timing("gru", seed, pace) for seed, pace in enumerate((0.003, 0.004, 0.005))]
    table = times(*records, check("gru", 0, REACHED_AT, 0.005)).set_index("seed")
    assert list(table.loc[0, list(FIGURES)]) == pytest.approx([60, 0.004, 0.24, 60, 0.3, 0.8])
    assert table.loc[1, "seconds_derived"] == pytest.approx(0.32)
    assert math.isnan(table.loc[1, "seconds_measured"])


def test_a_miss_is_infinite() -> None:
    speed = timing("gru", 0, 0.004)
    rows = times(
        speed,
        *(trial("gru", seed, reached) for seed, reached in enumerate((None, 60, None))),
        *(check("gru", seed, reached, 0.004) for seed, reached in enumerate((60, None, None))),
    ).set_index("seed")
    assert list(rows["seconds_derived"]) == pytest.approx([math.inf, 0.24, math.inf])
    assert list(rows["seconds_measured"]) == pytest.approx([0.24, math.inf, math.inf])
    assert list(rows["ratio"][:2]) == [math.inf, 0]
    assert math.isnan(rows.loc[2, "ratio"]), "both missed"


def test_a_check_that_failed_before_the_target_missed_it() -> None:
    failed = check("gru", 0, None, 0.004, status="timeout")
    (row,) = times(trial("gru", 0, 60), timing("gru", 0, 0.004), failed).to_dict("records")
    assert row["seconds_measured"] == math.inf


@pytest.mark.parametrize(
    "other", [{"units": 64}, {"sequence_length": 50}, {"batch_size": 8}, {"backend": "fused"}, {"dropout": 0.5}]
)
def test_seconds_per_update_come_from_trials_of_equal_cost(other: dict[str, Any]) -> None:
    assert times(trial("gru", 0, 60), timing("gru", 0, 0.004, **other)).empty


def test_seconds_per_update_do_not_depend_on_train_size_or_learning_rate() -> None:
    assert len(times(trial("gru", 0, 60), timing("gru", 9, 0.004, train_size=5, learning_rate=1.0))) == 1


@pytest.mark.parametrize(("schedule", "found"), [("constant", 1), ("cosine", 0)])
def test_a_check_may_plan_other_updates_unless_the_learning_rate_depends_on_them(schedule: str, found: int) -> None:
    records = trial("gru", 0, 60, schedule=schedule), timing("gru", 0, 0.004, schedule=schedule)
    (same,) = times(*records, check("gru", 0, 60, 0.005, schedule=schedule)).to_dict("records")
    (other,) = times(*records, check("gru", 0, 60, 0.005, schedule=schedule, updates=400)).to_dict("records")
    assert same["seconds_measured"] == pytest.approx(0.3)
    assert int(not math.isnan(other["seconds_measured"])) == found


def test_nothing_is_pooled_over_machines() -> None:
    assert times(trial("gru", 0, 60), timing("gru", 0, 0.004, machine="other")).empty


def test_no_target_is_reached_without_curves_or_records() -> None:
    without = simulated_record("gru", 0, 1.0, task="recall", evaluate_every=20)
    (row,) = times(without, timing("gru", 0, 0.01)).to_dict("records")
    assert row["updates"] == math.inf
    assert times().empty
    assert list(times().columns)[-len(FIGURES) :] == list(FIGURES)


without_target = dataclasses.replace(tasks["recall"], solved=None, target=None)


def test_a_task_without_a_target_has_no_time_to_it() -> None:
    records = [
        simulated_record("gru", 0, 1.0, task="language", curve=[(10, 1.0)], lane=lane) for lane in ("accuracy", "speed")
    ]
    for record in records:
        record["spec"]["task"] = "tests.verdicts.test_target_times:without_target"
    assert times(*records).empty


CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)


def claim(by: str) -> Claim:
    fields = {"id": "t", "claim": "T.", "kind": "time-to-target", "better": "gru", "than": "lstm", "margin": "5%"}
    return CLAIM.validate_python({**fields, "target": 1.0, "by": by})


def verdict(by: str, records: list[Record]) -> Any:
    return judge([claim(by)], to_frame(records), curves_frame(records))[0]


def to_target(by: str, records: list[Record], **changed: Any) -> ToTarget:
    _, outcome = with_outcome(to_frame(records), claim(by).model_copy(update=changed), curves_frame(records))
    assert outcome.to_target is not None
    return outcome.to_target


def test_claims_on_seconds_use_the_speed_lane_and_leave_checks_out() -> None:
    records = [trial(cell, seed, 60, pace=1.0 + 0.01 * seed) for seed in range(6) for cell in ("gru", "lstm")]
    shared = verdict("seconds", records)
    assert to_target("seconds", records) == ToTarget("seconds", (("loss", 1.0),), "shared machine")
    assert shared.effect == pytest.approx(0)
    records += [timing("gru", 0, 0.01), timing("lstm", 0, 0.02), check("gru", 0, None, 9.0), check("lstm", 0, 60, 0.1)]
    records += [trial("gru", 0, 20, purpose="tuning", units=99)]
    alone = verdict("seconds", records)
    assert to_target("seconds", records) == ToTarget("seconds", (("loss", 1.0),), "medians")
    assert alone.effect == pytest.approx(100), "twice as fast an update, the same updates"
    assert alone.n == 6
    assert verdict("updates", records).effect == pytest.approx(0)
    assert to_target("updates", records) == ToTarget("updates", (("loss", 1.0),))


def test_both_cells_use_their_own_seconds_if_one_has_no_speed_trials() -> None:
    records = [trial(cell, seed, 60, pace=1.0) for seed in range(6) for cell in ("gru", "lstm")]
    assert to_target("seconds", [*records, timing("gru", 0, 0.01)]).seconds_from == "shared machine"


def test_trials_outside_the_claim_need_no_speed_trials() -> None:
    records = [trial(cell, seed, 60) for seed in range(6) for cell in ("gru", "lstm")]
    records += [timing("gru", 0, 0.01), timing("lstm", 0, 0.02)]
    records += [trial(cell, 0, 60, sequence_length=99) for cell in ("gru", "lstm")]
    assert to_target("seconds", records).seconds_from == "shared machine"
    assert to_target("seconds", records, where=Where(sequence_length=(25,))).seconds_from == "medians"


@pytest.mark.parametrize(
    ("blocks_of_lstm", "how"),
    [
        (("a", "b"), "ratios within rounds"),
        (("c", "d"), "medians"),
        (("a", "d"), "ratios within rounds of common blocks, else medians"),
    ],
)
def test_the_source_of_seconds_per_update_is_recorded(blocks_of_lstm: tuple[str, ...], how: SecondsFrom) -> None:
    records = [
        trial(cell, seed, 60, backend=backend)
        for seed in range(6)
        for cell in ("gru", "lstm")
        for backend in ("keras", "fused")
    ]
    for backend, block, of_lstm in zip(("keras", "fused"), "ab", blocks_of_lstm, strict=True):
        records.append(timing("gru", 0, 0.01, backend=backend) | {"timing_block": block, "rounds": [0.01]})
        records.append(timing("lstm", 0, 0.02, backend=backend) | {"timing_block": of_lstm, "rounds": [0.02]})
    assert to_target("seconds", records).seconds_from == how


def test_an_interim_analysis_uses_the_seconds_per_update_of_all_timing_blocks() -> None:
    records = [trial(cell, seed, 60) for seed in range(10) for cell in ("gru", "lstm")]
    for seed, slower in enumerate((1.5, 2.0, 3.0)):
        for cell, pace in (("gru", 0.01), ("lstm", 0.01 * slower)):
            records.append(timing(cell, seed, pace) | {"timing_block": f"b{seed}", "rounds": [pace]})
    interim = {"t": InterimAnalyses((4, 9), 10)}
    (verdict,) = judge([claim("seconds")], to_frame(records), curves_frame(records), interim)
    percent = 100 * (9 ** (1 / 3) - 1)
    assert [(analysis.n, analysis.effect) for analysis in verdict.interim_analyses] == [
        (5, pytest.approx(math.log(9) / 3)),
        (10, ANY),
    ]
    assert verdict.effect == pytest.approx(percent)
