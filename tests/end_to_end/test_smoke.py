"""The whole flow as a user has it: run, stop, go on, judge, report; in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import harness
from harness.store.sqlite import FILE_NAME

QUICK = """
name = "quick"
title = "Quick"
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
COLUMNS = [
    "trial_id",
    "task",
    "cell",
    "backend",
    "lane",
    "units",
    "layers",
    "matched",
    "train_size",
    "sequence_length",
    "learning_rate",
    "batch_size",
    "seed",
    "status",
    "parameters",
    "recurrent_parameters",
    "updates",
    "seconds_total",
    "seconds_per_update",
    "memory_baseline_bytes",
    "memory_peak_bytes",
    "train_loss",
    "validation_loss",
    "test_loss",
    "test_accuracy",
    "machine",
    "test_perplexity",
    "test_bits_per_character",
]


def new_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quick") / "quick.toml"  # a short path: sockets lie below it
    path.write_text(QUICK, encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_file(tmp_path_factory)


@dataclass(frozen=True)
class Undisturbed:
    """A run of the experiment that nothing stopped."""

    file: Path
    output: str

    @property
    def directory(self) -> Path:
        return self.file.parent / "results" / "quick"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    file = new_file(tmp_path_factory)
    process = start(file)
    output = finish(process)
    assert process.returncode == 0, output
    return Undisturbed(file, output)


def start(file: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harness", "run", str(file), "--results", str(file.parent / "results"), *arguments]
    temporary = file.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=file.parent,
        env={**os.environ, "TMPDIR": str(temporary)},
    )


def temporary_files(file: Path) -> list[Path]:
    return [path for path in (file.parent / "temporary").rglob("*") if not path.is_dir()]


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=300)
    return output


def stored(directory: Path) -> list[tuple[str, int, str, str]]:
    if not (directory / FILE_NAME).exists():
        return []
    with closing(sqlite3.connect(f"file:{directory / FILE_NAME}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return connection.execute("SELECT trial_id, attempt, status, record FROM trial").fetchall()
        except sqlite3.OperationalError:  # the tables are not made yet
            return []


def wait_for_records(directory: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(stored(directory)) < count:
        assert time.monotonic() < deadline, "no records came"
        time.sleep(0.05)


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    kept = (
        "trial_id",
        "spec",
        "status",
        "parameters",
        "recurrent_parameters",
        "updates",
        "train",
        "validation",
        "test",
    )
    losses = [(point["update"], point["train_loss"], point["validation_loss"]) for point in record["curve"]]
    return {**{key: record[key] for key in kept}, "curve": losses, "baselines": record["baselines"]}


def test_one_command_gives_records_verdicts_and_a_report(undisturbed: Undisturbed) -> None:
    directory = undisturbed.directory
    assert "GRUs do better than" in undisturbed.output
    assert f"Report: {directory / 'report.html'}" in undisturbed.output

    frame = harness.load_records(directory)
    assert len(frame) == TRIALS
    assert set(COLUMNS) <= set(frame.columns)
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

    again = finish(start(undisturbed.file))
    assert f"{TRIALS} done before, 0 to do" in again
    assert not temporary_files(undisturbed.file)


def test_a_run_stopped_twice_goes_on_without_repeating_a_finished_trial(file: Path, undisturbed: Undisturbed) -> None:
    directory = file.parent / "results" / "quick"
    finished: set[str] = set()
    for number, status, further in ((signal.SIGKILL, -signal.SIGKILL, 2), (signal.SIGINT, 130, 1)):
        process = start(file)
        wait_for_records(directory, len(stored(directory)) + further)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        output = finish(process)
        assert "Traceback" not in output
        assert process.returncode == status, output
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive, "nothing is left running"
        before, finished = finished, {row[0] for row in stored(directory) if row[2] == "ok"}
        assert before < finished
        assert len(before) + further <= len(finished) < TRIALS

    process = start(file)
    output = finish(process)
    assert process.returncode == 0, output
    rows = stored(directory)
    assert len({row[0] for row in rows if row[2] == "ok"}) == TRIALS
    for trial_id in finished:
        assert [row[1] for row in rows if row[0] == trial_id] == [1], "a finished trial was run again"

    assert not temporary_files(file), "what a killed run left went with the next one"
    records = {row[0]: json.loads(row[3]) for row in rows if row[2] == "ok"}
    others = {row[0]: json.loads(row[3]) for row in stored(undisturbed.directory)}
    assert {key: without_times(r) for key, r in records.items()} == {key: without_times(r) for key, r in others.items()}


SCRIPT = """
import harness
done = harness.run("quick.toml", results="mine", jobs=1)
print(done.outcome.finished, done.report)
"""


def test_a_script_without_a_main_guard_may_run_an_experiment(file: Path) -> None:
    text = QUICK.partition('[[sweep]]\ntask = "language"')[0].replace('["simple_rnn", "gru", "lstm"]', '"simple_rnn"')
    file.write_text(text, encoding="utf-8")
    script = file.parent / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=file.parent, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"3 {Path('mine/quick/report.html')}"


def test_the_documents_model_is_summarised() -> None:
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
