"""The progress display of a run: lines in piped output, a bar on a terminal."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from harness.plan.estimate import Estimator, load_of
from harness.runner.engine import Trial
from harness.runner.progress import ShowProgress, describe
from harness.store.record import Failure
from harness.words import duration
from tests.factories import record, spec

TRIALS = [Trial(s.id(), s) for s in (spec(seed=seed) for seed in range(12))]
WHY = Failure(phase="train", message="[/red] ran away\nand further", stderr="")


def shown(*, terminal: bool, status: str) -> str:
    """The output while twelve trials end with this status."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, color_system=None)
    with ShowProgress(console, TRIALS, Estimator(), (2,), before=3) as progress:
        for trial in TRIALS:
            progress.started(trial)
            progress.finished(record(trial.spec, status=status, failure=None if status == "ok" else WHY))
    return output.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3599.6, "1 h 00 min"), (7260, "2 h 01 min")],
)
def test_durations_are_shown_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_failed_trial_is_shown_in_one_line() -> None:
    text = describe(record(TRIALS[0].spec, status="diverged", failure=WHY))
    assert text.startswith("diverged: gru/keras recall size 20 length 5 seed 0 (")
    assert text.endswith("): [/red] ran away")
    assert describe(record(TRIALS[0].spec, status="timeout")).endswith("): ")


def test_a_failed_trial_is_shown_with_its_data_if_the_plan_has_several() -> None:
    planned = [
        spec(task="language", options={"text": f"/{letter}/corpus.txt"}, data={"text_sha256": letter})
        for letter in "ab"
    ]
    assert "gru/keras language (b/corpus.txt) size" in describe(record(planned[1], status="crashed"), planned)


def test_piped_output_ends_with_all_trials_done() -> None:
    lines = shown(terminal=False, status="ok").splitlines()
    assert lines == ["15 of 15 trials done, 0 running, 0 failed, about 0 s left"]


def test_ten_failures_are_shown_and_the_others_counted() -> None:
    lines = shown(terminal=False, status="crashed").splitlines()
    assert [line.partition(":")[0] for line in lines[:10]] == ["crashed"] * 10
    assert "[/red] ran away" in lines[0], "the output of a trial is not interpreted as markup"
    assert lines[10] == "Further failures are counted here and listed in the report."
    assert lines[11] == "15 of 15 trials done, 0 running, 12 failed, about 0 s left"


def test_a_run_that_waits_for_another_one_reports_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("harness.runner.progress.time.monotonic", lambda: now)
    output = io.StringIO()
    with ShowProgress(Console(file=output, width=100), TRIALS, Estimator(), (2,), before=0) as progress:
        for moment in range(40):
            now = moment / 4
            progress.held_up("another run")
            assert ("Waiting for another run." in output.getvalue()) == (now >= 5)
        assert output.getvalue().count("Waiting") == 1
        progress.started(TRIALS[0])
        now = 11
        progress.held_up("another run")
        assert output.getvalue().count("Waiting") == 1, "it is shown again after five seconds"
        now = 17
        progress.held_up("another run")
        assert output.getvalue().count("Waiting") == 2


def test_a_terminal_has_a_bar() -> None:
    text = shown(terminal=True, status="ok")
    assert "15/15" in text
    assert "0 running, 0 failed" in text
    assert "trials done" not in text


def test_the_time_left_is_that_of_the_waiting_trials_limited_by_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estimator = Estimator()
    estimator.learn(load_of(TRIALS[0].spec), 60.0)
    now = 0.0
    monkeypatch.setattr("harness.runner.progress.time.monotonic", lambda: now)
    for deadline, text in ((math.inf, "about 5 min 30 s left"), (130.0, "about 1 min 30 s left")):
        now = 0.0
        output = io.StringIO()
        with ShowProgress(Console(file=output, width=40), TRIALS, estimator, (2,), 3, deadline) as progress:
            progress.started(TRIALS[0])
            now = 40.0
            progress.finished(record(TRIALS[0].spec, seconds_total=60.0))
        assert output.getvalue() == f"4 of 15 trials done, 0 running, 0 failed, {text}\n"


def test_progress_lines_are_ten_seconds_apart_and_are_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("harness.runner.progress.time.monotonic", lambda: now)
    output = io.StringIO()
    with ShowProgress(Console(file=output, width=20), TRIALS, Estimator(), (2,), before=0) as progress:
        for now in (0.0, 10.0, 10.5, 20.0, 20.5, 21.0):  # noqa: B007
            progress.started(TRIALS[0])
            progress.finished(record(TRIALS[0].spec, status="crashed", failure=WHY))
    lines = [line for line in output.getvalue().splitlines() if not line.startswith("crashed: ")]
    assert [line.split(" of ")[0] for line in lines] == ["2", "5"]
    assert all(line.endswith(" left") for line in lines)
    assert output.getvalue().count("crashed: gru/keras recall size 20 length 5 seed 0") == 6
