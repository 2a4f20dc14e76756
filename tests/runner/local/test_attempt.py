"""The record that follows from the messages of a trial, complete or not."""

from __future__ import annotations

import json
import signal

import pytest

from harness.runner.engine import Trial
from harness.runner.local.attempt import MESSAGE_BYTES, TAIL_BYTES, Attempt, describe_exit
from tests.factories import spec


def attempt(*messages: dict[str, object]) -> Attempt:
    begun = Attempt(Trial(spec().id(), spec(), attempt=2), threads=1)
    for message in messages:
        begun.receive(json.dumps(message).encode() + b"\n")
    return begun


def test_the_record_of_a_finished_trial_has_its_measurements() -> None:
    ended = attempt({"phase": "data"}, {"measured": {"parameters": 7}}, {"measured": {"updates": 3}}, {"end": "ok"})
    record = ended.record(None, 0)
    assert (record.status, record.parameters, record.updates, record.attempt) == ("ok", 7, 3, 2)
    assert record.failure is None
    assert record.seconds_total is not None


def test_the_record_of_a_crashed_trial_has_its_phase_exit_code_and_measurements() -> None:
    ended = attempt({"phase": "data"}, {"measured": {"parameters": 7}}, {"phase": "train"})
    ended.output(b"last words")
    record = ended.record(None, -11)
    assert (record.status, record.parameters) == ("crashed", 7)
    assert record.failure is not None
    assert (record.failure.phase, record.failure.exit_code, record.failure.stderr) == ("train", -11, "last words")
    assert "SIGSEGV" in record.failure.message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_trial_that_a_stop_signal_ended_is_interrupted(number: signal.Signals) -> None:
    record = attempt({"phase": "train"}).record(None, -number)
    assert record.failure is not None
    assert (record.status, record.failure.message) == ("interrupted", f"the process was ended by {number.name}")
    assert attempt({"phase": "train"}, {"end": "ok"}).record(None, -number).status == "ok", "it had ended before"


def test_a_trial_without_an_exit_code_is_interrupted_unless_it_reported_its_end() -> None:
    assert attempt({"phase": "train"}).record(None, None).status == "interrupted"
    assert attempt({"phase": "train"}, {"end": "diverged"}).record(None, None).status == "diverged"


def test_the_failure_that_a_trial_reports_is_kept() -> None:
    record = attempt({"failure": {"phase": "build", "message": "no"}}, {"end": "diverged"}).record(None, 0)
    assert record.failure is not None
    assert (record.status, record.failure.phase, record.failure.message) == ("diverged", "build", "no")


def test_the_reason_of_the_runner_replaces_that_of_the_trial() -> None:
    record = attempt({"phase": "train"}, {"end": "ok"}).record("interrupted", -15, "stopped")
    assert record.failure is not None
    assert (record.status, record.failure.message) == ("interrupted", "stopped")


def test_only_the_end_of_a_long_output_is_kept() -> None:
    ended = attempt()
    for _ in range(100):
        ended.output(b"x" * 4096)
    ended.output("the ändé".encode())
    record = ended.record(None, 1)
    assert record.failure is not None
    assert record.failure.stderr.endswith("the ändé")
    assert len(record.failure.stderr.encode()) <= TAIL_BYTES


def test_messages_can_arrive_in_pieces_and_several_at_once() -> None:
    ended = attempt()
    for piece in (b'{"phase": "da', b'ta"}\n{"measured": {"parameters"', b": 7}}\n", b'{"end": "ok"}\n{"phase": "tr'):
        ended.receive(piece)
    record = ended.record(None, 0)
    assert (record.status, record.parameters, ended.phase) == ("ok", 7, "data")


def test_an_invalid_or_too_long_message_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        attempt().receive(b"no message\n")
    ended = attempt()
    with pytest.raises(ValueError, match="a message of more than 64 MiB"):
        ended.receive(b"x" * (MESSAGE_BYTES + 1))


def test_invalid_measurements_make_a_crashed_record_with_the_valid_ones() -> None:
    ended = attempt({"measured": {"parameters": 7, "updates": "many", "test": {"loss": "low"}}}, {"end": "ok"})
    record = ended.record(None, 0)
    assert (record.status, record.parameters, record.updates, record.test) == ("crashed", 7, 0, {})
    assert record.failure is not None
    assert "cannot be stored (updates: Input should be a valid integer" in record.failure.message
    assert "test: Input should be a valid number" in record.failure.message


def test_a_reason_that_is_not_valid_text_is_stored_with_replacements() -> None:
    record = attempt({"failure": {"phase": "data", "message": "no file \udcff"}}, {"end": "crashed"}).record(None, 0)
    assert record.failure is not None
    assert record.failure.message == "no file ?"


@pytest.mark.parametrize(
    ("code", "words"), [(3, "exit code 3"), (-9, "SIGKILL"), (-200, "signal 200"), (None, "without an exit code")]
)
def test_exit_codes_in_words(code: int | None, words: str) -> None:
    assert words in describe_exit(code)
