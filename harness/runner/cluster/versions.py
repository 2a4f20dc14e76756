"""Versions of code and packages, which must agree between coordinator and workers for comparable records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from harness.store.machine import this_machine

_PACKAGE = Path(__file__).parents[2]
_COMPARED = ("python", "tensorflow", "keras")


def own_versions() -> dict[str, str]:
    """The versions in this process: a digest of the harness's files, and of Python, TensorFlow and Keras."""
    machine = this_machine()
    return {"harness": harness_digest(), **{name: getattr(machine, name) for name in _COMPARED}}


@cache
def harness_digest() -> str:
    """A digest (12 hexadecimal digits) of the names and contents of all Python files of the harness."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("[!.]*.py")):
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> tuple[str, ...]:
    """One clause for each version that differs on a worker; empty if all agree."""
    return tuple(
        f"{name} {there.get(name, 'unknown')} there, {version} here"
        for name, version in here.items()
        if there.get(name) != version
    )
