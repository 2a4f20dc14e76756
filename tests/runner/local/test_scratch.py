"""Temporary folders of trials, and those that a killed runner left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.runner.local import scratch
from tests.runner.place import HEAD, SWEEP, Place

HOLD = """
import sys, time
from harness.runner.local import scratch
scratch.remove_abandoned()
folder = scratch.new_folder()
(folder / "left").write_text("x")
print(folder.parent, flush=True)
if sys.argv[1:] == ["hold"]: time.sleep(3600)
"""


def start(temporary: Path, *arguments: str) -> tuple[subprocess.Popen[str], Path]:
    command = [sys.executable, "-c", HOLD, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str], *, kill: bool = False) -> None:
    if kill:
        process.kill()
    process.communicate(timeout=60)


def test_nothing_is_left_at_a_normal_exit(tmp_path: Path) -> None:
    process, folder = start(tmp_path)
    end(process)
    assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_removes_the_folder_of_a_killed_runner_but_not_that_of_a_living_one(tmp_path: Path) -> None:
    killed, abandoned = start(tmp_path, "hold")
    living, used = start(tmp_path, "hold")
    others = tmp_path / "pymp-other"
    others.mkdir()
    end(killed, kill=True)
    assert abandoned.exists()
    end(start(tmp_path)[0])
    assert sorted(tmp_path.iterdir()) == sorted([used, others])
    assert list(used.glob("trial-*/left"))
    end(living, kill=True)


def test_a_temporary_folder_that_cannot_be_created_is_an_error_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_own_folder", lambda: tmp_path / "gone")
    with pytest.raises(UserError, match=r"cannot create a temporary folder .* TMPDIR"):
        scratch.new_folder()


def test_a_temporary_folder_with_too_long_a_path_for_a_socket_is_an_error(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    place = Place(tmp_path)
    long.mkdir()
    code, output = place.run(HEAD + SWEEP.format(task="recall", size=20), environment={"TMPDIR": str(long)})
    assert code == 2
    assert f"Set TMPDIR to a folder with a shorter path than {long}" in output
    assert "Traceback" not in output
    assert list(long.iterdir()) == []
