"""What is told of the machine and of the code, also where the system does not tell it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from harness.store import machine
from harness.store.machine import fingerprint_of, git_state, telling_environment, this_machine


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    """Both answers are kept for the life of a process."""
    for answer in (this_machine, git_state):
        answer.cache_clear()
    yield
    for answer in (this_machine, git_state):
        answer.cache_clear()


def test_another_version_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here = this_machine()
    this_machine.cache_clear()
    assert this_machine() == here
    monkeypatch.setattr(machine, "version", lambda package: "0.0")
    this_machine.cache_clear()
    assert this_machine().tensorflow == "0.0"
    assert this_machine().fingerprint != here.fingerprint


@pytest.mark.parametrize(
    ("text", "cpu"),
    [
        (
            "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\n",
            "AMD EPYC (family 25, model 17)",
        ),
        ("processor\t: 0\nmodel name\t: ARM Neoverse\n", "ARM Neoverse"),
    ],
)
def test_generations_of_a_processor_with_the_same_name_are_distinguished(
    text: str, cpu: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    monkeypatch.setattr(machine, "_CPU_INFO", tmp_path / "cpuinfo")
    this_machine.cache_clear()
    assert this_machine().cpu == cpu


def facts(**changes: object) -> dict[str, object]:
    here = this_machine().model_dump()
    here |= {"system": "Linux 6.1.0-18-amd64 x86_64", "python": "3.11.7", "memory_bytes": 24 * 2**30 - 10**8}
    return {**here, **changes}


def first_rule(facts: Mapping[str, object]) -> dict[str, object]:
    """The machine as the first version stored it: the fingerprint hashes all facts as they are."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(facts.items()) if name != "fingerprint")
    return {**facts, "fingerprint": hashlib.sha256(text.encode()).hexdigest()[:12]}


ALIKE = (
    {"system": "Linux 6.1.0-25-amd64 x86_64"},
    {"memory_bytes": 24 * 2**30 - 10**8 + 4096},
    {"python": "3.11.9"},
)
OTHERS = (
    {"system": "Darwin 6.1.0-18-amd64 x86_64"},
    {"system": "Linux 6.1.0-18-amd64 aarch64"},
    {"memory_bytes": 32 * 2**30},
    {"python": "3.12.7"},
    {"cores": 99},
    {"cpu": "another"},
    {"tensorflow": "0.0"},
    {"keras": "0.0"},
    {"numpy": "0.0"},
)


def test_a_fingerprint_has_only_what_decides_times_also_of_machines_stored_by_the_first_version() -> None:
    here = fingerprint_of(first_rule(facts()))
    assert {fingerprint_of(first_rule(facts(**changes))) for changes in ALIKE} == {here}
    others = {fingerprint_of(first_rule(facts(**changes))) for changes in OTHERS}
    assert len(others - {here}) == len(OTHERS)


def test_a_record_of_today_and_one_of_the_first_version_are_of_one_machine() -> None:
    today = this_machine().model_dump()
    assert fingerprint_of(today) == today["fingerprint"] == fingerprint_of(first_rule(today))
    assert fingerprint_of({**today, "fingerprint": "another"}) == "another", "what no rule gives stays"
    assert fingerprint_of({"fingerprint": "of little"}) == "of little"


def test_the_environment_that_can_change_results_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "OMP_NUM_THREADS", "KERAS_BACKEND", "PYTHONHASHSEED"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HOME_OF_SECRETS", "no")
    environment = telling_environment()
    assert {
        "TF_ENABLE_ONEDNN_OPTS",
        "XLA_FLAGS",
        "OMP_NUM_THREADS",
        "KERAS_BACKEND",
        "PYTHONHASHSEED",
    } <= environment.keys()
    assert "HOME_OF_SECRETS" not in environment
    assert "PATH" not in environment


def test_a_missing_package_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(machine, "version", missing)
    assert this_machine().keras == "not installed"


def test_without_proc_the_processor_is_what_the_platform_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def without_proc(path: Path, encoding: str) -> str:
        if path.is_relative_to("/proc"):
            raise OSError("no /proc here")
        return read(path, encoding)

    monkeypatch.setattr(Path, "read_text", without_proc)
    monkeypatch.setattr(machine.platform, "processor", lambda: "arm64e")
    assert this_machine().cpu == "arm64e"


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which the file that asks is said to lie."""
    git(tmp_path, "init", "-q")
    file = tmp_path / "machine.py"
    file.write_text("one", encoding="utf-8")
    monkeypatch.setattr(machine, "__file__", str(file))
    return tmp_path


@needs_git
def test_the_commit_of_a_checkout_is_recorded_with_uncommitted_changes(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "one")
    assert git_state() == (git(checkout, "rev-parse", "HEAD"), False)
    (checkout / "machine.py").write_text("two", encoding="utf-8")
    git_state.cache_clear()
    assert git_state() == (git(checkout, "rev-parse", "HEAD"), True)


@needs_git
def test_a_copy_inside_of_somebody_elses_checkout_has_no_commit(checkout: Path) -> None:
    (checkout / "theirs.py").touch()
    git(checkout, "add", "theirs.py")
    git(checkout, "commit", "-qm", "theirs")
    assert git_state() == (None, None)


@needs_git
def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_state() == (None, None)
