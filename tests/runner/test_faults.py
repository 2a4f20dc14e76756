"""Failures of trials in complete runs with real processes: other trials continue, and no process or file is left."""

from __future__ import annotations

import json
import signal
import time
from contextlib import suppress

import psutil
import pytest

from tests.runner.place import HEAD, Place, finish, sweeps, without_times
from tests.runner.pretend import JUMPING

FAULTS = (
    "raising", "babbling", "leaving", "faulting", "killed", "diverging", "growing", "greedy", "flooding", "parent",
    "boasting", "not_json", "unfit",
)  # fmt: skip


def test_every_kind_of_failure_is_recorded_and_other_trials_are_unaffected(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limits = "[limits]\nmemory_gib = 0.6\n"
    good = sweeps("recall", sizes=range(20, 28))
    code, output = place.run(HEAD + limits + good + sweeps(*FAULTS))
    assert code == 1, output
    assert "Problem: 12 of 21 trials failed." in output
    assert "Traceback" not in output
    records = place.records()
    assert {key: r["status"] for key, r in records.items() if key[0] == "recall"} == {
        ("recall", size): "ok" for size in range(20, 28)
    }
    by_fault = {name: records[name, 20] for name in FAULTS}
    assert {name: record["status"] for name, record in by_fault.items()} == {
        "parent": "ok",
        "diverging": "diverged",
        "growing": "out_of_memory",
        "greedy": "out_of_memory",
        **dict.fromkeys(
            ("raising", "babbling", "leaving", "faulting", "killed", "flooding", "boasting", "not_json", "unfit"),
            "crashed",
        ),
    }
    failures = {name: record["failure"] for name, record in by_fault.items() if record["status"] != "ok"}
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
    assert len(json.dumps(by_fault["flooding"])) < 100_000
    assert "a message of more than 64 MiB" in why["boasting"]
    assert "not JSON serializable" in why["not_json"]
    assert "data_fingerprint: Input should be a valid string" in why["unfit"]
    assert by_fault["unfit"]["parameters"] == 7, "valid measurements are kept"

    alone = Place(tmp_path_factory.mktemp("alone"))
    alone.run(HEAD + good)
    undisturbed = alone.records()
    assert {key: without_times(r) for key, r in records.items() if key in undisturbed} == {
        key: without_times(r) for key, r in undisturbed.items()
    }


def test_a_timeout_ends_trials_with_sigterm_and_those_that_ignore_it_with_sigkill(place: Place) -> None:
    code, output = place.run(HEAD + "[limits]\nseconds = 5\n" + sweeps("stubborn", "dozing", "recall"))
    assert code == 1, output
    assert "Problem: 2 of 3 trials failed." in output
    records = place.records()
    assert {name: r["status"] for (name, _), r in records.items()} == {
        "stubborn": "timeout", "dozing": "timeout", "recall": "ok",
    }  # fmt: skip
    stubborn, dozing = (records[name, 20]["failure"] for name in ("stubborn", "dozing"))
    assert (stubborn["phase"], stubborn["exit_code"], dozing["exit_code"]) == ("data", -signal.SIGKILL, -signal.SIGTERM)
    assert "time limit of 5 s" in stubborn["message"]


def test_no_trial_is_lost_by_repeated_kills_of_the_fork_server(place: Place) -> None:
    sizes = range(20, 60)
    process = place.start(HEAD + sweeps("recall", sizes=sizes))
    killed: set[int] = set()
    while process.poll() is None and len(killed) < 4:
        for child in place.processes():
            with suppress(psutil.NoSuchProcess):  # trials end meanwhile
                server = child.ppid() == process.pid and "forkserver" in " ".join(child.cmdline())
                if server and child.pid not in killed and len(place.rows()) > 5 * len(killed):
                    child.kill()
                    killed.add(child.pid)
        time.sleep(0.02)
    output = finish(process)
    assert process.returncode == 0, output
    assert killed, "the sweep was over before a server was killed"
    assert {key: (r["status"], r["attempt"]) for key, r in place.records().items()} == {
        ("recall", size): ("ok", 1) for size in sizes
    }


def test_a_clock_that_jumps_changes_no_duration(place: Place) -> None:
    started = time.monotonic()
    code, output = place.run(HEAD + sweeps("recall", sizes=range(20, 26)), environment={JUMPING: "yes"})
    elapsed = time.monotonic() - started
    assert code == 0, output
    records = place.records().values()
    assert [record["status"] for record in records] == ["ok"] * 6
    assert len({record["started_at"][:10] for record in records}) > 2, "the clock did jump"
    for record in records:
        seconds = [phase[kind] for phase in record["phases"].values() for kind in ("wall_seconds", "cpu_seconds")]
        seconds += [point["seconds"] for point in record["curve"]]
        assert all(0 <= some <= record["seconds_total"] <= elapsed for some in seconds)
