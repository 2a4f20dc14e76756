"""Runs with a scheduler and workers in separate processes: options, refused workers, lost workers, clean-up."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from tests.runner.cluster.certificates import make_authority, make_certificate
from tests.runner.cluster.processes import Processes
from tests.runner.place import HEAD, Place, finish, sweeps, wait_until

HERE = {"DASK_DISTRIBUTED__WORKER__PRELOAD": '["tests.runner.cluster.pretending"]'}
"""The environment in which the workers of a cluster on this machine only pretend to train."""
SPEED = HEAD.replace('"gru"', '["gru", "lstm"]').replace("seeds = 1", 'seeds = 3\nlane = "speed"')


def test_on_this_machine_trials_end_as_with_the_local_engine(place: Place) -> None:
    """Statuses, limits and deadlines apply on the workers."""
    limits = "[limits]\nmemory_gib = 0.6\nseconds = 6\n"
    text = HEAD + limits + sweeps("raising", "killed", "diverging", "growing", "dozing")
    code, output = place.run(text, arguments=["--engine", "dask", "--jobs", "3"], environment=HERE)
    assert code == 1, output
    assert "Problem: 5 of 5 trials failed." in output
    assert "Traceback" not in output
    records = {name: r for (name, _), r in place.records().items()}
    assert {name: r["status"] for name, r in records.items()} == {
        "raising": "crashed", "killed": "crashed", "diverging": "diverged", "growing": "out_of_memory",
        "dozing": "timeout",
    }  # fmt: skip
    failures = {name: r["failure"] for name, r in records.items()}
    assert failures["raising"]["stderr"].startswith("said before raising\nTraceback")
    assert failures["killed"]["exit_code"] == -signal.SIGKILL
    assert "614 MiB allowed" in failures["growing"]["message"]
    assert "time limit of 6 s" in failures["dozing"]["message"]


def test_trials_of_one_program_share_a_process_on_a_worker(place: Place) -> None:
    text = HEAD.replace('"gru"', '["gru", "lstm"]').replace("seeds = 1", "seeds = 5") + sweeps("identifying")
    code, output = place.run(text, arguments=["--engine", "dask", "--jobs", "1"], environment=HERE)
    assert code == 0, output
    processes: dict[str, set[int]] = {}
    for record in place.all_records():
        processes.setdefault(record["spec"]["cell"], set()).add(json.loads(record["data_fingerprint"])[0])
    assert {cell: len(ids) for cell, ids in processes.items()} == {"gru": 1, "lstm": 1}
    assert len(place.all_records()) == 10


def listening(place: Place) -> set[str]:
    """The addresses at which the processes of the place listen."""
    return {
        connection.laddr.ip
        for process in place.processes()
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def wait_for(place: Place, task: str) -> None:
    """Wait until a trial of the task has a record."""
    wait_until(lambda: place.rows() and task in {name for name, _ in place.records()})


def test_nothing_listens_beyond_loopback_and_ctrl_c_stops_all(place: Place) -> None:
    arguments = ["--engine", "dask", "--jobs", "2"]
    run = place.start(HEAD + sweeps("recall", "dozing"), arguments=arguments, environment=HERE)
    wait_for(place, "recall")
    assert listening(place) == {"127.0.0.1"}
    run.send_signal(signal.SIGINT)
    output = finish(run)
    assert run.returncode == 130, output
    assert "Stopped: 1 trials left" in output
    assert {name: r["status"] for (name, _), r in place.records().items()} == {"recall": "ok", "dozing": "interrupted"}


def test_over_tls_with_custom_certificates(place: Place, processes: Processes, tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "tls")
    settings = make_certificate(tmp_path / "tls", authority)
    processes.environment, processes.protocol = settings, "tls"
    address = processes.start_scheduler()
    assert address.startswith("tls://127.0.0.1:")
    processes.start_worker(0)
    processes.start_worker(1)
    processes.wait_for_workers(2)
    text = HEAD + sweeps("recall", sizes=range(20, 28))
    code, output = place.run(text, arguments=["--scheduler", address], environment=settings)
    assert code == 0, output
    assert {r["status"] for r in place.records().values()} == {"ok"}
    assert {r["host"] for r in place.records().values()} == {"host-0", "host-1"}
    assert listening(place) == {"127.0.0.1"}

    place.start_anew()
    for stranger in ({}, make_certificate(tmp_path / "other", make_authority(tmp_path / "other"))):
        code, output = place.run(text, arguments=["--scheduler", address], environment=stranger)
        assert code == 2, output
        assert f"cannot connect to the scheduler {address}" in output
        assert place.rows() == {}


def test_each_timing_block_runs_on_one_host_if_workers_are_killed(place: Place, processes: Processes) -> None:
    file = processes.folder / "scheduler.json"
    processes.start_scheduler("127.0.0.1", options=["--scheduler-file", str(file)])
    for number in (0, 1):
        processes.start_worker(number)
    processes.wait_for_workers(2)
    run = place.start(SPEED + sweeps("recall", sizes=(20, 21)), arguments=["--scheduler-file", str(file)])
    wait_until(lambda: len(place.rows()) >= 4, run)
    processes.kill_worker(1)
    output = finish(run)
    assert run.returncode == 0, output
    assert "on host-1 is lost. Another worker runs its trials" in output
    hosts: dict[object, set[str]] = {}
    for record in place.all_records():
        assert (record["status"], record["attempt"], record["threads"]) == ("ok", 1, 2)
        hosts.setdefault((record["spec"]["seed"], record["spec"]["train_size"]), set()).add(record["host"])
    assert len(hosts) == 6
    assert {len(where) for where in hosts.values()} == {1}


def of_host(place: Place, name: str) -> list[psutil.Process]:
    """The processes of a worker, its trials last."""
    of_this_host = []
    for process in place.processes():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if process.environ().get("HARNESS_HOST") == name:
                of_this_host.append(process)
    return sorted(of_this_host, key=lambda process: process.pid)


def wait_for_trials(place: Place, host: str, count: int) -> None:
    """Wait until a worker has this number of processes of trials: those that lead a process group."""

    def trials() -> int:
        leading = 0
        for process in of_host(place, host):
            with suppress(ProcessLookupError):
                leading += os.getpgid(process.pid) == process.pid
        return leading

    wait_until(lambda: trials() == count)


def test_a_signal_to_all_processes_of_a_worker_crashes_no_trial(place: Place, processes: Processes) -> None:
    """A batch system sends it at the end of a worker's time."""
    address = processes.start_scheduler()
    processes.start_worker(0)
    processes.wait_for_workers(1)
    run = place.start(HEAD + sweeps("dozing", sizes=(20, 21)), arguments=["--scheduler", address])
    wait_for_trials(place, "host-0", 2)
    processes.start_worker(1)
    processes.wait_for_workers(2)
    for process in reversed(of_host(place, "host-0")):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    wait_for_trials(place, "host-1", 2)
    run.send_signal(signal.SIGINT)
    output = finish(run)
    assert run.returncode == 130, output
    records = place.all_records()
    assert {(record["status"], record["attempt"]) for record in records} == {("interrupted", 1)}


def test_a_run_whose_scheduler_is_killed_ends_with_a_message_and_its_trials_are_stopped(
    place: Place, processes: Processes
) -> None:
    address = processes.start_scheduler()
    processes.start_worker(0)
    processes.wait_for_workers(1)
    run = place.start(HEAD + sweeps("recall", "dozing"), arguments=["--scheduler", address])
    wait_for(place, "recall")
    wait_for_trials(place, "host-0", 2)
    processes.started[0].kill()
    output = finish(run)
    assert run.returncode == 2, output
    assert f"the scheduler {address} is gone. Finished trials are stored; the same command continues the run" in output
    assert "Traceback" not in output
    assert {name: r["status"] for (name, _), r in place.records().items()} == {"recall": "ok"}
    wait_for_trials(place, "host-0", 1)  # the one of the trial that is done waits for another


def test_the_trials_of_a_coordinator_that_is_killed_are_stopped_on_their_worker(
    place: Place, processes: Processes
) -> None:
    address = processes.start_scheduler()
    processes.start_worker(0)
    processes.wait_for_workers(1)
    run = place.start(HEAD + sweeps("dozing", sizes=(20, 21)), arguments=["--scheduler", address])
    wait_for_trials(place, "host-0", 2)
    run.kill()
    run.communicate(timeout=60)
    wait_for_trials(place, "host-0", 0)


def test_unusable_workers_are_an_error(place: Place, processes: Processes) -> None:
    address = processes.start_scheduler()
    text = HEAD + sweeps("recall")

    def refused(*arguments: str) -> str:
        code, output = place.run(text, arguments=arguments)
        assert code == 2, output
        assert "Traceback" not in output
        assert place.rows() == {}
        return output

    assert "no worker answers the scheduler. Start workers" in refused("--scheduler", address)
    processes.start_worker(0, name="same")
    processes.start_worker(1, name="same")
    processes.wait_for_workers(2)
    assert "more than one worker on a host" in refused("--scheduler", address)
    processes.kill_worker(0)
    processes.kill_worker(1)
    changed = processes.copy_of_the_package()
    processes.start_worker(2, environment={"PYTHONPATH": str(changed)})
    processes.wait_for_workers(3)
    assert "harness " in (output := refused("--scheduler", address))
    assert "there, " in output
    assert "--any-versions accepts it, and each record lists the differences" in output
    code, output = place.run(text, arguments=["--scheduler", address, "--any-versions"])
    assert code == 0, output
    (record,) = place.records().values()
    assert record["status"] == "ok"
    assert [difference.split()[0] for difference in record["version_differences"]] == ["harness"]
    place.start_anew()


def test_trials_have_neither_the_memory_limit_nor_the_settings_of_a_nanny(place: Place, processes: Processes) -> None:
    address = processes.start_scheduler()
    processes.start_worker(0, "--memory-limit", "400MiB", nanny=True)
    processes.wait_for_workers(1)
    code, output = place.run(HEAD + sweeps("hungry"), arguments=["--scheduler", address])
    assert code == 1, output
    (record,) = place.records().values()
    assert record["failure"]["message"] == "ZeroDivisionError: held 800 MiB, of the nanny's settings found []"
    assert record["attempt"] == 1


def test_without_dask_the_error_states_the_install_command(place: Place, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(
        "import sys\nsys.modules['distributed'] = None\n", encoding="ascii"
    )
    code, output = place.run(
        HEAD + sweeps("recall"),
        arguments=["--engine", "dask"],
        environment={"PYTHONPATH": os.pathsep.join([str(tmp_path / "hidden"), os.environ.get("PYTHONPATH", "")])},
    )
    assert code == 2, output
    assert "pip install 'distributed" in output
