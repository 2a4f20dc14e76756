"""From a trial's messages to its record, however far it came."""

from __future__ import annotations

import json

import pytest

from harness.runner.attempt import TAIL_BYTES, Attempt, describe_exit
from harness.runner.engine import Trial
from tests.factories import spec


def attempt(*messages: dict[str, object]) -> Attempt:
    made = Attempt(Trial(spec().id(), spec(), attempt=2), threads=1)
    for message in messages:
        made.message(json.dumps(message).encode())
    return made


def test_a_finished_trial_is_ok_with_what_it_measured() -> None:
    told = attempt({"phase": "data"}, {"measured": {"parameters": 7}}, {"measured": {"updates": 3}}, {"end": "ok"})
    record = told.record(None, 0)
    assert (record.status, record.parameters, record.updates, record.attempt) == ("ok", 7, 3, 2)
    assert record.failure is None
    assert record.seconds_total is not None


def test_a_trial_that_dies_leaves_its_phase_its_exit_and_what_it_had_measured() -> None:
    told = attempt({"phase": "data"}, {"measured": {"parameters": 7}}, {"phase": "train"})
    told.output(b"last words")
    record = told.record(None, -11)
    assert (record.status, record.parameters) == ("crashed", 7)
    assert record.failure is not None
    assert (record.failure.phase, record.failure.exit_code, record.failure.stderr) == ("train", -11, "last words")
    assert "SIGSEGV" in record.failure.message


def test_what_a_trial_says_of_its_failure_is_kept() -> None:
    record = attempt({"failure": {"phase": "build", "message": "no"}}, {"end": "diverged"}).record(None, 0)
    assert record.failure is not None
    assert (record.status, record.failure.phase, record.failure.message) == ("diverged", "build", "no")


def test_the_runners_reason_overrules_the_trials() -> None:
    record = attempt({"phase": "train"}, {"end": "ok"}).record("interrupted", -15, "stopped")
    assert record.failure is not None
    assert (record.status, record.failure.message) == ("interrupted", "stopped")


def test_of_much_output_the_tail_is_kept() -> None:
    told = attempt()
    for _ in range(100):
        told.output(b"x" * 4096)
    told.output("the ändé".encode())
    record = told.record(None, 1)
    assert record.failure is not None
    assert record.failure.stderr.endswith("the ändé")
    assert len(record.failure.stderr.encode()) <= TAIL_BYTES


@pytest.mark.parametrize(
    ("code", "words"), [(3, "exit code 3"), (-9, "SIGKILL"), (-200, "signal 200"), (None, "no exit code")]
)
def test_exit_codes_in_words(code: int | None, words: str) -> None:
    assert words in describe_exit(code)
