"""What goes wrong in trials, in a whole run with real processes: the rest goes on, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.store import open_store
from tests.runner.pretend import JUMPING

ROOT = Path(__file__).parents[2]
MARK = "HARNESS_TEST"
HEAD = """
name = "faults"
title = "Faults"
cells = "gru"
kernel = "keras"
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
FAULTS = (
    "raising", "babbling", "leaving", "faulting", "killed", "diverging", "growing", "greedy", "flooding", "parent",
    "boasting", "not_json", "unfit",
)  # fmt: skip


@dataclass
class Place:
    """Where a run of `harness` with pretended training happens: its folder, its temporary folder, its environment."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, text: str, **environment: str) -> subprocess.Popen[str]:
        (self.folder / "faults.toml").write_text(text, encoding="utf-8")
        self.temporary.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.runner.pretend", "run", str(self.folder / "faults.toml"), "--jobs", "2"]
        environment = {**os.environ, "TMPDIR": str(self.temporary), MARK: str(self.folder), **environment}
        process = subprocess.Popen(
            [*command, "--results", str(self.folder / "results")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self.started.append(process)
        return process

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def records(self) -> dict[tuple[str, int], dict[str, Any]]:
        with open_store(self.folder / "results" / "faults") as store:
            records = list(store.records())
        return {(r["spec"]["task"].rpartition(":")[2], r["spec"]["train_size"]): r for r in records}

    def processes(self) -> list[psutil.Process]:
        """All that the run started and what those started, whoever their parent is by now."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """After the test, no process and no temporary file is left."""
    place = Place(tmp_path)
    yield place
    for run in place.started:
        run.kill()
        run.communicate()
    _, alive = psutil.wait_procs(place.processes(), timeout=20)
    for process in alive:
        process.kill()
    assert not alive
    assert list(place.temporary.rglob("*")) == []
    assert [path.name for path in (tmp_path / "results" / "faults").rglob(".*")] == [".lock"]


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=180)
    return output


def sweeps(*tasks: str, sizes: int | list[int] = 20) -> str:
    names = [task if task == "recall" else f"tests.runner.trouble:{task}" for task in tasks]
    return "".join(SWEEP.format(task=task, size=sizes) for task in names)


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    kept = ("trial_id", "attempt", "status", "data_fingerprint", "parameters", "updates", "train", "validation", "test")
    return {name: record[name] for name in kept}


def test_whatever_trials_do_they_are_records_and_every_other_trial_is_untouched(place: Place, tmp_path: Path) -> None:
    limits = "[limits]\nmemory_gib = 0.6\n"
    good = sweeps("recall", sizes=list(range(20, 28)))
    process = place.start(HEAD + limits + good + sweeps(*FAULTS))
    output = finish(process)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    records = place.records()
    assert {key: r["status"] for key, r in records.items() if key[0] == "recall"} == {
        ("recall", size): "ok" for size in range(20, 28)
    }
    found = {name: records[name, 20] for name in FAULTS}
    assert {name: record["status"] for name, record in found.items()} == {
        "parent": "ok",
        "diverging": "diverged",
        "growing": "out_of_memory",
        "greedy": "out_of_memory",
        **dict.fromkeys(
            ("raising", "babbling", "leaving", "faulting", "killed", "flooding", "boasting", "not_json", "unfit"),
            "crashed",
        ),
    }
    failures = {name: record["failure"] for name, record in found.items() if record["status"] != "ok"}
    assert {name: failure["phase"] for name, failure in failures.items()} == {
        **dict.fromkeys(failures, "data"),
        **dict.fromkeys(("boasting", "not_json"), "data"),
        "unfit": "train",
    }
    said = {name: failure["stderr"] for name, failure in failures.items()}
    why = {name: failure["message"] for name, failure in failures.items()}
    assert why["raising"] == "ZeroDivisionError: on purpose"
    assert said["raising"].startswith("said before raising\nTraceback")
    assert "trouble.py" in said["raising"]
    assert why["babbling"] == "ZeroDivisionError: a name of bytes: ?"
    assert (failures["leaving"]["exit_code"], said["leaving"]) == (7, "said before leaving\n")
    assert (failures["faulting"]["exit_code"], failures["killed"]["exit_code"]) == (-signal.SIGSEGV, -signal.SIGKILL)
    assert "SIGSEGV" in why["faulting"]
    assert "614 MiB allowed" in why["growing"]
    assert why["greedy"].startswith("MemoryError: Unable to allocate")
    assert why["flooding"] == "ZeroDivisionError: flooded"
    assert "the end of the flood" in said["flooding"]
    assert len(json.dumps(found["flooding"])) < 100_000
    assert "a message of more than 64 MiB" in why["boasting"]
    assert "not JSON serializable" in why["not_json"]
    assert "data_fingerprint: Input should be a valid string" in why["unfit"]
    assert found["unfit"]["parameters"] == 7, "what can be stored is kept"

    alone = Place(tmp_path / "alone")
    alone.folder.mkdir()
    finish(alone.start(HEAD + good))
    undisturbed = alone.records()
    assert {key: without_times(r) for key, r in records.items() if key in undisturbed} == {
        key: without_times(r) for key, r in undisturbed.items()
    }


def test_an_endless_loop_that_ignores_signals_is_ended_and_one_that_does_not_is_asked_first(place: Place) -> None:
    process = place.start(HEAD + "[limits]\nseconds = 5\n" + sweeps("stubborn", "dozing", "recall"))
    output = finish(process)
    assert process.returncode == 0, output
    records = place.records()
    assert {name: r["status"] for (name, _), r in records.items()} == {
        "stubborn": "timeout", "dozing": "timeout", "recall": "ok",
    }  # fmt: skip
    stubborn, dozing = (records[name, 20]["failure"] for name in ("stubborn", "dozing"))
    assert (stubborn["phase"], stubborn["exit_code"], dozing["exit_code"]) == ("data", -signal.SIGKILL, -signal.SIGTERM)
    assert "5 s it is allowed" in stubborn["message"]


def test_a_fork_server_killed_again_and_again_is_started_again_and_no_trial_is_lost(place: Place) -> None:
    sizes = list(range(20, 60))
    process = place.start(HEAD + sweeps("recall", sizes=sizes))
    killed: set[int] = set()
    while process.poll() is None and len(killed) < 4:
        for server in place.processes():
            if server.pid not in killed and server.ppid() == process.pid and "forkserver" in " ".join(server.cmdline()):
                stored = (place.folder / "results" / "faults" / "trials.sqlite").exists()
                if stored and len(place.records()) > 5 * len(killed):
                    server.kill()
                    killed.add(server.pid)
        time.sleep(0.02)
    output = finish(process)
    assert process.returncode == 0, output
    assert killed, "the sweep was over before a server was killed"
    assert {key: (r["status"], r["attempt"]) for key, r in place.records().items()} == {
        ("recall", size): ("ok", 1) for size in sizes
    }


def test_a_clock_that_jumps_changes_no_duration(place: Place) -> None:
    started = time.monotonic()
    process = place.start(HEAD + sweeps("recall", sizes=list(range(20, 26))), **{JUMPING: "yes"})
    output = finish(process)
    elapsed = time.monotonic() - started
    assert process.returncode == 0, output
    records = place.records().values()
    assert [record["status"] for record in records] == ["ok"] * 6
    assert len({record["started_at"][:10] for record in records}) > 2, "the clock did jump"
    for record in records:
        seconds = [phase[kind] for phase in record["phases"].values() for kind in ("wall_seconds", "cpu_seconds")]
        seconds += [point["seconds"] for point in record["curve"]] + [moment for moment, _ in record["memory_timeline"]]
        assert all(0 <= some <= record["seconds_total"] <= elapsed for some in seconds)
