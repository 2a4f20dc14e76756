"""What training gave is compared with what it gives: parameters, losses, memory."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from harness.spec.load import load_experiment
from harness.tasks import tasks
from tests.benchmarks.quality import EXPECTED, EXPERIMENT, differences, summary
from tests.factories import record

FOUND = summary(
    [
        record(
            parameters=100,
            validation={"loss": 1.1}, test={"loss": 1.2},
            memory={"baseline_bytes": 900, "peak_bytes": 1000, "method": "made up"},
        ).model_dump(mode="json")
    ]
)  # fmt: skip


def changed(machine: str = "", **values: Any) -> dict[str, Any]:
    copy = deepcopy(FOUND)
    copy["machine"] = machine or copy["machine"]
    copy["trials"]["recall gru"] |= values
    return copy


def losses(test: float | None) -> dict[str, float | None]:
    return {"validation": 1.1, "test": test}


def test_what_is_as_it_was_is_no_difference() -> None:
    assert differences(FOUND, FOUND) == []
    assert differences(FOUND, changed("another", losses=losses(1.2 * 1.015), memory_peak_bytes=1090)) == []


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (changed(parameters=101), "recall gru: parameters 101, expected 100"),
        (changed(status="diverged"), "recall gru: status diverged, expected ok"),
        (changed(losses=losses(1.2 + 1e-15)), "recall gru: test loss 1.200000000000001, expected 1.2"),
        (changed("another", losses=losses(1.2 * 1.03)), "recall gru: test loss"),
        (changed("another", losses=losses(None)), "recall gru: test loss None"),
        (changed(memory_peak_bytes=1200), "recall gru: peak memory 1200 bytes, expected 1000"),
        ({**FOUND, "trials": {}}, "recall gru: no trial"),
        ({**FOUND, "trials": {**FOUND["trials"], "x": FOUND["trials"]["recall gru"]}}, "x: not expected"),
    ],
)
def test_every_difference_is_reported(now: dict[str, Any], words: str) -> None:
    (line,) = differences(FOUND, now)
    assert line.startswith(words)


def test_every_task_that_needs_no_file_is_trained_with_every_cell_and_expected() -> None:
    experiment = load_experiment(EXPERIMENT)
    trained = {sweep.task for sweep in experiment.sweep}
    options = {name: tasks[name].options.model_fields.values() for name in tasks}
    assert trained == {name for name, fields in options.items() if not any(field.is_required() for field in fields)}
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    assert set(expected["trials"]) == {f"{task} {cell}" for task in trained for cell in experiment.cells}
    assert {trial["status"] for trial in expected["trials"].values()} == {"ok"}
