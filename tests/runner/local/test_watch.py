"""Monitoring of a trial's process from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.runner.local import watch
from harness.runner.local.watch import MemoryWatch, is_alive, kills_by_the_kernel, own_bytes

MIB = 2**20


PARENT = """
import subprocess, sys
hoard = "import time; hoard = bytearray(200 * 2**20); print('ready', flush=True); time.sleep(3600)"
child = subprocess.Popen([sys.executable, "-c", hoard], stdout=subprocess.PIPE, text=True, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_descendants_in_other_sessions_count_as_memory_and_are_killed() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", PARENT], **pipes) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        memory = MemoryWatch(parent.pid)
        assert (memory.resident_bytes() or 0) > 200 * MIB
        parent.kill()
        parent.wait()
        assert is_alive(child)
        memory.kill_started()
        psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=20)
        assert not is_alive(child)
        assert memory.resident_bytes() is None


def test_a_zombie_is_not_alive() -> None:
    assert is_alive(os.getpid())
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as ended:
        assert ended.stdout is not None
        ended.stdout.read()
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert not is_alive(ended.pid)


@pytest.mark.parametrize(("text", "kills"), [("pgfault 9\noom_kill 3\n", 3), ("pgfault 9\n", 0), ("oom_kill x\n", 0)])
def test_the_kernel_counts_kills_because_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, kills: int
) -> None:
    monkeypatch.setattr(watch, "_VMSTAT", tmp_path / "vmstat")
    assert kills_by_the_kernel() == 0
    (tmp_path / "vmstat").write_text(text, encoding="ascii")
    assert kills_by_the_kernel() == kills


def test_own_memory_excludes_memory_that_is_shared_with_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    ballast = bytearray(os.urandom(1)) * (100 * MIB)
    child = os.fork()
    if child == 0:
        private = bytearray(os.urandom(1)) * (30 * MIB)
        time.sleep(60)
        os._exit(len(private))
    try:
        deadline = time.monotonic() + 20
        while own_bytes(child) < 30 * MIB and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 30 * MIB <= own_bytes(child) < 80 * MIB
        monkeypatch.setattr(psutil.Process, "memory_full_info", refuse)
        assert own_bytes(child) > len(ballast)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert own_bytes(child) == 0


def refuse(process: psutil.Process) -> None:
    raise psutil.AccessDenied(process.pid)
