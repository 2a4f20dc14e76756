"""Making each task's data: every round with seeds of its own, so that nothing kept from before is used."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.tasks import tasks
from tests.benchmarks.conftest import Measure

DRAWS = {"sound_events": 1, "adding": 5, "copying": 5, "language": 2, "recall": 3, "temporal_order": 3, "words": 3}
"""Data sets a round, so that it takes some hundredths of a second; of others twenty."""
ROUNDS = {"sound_events": 3}


@pytest.mark.parametrize("name", sorted(tasks))
def test_data(benchmark: Any, measure: Measure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("HARNESS_CACHE", raising=False)
    benchmark.group = "data"
    task = tasks[name]
    options = task.options.model_validate(task.sample(tmp_path) if task.sample else {})
    seeds = count(1)
    draws = 1 if benchmark.disabled else DRAWS.get(name, 20)

    def make() -> Any:
        for _ in range(draws):
            data = task.make(*task.small, next(seeds), options)
        return data

    dataset = measure(make, beside="python loop", rounds=ROUNDS.get(name, 9))
    assert len(dataset.train.x) == len(dataset.train.y) > 0
