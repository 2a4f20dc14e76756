"""From the plan to the report: planning, storing and loading records, judging, and building the page."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from harness.report import render
from harness.store.frame import curves_frame, load_records, to_frame
from harness.store.sqlite import open_store
from harness.verdicts.judge import judge
from tests.benchmarks.conftest import Measure
from tests.factories import EXPERIMENT, experiment, plan, record, spec
from tests.report.samples import comparison, frame, report_data, trial
from tests.verdicts.records import ALL_KINDS, mixed_records


def test_plan(benchmark: Any, measure: Measure) -> None:
    benchmark.group = "plan and records"
    wide = experiment(EXPERIMENT, ("seeds = 2", "seeds = 250"))
    assert len(measure(lambda: plan(wide), beside="python loop", rounds=9)) == 1000


def test_store_records(benchmark: Any, measure: Measure, tmp_path: Path) -> None:
    """Each in a transaction of its own, on the disk when it returns."""
    benchmark.group = "plan and records"
    seeds = count()
    with open_store(tmp_path / "results", create=True) as store:

        def add() -> int:
            for _ in range(20):
                store.add(record(spec(seed=next(seeds))))
            return len(store.attempts())

        assert measure(add, beside="fsync", rounds=9) == next(seeds)


def test_load_records(benchmark: Any, measure: Measure, tmp_path: Path) -> None:
    benchmark.group = "plan and records"
    rows = 20 if benchmark.disabled else 300
    specs = [spec(seed=seed) for seed in range(rows)]
    with open_store(tmp_path, create=True) as store:
        store.set_plan({one.id(): one for one in specs})
        for one in specs:
            store.add(record(one))
    assert len(measure(lambda: load_records(tmp_path), beside="python loop", rounds=9)) == rows


def test_judge(benchmark: Any, measure: Measure) -> None:
    benchmark.group = "judge and report"
    records = mixed_records()
    table, curves = to_frame(records), curves_frame(records)
    verdicts = measure(lambda: judge(ALL_KINDS, table, curves), beside="python loop", rounds=9)
    assert len(verdicts) == len(ALL_KINDS)


def test_report(benchmark: Any, measure: Measure, tmp_path: Path) -> None:
    benchmark.group = "judge and report"
    data = report_data(frame(trial()) if benchmark.disabled else comparison(seeds=3))
    path = measure(lambda: render(data, tmp_path), beside="python loop", rounds=3)
    assert path.name == "report.html"
