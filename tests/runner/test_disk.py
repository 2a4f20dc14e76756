"""A full or read-only disk: one message, exit code 2, and the stored records are intact."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.store.sqlite import FILE_NAME, open_store
from tests.runner.place import HEAD, Place, sweeps

TEXT = HEAD + sweeps("recall", sizes=range(20, 32))
TRIALS = 12


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """Mount a file system of this size at a folder; skips the test if this process may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "harness-test", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


@pytest.fixture(scope="module")
def bytes_needed(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The size of the store after a complete run; its report needs more."""
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    code, output = place.run(TEXT)
    assert code == 0, output
    return (place.directory / FILE_NAME).stat().st_size


def check_message(code: int, output: str, words: str) -> None:
    """Checks that the output ends with one message that has these words."""
    assert code == 2, output
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if line.startswith("harness: ")]
    assert len(lines) == 1
    assert output.endswith(f"{lines[0]}\n")
    assert words in lines[0]


@pytest.mark.parametrize(("share", "some_stored"), [(0.2, False), (0.9, True)])
def test_a_run_on_a_full_disk_keeps_stored_records_and_continues_when_there_is_space(
    place: Place, share: float, some_stored: bool, bytes_needed: int
) -> None:
    with small_disk(place.results, max(4, int(share * bytes_needed) >> 10)):
        code, output = place.run(TEXT)
        full = "is full" if "is full" in output else "No space left on device"
        check_message(code, output, full)
        before = place.rows()
        assert (0 < len(before) < TRIALS) == some_stored
        remount(place.results, "size=4m")
        code, output = place.run(TEXT)
        assert code == 0, output
        after = place.rows()
        assert len(after) == TRIALS
        assert {key: after[key] for key in before} == before


def test_a_file_size_limit_has_the_same_effect_as_a_full_disk(place: Place) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))

    unmeasured = {"COVERAGE_PROCESS_CONFIG": ""}  # where coverage is measured, its own file may not grow either
    check_message(*place.run(TEXT, preexec_fn=limit, environment=unmeasured), "What was stored before is intact")
    before = place.rows()
    assert 0 < len(before) < TRIALS
    code, output = place.run(TEXT)
    assert code == 0, output
    after = place.rows()
    assert len(after) == TRIALS
    assert {key: after[key] for key in before} == before


def test_a_read_only_folder_is_an_error_for_a_run_and_stays_readable(place: Place) -> None:
    with small_disk(place.results, 4096):
        code, output = place.run(TEXT)
        assert code == 0, output
        before = place.rows()
        remount(place.results, "ro")
        check_message(*place.run(TEXT), "results cannot be written here (Read-only file system)")
        with open_store(place.directory) as store:
            assert len(list(store.records())) == TRIALS
        remount(place.results, "rw")
        assert place.rows() == before
