"""A folder for complete runs of `harness` with pretended training (tests/runner/pretend.py)."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.store.sqlite import FILE_NAME, open_store

ROOT = Path(__file__).parents[2]
MARK = "HARNESS_TEST"
HEAD = """
name = "whole"
title = "Whole"
cells = "gru"
backend = "keras"
seeds = 1
"""
SWEEP = """
[[sweep]]
task = "{task}"
train_size = {size}
sequence_length = 5
units = 4
updates = 6
evaluate_every = 2
"""


@dataclass
class Place:
    """A folder for runs of one experiment, with a separate temporary folder; `start` runs `harness run` there."""

    folder: Path
    program: str = "tests.runner.pretend"
    """The module that is run; `harness` trains."""
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"  # short: sockets in it must not have too long a path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def directory(self) -> Path:
        """The experiment's results folder."""
        return self.results / "whole"

    def start(self, text: str, *, arguments: Sequence[str] = ("--jobs", "2"), **options: Any) -> subprocess.Popen[str]:
        """Start a run of the experiment. arguments: further ones of `harness run`; options: those of `command`."""
        file = self.folder / "whole.toml"
        file.write_text(text, encoding="utf-8")
        return self.command("run", str(file), "--results", str(self.results), *arguments, **options)

    def command(
        self, *words: str, environment: Mapping[str, str] = {}, terminal: int = subprocess.PIPE, **options: Any
    ) -> subprocess.Popen[str]:
        """Start `harness` with these words. terminal: file descriptor of its output; options: those of Popen."""
        self.temporary.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", self.program, *words],
            stdout=terminal,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.temporary), MARK: str(self.folder), **environment},
            **options,
        )
        self.started.append(process)
        return process

    def run(self, text: str, **options: Any) -> tuple[int, str]:
        """Run the experiment to its end; returns exit code and output."""
        process = self.start(text, **options)
        output = finish(process)
        return process.returncode, output

    def start_anew(self) -> None:
        """Delete the results."""
        shutil.rmtree(self.results)

    def records(self) -> dict[tuple[str, int], dict[str, Any]]:
        """The last attempt at each trial, by the task's name and the training-set size."""
        with open_store(self.directory) as store:
            records = list(store.records())
        return {(r["spec"]["task"].rpartition(":")[2], r["spec"]["train_size"]): r for r in records}

    def all_records(self) -> list[dict[str, Any]]:
        """All attempts at all trials."""
        return [json.loads(text) for text in self.rows().values()]

    def rows(self) -> dict[str, str]:
        """The stored records as text, by trial and attempt, after a check that the database is sound."""
        if not (self.directory / FILE_NAME).exists():
            return {}
        with closing(sqlite3.connect(self.directory / FILE_NAME)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return {}
            return dict(connection.execute("SELECT trial_id || ' ' || attempt, record FROM trial"))

    def processes(self) -> list[psutil.Process]:
        """All processes that the run started, and their descendants, also if their parent has ended."""
        children = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    children.append(process)
            except psutil.Error:
                continue
        return children


def wait_until(condition: Callable[[], object], run: subprocess.Popen[str] | None = None) -> None:
    """Wait until the condition is true, while the run, if given, continues."""
    deadline = time.monotonic() + 120
    while not condition():
        assert run is None or run.poll() is None, finish(run)
        assert time.monotonic() < deadline
        time.sleep(0.02)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a process; returns its output."""
    output, _ = process.communicate(timeout=300)
    return output


def sweeps(*tasks: str, sizes: Sequence[int] = (20,)) -> str:
    """The experiment's sweeps: a trial for each size and task, `recall` or one of tests/runner/trouble.py."""
    names = [task if task == "recall" else f"tests.runner.trouble:{task}" for task in tasks]
    return "".join(SWEEP.format(task=task, size=list(sizes)) for task in names)


def without_times(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that its spec determines."""
    kept = (
        "trial_id", "attempt", "spec", "status", "data_fingerprint", "parameters", "recurrent_parameters", "updates",
        "train", "validation", "test", "baselines",
    )  # fmt: skip
    curve = [{key: value for key, value in point.items() if key != "seconds"} for point in record["curve"]]
    return {**{name: record[name] for name in kept}, "curve": curve}
