"""Complete runs in separate processes, as users start them: run, stop, continue, judge, report."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import harness
from tests.runner.place import Place, finish, wait_until, without_times

QUICK = """
name = "whole"
title = "Whole"
seeds = 1
cells = ["simple_rnn", "gru", "lstm"]
backend = "keras"

[[sweep]]
task = "recall"
train_size = [100, 150, 200]
sequence_length = 4
units = 4
updates = 8

[[sweep]]
task = "language"
cells = "gru"
train_size = 400
sequence_length = 16
units = 4
updates = 8
[sweep.options]
validation_size = 200
test_size = 200

[[claim]]
id = "better-on-less-data"
claim = "GRUs do better than LSTMs on less data"
kind = "paired"
better = "gru"
than = "lstm"
on = "test_loss"
where = { task = "recall", train_size = "smallest" }
margin = 0.01
"""
TRIALS = 3 * 3 + 1
MEASURED = {
    "seconds_total", "seconds_per_update", "train_loss", "validation_loss", "test_loss", "test_accuracy",
    "test_perplexity", "test_bits_per_character", "machine",
}  # fmt: skip


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("quick"), program="harness")  # a short path: sockets are in it


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str]:
    """A run of the experiment without a stop, and its output."""
    place = Place(tmp_path_factory.mktemp("undisturbed"), program="harness")
    code, output = place.run(QUICK)
    assert code == 0, output
    return place, output


def temporary_files(place: Place) -> list[Path]:
    return [path for path in place.temporary.rglob("*") if not path.is_dir()]


def finished_trials(place: Place) -> dict[str, dict[str, Any]]:
    """The records with status 'ok', by trial id."""
    return {record["trial_id"]: record for record in place.all_records() if record["status"] == "ok"}


def test_one_command_gives_records_verdicts_and_a_report(undisturbed: tuple[Place, str]) -> None:
    place, output = undisturbed
    directory = place.directory
    assert "GRUs do better than" in output
    assert f"Report: {directory / 'report.html'}" in output

    frame = harness.load_records(directory)
    assert len(frame) == TRIALS
    assert set(frame.columns) >= MEASURED
    assert (frame["status"] == "ok").all()
    assert (frame["parameters"] > frame["recurrent_parameters"]).all()
    first = frame[frame["program"] == "compiled"]
    assert (first["memory_peak_bytes"] >= first["memory_baseline_bytes"]).all()
    assert frame.loc[frame["program"] == "reused", "memory_peak_bytes"].isna().all()

    (verdict,) = json.loads((directory / "verdicts.json").read_text(encoding="utf-8"))
    assert {"id", "claim", "verdict", "effect", "ci_low", "ci_high", "unit", "n", "conditions", "reason"} <= set(
        verdict
    )
    assert verdict["n"] == 1

    page = (directory / "report.html").read_text(encoding="utf-8")
    for cell in ("simple rnn", "gru", "lstm"):
        assert cell in page.lower()
    for total in ("12,714", "35,562", "46,698"):
        assert total in page, "the summaries of the article's models"
    assert list((directory / "figures").glob("*.png"))

    first = frame.iloc[0]
    command = [sys.executable, "-m", "harness", "trial", str(directory), first["trial_id"]]
    repeated = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert json.loads(repeated[repeated.index("{") :])["test"]["loss"] == first["test_loss"], "bit for bit"

    assert f"{TRIALS} done before, 0 to do" in place.run(QUICK)[1]
    assert not temporary_files(place)


def test_a_run_stopped_twice_continues_without_repeating_finished_trials(
    place: Place, undisturbed: tuple[Place, str]
) -> None:
    finished: set[str] = set()
    for number, status, further in ((signal.SIGKILL, -signal.SIGKILL, 2), (signal.SIGINT, 130, 1)):
        process = place.start(QUICK)
        count = len(place.rows()) + further
        wait_until(lambda count=count: len(place.rows()) >= count, process)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        output = finish(process)
        assert "Traceback" not in output
        assert process.returncode == status, output
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive
        before, finished = finished, set(finished_trials(place))
        assert before < finished
        assert len(before) + further <= len(finished) < TRIALS

    code, output = place.run(QUICK)
    assert code == 0, output
    rows = place.rows()
    for trial_id in finished:
        assert [key for key in rows if key.startswith(trial_id)] == [f"{trial_id} 1"], "a finished trial was run again"
    assert not temporary_files(place), "the next run removes the files of a killed one"
    stopped, straight = (
        {id: {**without_times(record), "attempt": 1} for id, record in finished_trials(one).items()}
        for one in (place, undisturbed[0])
    )
    assert len(stopped) == TRIALS
    assert stopped == straight


SCRIPT = """
import harness
done = harness.run("whole.toml", results="mine", jobs=1)
print(done.outcome.finished, done.report)
"""


def test_a_script_without_a_main_guard_can_run_an_experiment(tmp_path: Path) -> None:
    text = QUICK.partition('[[sweep]]\ntask = "language"')[0].replace('["simple_rnn", "gru", "lstm"]', '"simple_rnn"')
    (tmp_path / "whole.toml").write_text(text, encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"3 {Path('mine/whole/report.html')}"


def test_the_articles_model_is_summarised() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "summary", "gru"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0
    assert "Total params: 35,562" in done.stdout
    assert "strong_out" in done.stdout
    assert done.stderr == ""


def test_backends_are_measured_side_by_side() -> None:
    arguments = ["--shape", "4,6,3,2", "--rounds", "2", "--cell", "simple_rnn"]
    command = [sys.executable, "-m", "harness", "backends", *arguments, "--backend", "keras", "--backend", "fused"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[1] for row in rows if row[:1] == ["simple_rnn"]] == ["keras", "fused"]
