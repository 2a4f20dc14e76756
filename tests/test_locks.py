"""File locks, their owners, and file systems without locks."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import locks
from harness.errors import UserError
from harness.locks import owner, take_if_free, try_lock
from harness.runner import lanes
from harness.runner.lanes import MachineLock
from harness.runner.local import scratch
from harness.store.folder import exclusive


@pytest.fixture
def flock_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """A function after whose call `flock` fails with an error number."""
    locks._warn.cache_clear()

    def fails(number: int) -> None:
        def flock(file: int, kind: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("fcntl.flock", flock)

    yield fails
    locks._warn.cache_clear()


def test_one_process_holds_a_lock_and_several_share_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    first, second, third = (os.open(path, os.O_RDONLY) for _ in range(3))
    assert try_lock(first, path, shared=True)
    assert try_lock(second, path, shared=True)
    assert not try_lock(third, path)
    assert not take_if_free(third)
    os.close(first)
    os.close(second)
    assert take_if_free(third)
    os.close(third)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES])
def test_the_errors_of_a_lock_that_another_process_holds(
    tmp_path: Path, flock_fails: Callable[[int], None], capsys: pytest.CaptureFixture[str], number: int
) -> None:
    flock_fails(number)
    assert not MachineLock(tmp_path / "lock").take("speed")
    with pytest.raises(UserError, match="is running an experiment into this folder"), exclusive(tmp_path):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_run_continues_with_one_warning_on_a_file_system_without_locks(
    tmp_path: Path, flock_fails: Callable[[int], None], capsys: pytest.CaptureFixture[str], number: int
) -> None:
    flock_fails(number)
    machine = MachineLock(tmp_path / "lock")
    for lane in ("speed", "accuracy", "speed"):
        assert machine.take(lane)
    machine.release()
    lacks = f"its file system does not support locks ({os.strerror(number)}). Run one command at a time here\n"
    assert capsys.readouterr().err == f"harness: {tmp_path / 'lock'}: {lacks}"
    with exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass
    assert capsys.readouterr().err == f"harness: {tmp_path / '.lock'}: {lacks}"


def test_without_locks_no_temporary_folder_counts_as_abandoned(
    tmp_path: Path, flock_fails: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pymp-live"
    folder.mkdir()
    (folder / "harness.lock").touch()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    flock_fails(errno.ENOLCK)
    scratch.remove_abandoned()
    assert folder.is_dir()


def test_every_user_can_open_the_machines_lock_for_any_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        lock = MachineLock(tmp_path / "lock")
        assert lock.take("accuracy")
        lock.release()
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o644


def test_a_lock_that_cannot_be_opened_names_its_owner_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    path.touch()

    def refused(*_: object, **__: object) -> int:  # permissions do not hold for root
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("harness.runner.lanes.os.open", refused)
    with pytest.raises(UserError) as machine:
        MachineLock(path).take("speed")
    monkeypatch.undo()
    who = owner(path)
    assert str(machine.value) == (
        f"{path}: cannot open this lock file of {who} (Permission denied). Ask {who} to run: chmod a+r {path}"
    )
    monkeypatch.setattr(Path, "open", refused)
    with (
        pytest.raises(UserError, match=r"\.lock: belongs to .* and cannot be written .*--results DIR"),
        exclusive(tmp_path),
    ):
        pass


def test_an_owner_without_a_name_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(self: Path) -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(Path, "owner", nameless)
    assert owner(tmp_path) == f"user {tmp_path.stat().st_uid}"
    monkeypatch.undo()
    assert owner(tmp_path / "nowhere") == "another user"


def test_only_one_module_calls_flock() -> None:
    package = Path(lanes.__file__).parents[1]
    users = {path.name for path in package.rglob("*.py") if "flock(" in path.read_text(encoding="utf-8")}
    assert users == {"locks.py"}
