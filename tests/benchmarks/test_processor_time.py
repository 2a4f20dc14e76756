"""What is computed from the records of two versions."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.benchmarks.processor_time import accuracy_only, phases, seconds_a_trial


def trial(seconds: float, seed: int, **changes: Any) -> dict[str, Any]:
    made = {"status": "ok", "failure": None, "spec": {"cell": "gru", "seed": seed}, "program": "compiled"}
    return {**made, "phases": {"train": {"cpu_seconds": seconds - 1}, "evaluate": {"cpu_seconds": 1.0}}, **changes}


def test_a_version_that_always_compiles_takes_as_long_with_any_number_of_seeds() -> None:
    records = [trial(4.0, 0), trial(6.0, 1)]
    for record in records:
        del record["program"]
    assert seconds_a_trial(records, 5) == seconds_a_trial(records, 20) == 5.0


def test_compiling_counts_once_a_program_and_less_with_more_seeds() -> None:
    large = {"spec": {"cell": "gru", "train_size": 9, "seed": 0}, "program": "reused"}
    records = [trial(7.0, 0), trial(2.0, 1, program="reused"), trial(2.0, 2, program="reused"), trial(4.0, 0, **large)]
    assert seconds_a_trial(records, 5) == pytest.approx((5 * 2.0 + 5.0 + 5 * 4.0) / 10)
    assert seconds_a_trial(records, 20) == pytest.approx((20 * 2.0 + 5.0 + 20 * 4.0) / 40)


def test_a_failed_trial_is_no_measurement() -> None:
    with pytest.raises(AssertionError):
        seconds_a_trial([trial(4.0, 0, status="crashed")], 5)


def test_phases_are_shown_by_whether_the_program_was_reused() -> None:
    found = phases([trial(3.0, 0), trial(2.0, 1, program="reused"), trial(4.0, 2, program="reused")])
    assert found == "  1 compiled: train 2.00, evaluate 1.00 s\n  2 reused: train 2.00, evaluate 1.00 s"


def test_only_accuracy_trials_are_run() -> None:
    text = 'seeds = 5\n[[sweep]]\ntask = "recall"\n[[sweep]]\nlane = "speed"\ntask = "recall"\n[[claim]]\nid = "a"\n'
    assert tomllib.loads(accuracy_only(text, (0, 1))) == {"seeds": [0, 1], "sweep": [{"task": "recall"}]}
