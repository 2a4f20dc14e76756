"""A scheduler and workers in separate processes, on the loopback interface or in network namespaces."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.runner.place import MARK, ROOT, wait_until

TTL = "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"


@dataclass
class Processes:
    """A cluster with its files in `folder`. Its processes have the mark of a Place there."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "tcp"
    module: str = "tests.runner.cluster.worker"
    """The workers' program."""
    address: str = ""
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    workers: dict[int, subprocess.Popen[str]] = field(default_factory=dict)

    def start_scheduler(
        self, host: str = "127.0.0.1", *, options: Sequence[str] = (), within: Sequence[str] = ()
    ) -> str:
        """Start the scheduler; returns its address."""
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--host", host]
        command += ["--dashboard-address", f"{host}:0"]
        if self.protocol != "tcp":
            command += ["--protocol", self.protocol]
        log = self.folder / "scheduler.log"
        self._start([*within, *command, "--port", "0", *options], log, {TTL: "3s"})
        wait_until(lambda: "Scheduler at: " in log.read_text(encoding="utf-8"))
        self.address = re.findall(r"Scheduler at: +(\S+)", log.read_text(encoding="utf-8"))[0]
        return self.address

    def start_worker(
        self,
        number: int,
        *more: str,
        slots: int = 2,
        host: str = "127.0.0.1",
        name: str | None = None,
        within: Sequence[str] = (),
        nanny: bool = False,
        environment: Mapping[str, str] = {},
    ) -> None:
        """Start or restart a worker, as if on a separate host with this name."""
        command = [sys.executable, "-m", self.module, self.address, "--no-dashboard"]
        command += ["--dashboard-address", f"{host}:0"]
        command += ["--nthreads", str(slots), "--host", host, "--local-directory", str(self.folder / f"w{number}")]
        command += ["--nanny" if nanny else "--no-nanny", *more]
        variables = {"HARNESS_HOST": name or f"host-{number}", **environment}
        self.workers[number] = self._start([*within, *command], self.folder / f"worker-{number}.log", variables)

    def wait_for_workers(self, count: int) -> None:
        """Wait until this number of workers has registered with the scheduler."""
        log = self.folder / "scheduler.log"
        wait_until(lambda: log.read_text(encoding="utf-8").count("Register worker") >= count)

    def kill_worker(self, number: int) -> None:
        self.workers[number].kill()
        self.workers[number].wait()

    def copy_of_the_package(self) -> Path:
        """A folder with a copy of the package, which differs by a comment, and of the tests."""
        folder = self.folder / "changed"
        for name in ("harness", "tests", "experiments"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        with (folder / "harness" / "__init__.py").open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        return folder

    def stop_all(self) -> None:
        for process in self.started:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def _start(self, command: Sequence[str], log: Path, own: Mapping[str, str]) -> subprocess.Popen[str]:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {**os.environ, "TMPDIR": str(temporary), MARK: str(self.folder), **self.environment, **own}
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=own.get("PYTHONPATH", ROOT),
                env=environment,
            )
        self.started.append(process)
        return process
