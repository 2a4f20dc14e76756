"""Workers in network namespaces, with different addresses; the network to the scheduler is interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.runner.cluster.processes import Processes
from tests.runner.place import HEAD, Place, finish, sweeps, wait_until

NUMBERS = (1, 2)


@dataclass(frozen=True)
class Net:
    """Two namespaces, each joined to this one by a pair of interfaces: 10.213.N.1 here, 10.213.N.2 there."""

    name: str

    def within(self, number: int) -> list[str]:
        return ["ip", "netns", "exec", f"{self.name}{number}"]

    def interface(self, number: int) -> str:
        return f"{self.name}v{number}"

    def set(self, number: int, state: str) -> None:
        """Set the link to a namespace 'down' or 'up'."""
        run("ip", "link", "set", self.interface(number), state)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture
def net() -> Iterator[Net]:
    """Two namespaces; removed after the test."""
    if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("network namespaces are made by root, with the command ip")
    net = Net(f"h{os.getpid() % 100000}")
    try:
        for number in NUMBERS:
            try:
                run("ip", "netns", "add", f"{net.name}{number}")
                run("ip", "link", "add", net.interface(number), "type", "veth", "peer", "name", "inside", "netns",
                    f"{net.name}{number}")  # fmt: skip
            except subprocess.CalledProcessError as error:
                pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
            run("ip", "address", "add", f"10.213.{number}.1/24", "dev", net.interface(number))
            net.set(number, "up")
            run(*net.within(number), "ip", "address", "add", f"10.213.{number}.2/24", "dev", "inside")
            for interface in ("inside", "lo"):
                run(*net.within(number), "ip", "link", "set", interface, "up")
            run(*net.within(number), "ip", "route", "add", "default", "via", f"10.213.{number}.1")
        yield net
    finally:
        for number in NUMBERS:
            subprocess.run(["ip", "netns", "delete", f"{net.name}{number}"], check=False, capture_output=True)
            subprocess.run(["ip", "link", "delete", net.interface(number)], check=False, capture_output=True)


def test_another_host_runs_the_trials_of_a_host_without_network(place: Place, processes: Processes, net: Net) -> None:
    address = processes.start_scheduler("10.213.1.1")
    port = address.rpartition(":")[2]
    for number in NUMBERS:
        processes.start_worker(number, host=f"10.213.{number}.2", within=net.within(number))
    processes.wait_for_workers(len(NUMBERS))
    arguments = ["--scheduler", f"tcp://10.213.1.1:{port}"]
    process = place.start(HEAD + sweeps("recall", sizes=range(20, 80)), arguments=arguments)
    wait_until(lambda: len(place.rows()) >= 10, process)
    net.set(2, "down")
    output = finish(process)
    assert process.returncode == 0, output
    assert "10.213.2.2" in output
    assert "on host-2 is lost. Another worker runs its trials" in output
    records = place.all_records()
    assert {(r["status"], r["attempt"]) for r in records} == {("ok", 1)}
    assert len(records) == len({r["trial_id"] for r in records}) == 60
    assert {r["host"] for r in records} == {"host-1", "host-2"}
