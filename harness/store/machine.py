"""The machine and the code of a trial, which decide what may be compared."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.cgroup import usable_cores, usable_memory
from harness.store.record import Machine

_FACTS = ("cpu", "cores", "memory_bytes", "system", "python", "tensorflow", "keras", "numpy")
_CPU_INFO = Path("/proc/cpuinfo")
_TELLING = re.compile(r"(TF|XLA|KERAS|OMP|MKL|OPENBLAS|ONEDNN|DNNL|MALLOC)_\w+|PYTHONHASHSEED|LD_PRELOAD")
"""The environment variables that can change results or times."""


def telling_environment() -> dict[str, str]:
    """The environment variables of this process that can change results or times, for the records."""
    return {name: value for name, value in sorted(os.environ.items()) if _TELLING.fullmatch(name)}


@cache
def this_machine() -> Machine:
    """Hardware and versions, read without importing TensorFlow."""
    facts = {
        "cpu": _cpu_model(),
        "cores": usable_cores(),
        "memory_bytes": usable_memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: _version(package) for package in ("tensorflow", "keras", "numpy")},
    }
    return Machine.model_validate({"fingerprint": _fingerprint(facts), **facts})


def fingerprint_of(machine: Mapping[str, Any]) -> str:
    """The fingerprint of a stored record's machine. Fingerprints of the first rule are replaced by present ones.

    The first rule hashed all facts unchanged, so that an update of the operating system's kernel, or a slightly
    different amount of memory, gave another fingerprint.
    """
    stored = str(machine["fingerprint"])
    facts = tuple((name, machine[name]) for name in _FACTS if name in machine)
    return _renewed(stored, facts) if len(facts) == len(_FACTS) else stored


@lru_cache(maxsize=1000)
def _renewed(stored: str, facts: tuple[tuple[str, Any], ...]) -> str:
    return _fingerprint(dict(facts)) if stored == _hash(dict(facts)) else stored


def _fingerprint(facts: Mapping[str, Any]) -> str:
    """12 hexadecimal digits of what decides times.

    That is the processor, cores, memory in whole GiB, operating system and architecture without the kernel's release,
    Python's version without the third number, and the versions of the packages that compute.
    """
    system = str(facts["system"]).split()
    deciding = {
        "memory_bytes": round(facts["memory_bytes"] / 2**30),
        "system": f"{system[0]} {system[-1]}",
        "python": ".".join(str(facts["python"]).split(".")[:2]),
    }
    return _hash({**facts, **deciding})


def _hash(facts: Mapping[str, Any]) -> str:
    text = "\n".join(f"{name}={value}" for name, value in sorted(facts.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def git_state() -> tuple[str | None, bool | None]:
    """(commit, whether tracked files differ from it) of the harness's own checkout; (None, None) outside one."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", Path(__file__).name)  # a checkout around an installed copy is not ours
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _cpu_model() -> str:
    """'AMD EPYC (family 25, model 17)': virtual machines name several generations of a processor alike."""
    try:
        first = _CPU_INFO.read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        first = ""
    pairs = (line.partition(":") for line in first.splitlines())
    about = {key.strip(): value.strip() for key, _, value in pairs}
    name = about.get("model name") or platform.processor() or platform.machine() or "unknown"
    if {"cpu family", "model"} <= about.keys():
        return f"{name} (family {about['cpu family']}, model {about['model']})"
    return name


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
