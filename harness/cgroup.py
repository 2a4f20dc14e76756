"""What the process may use of its machine: the limits of its cgroup and of all parents, of version 1 and 2.

Containers (`docker run --cpus=2 -m 4g`), batch systems and systemd limit processes so. The formats are those of the
kernel's documentation (admin-guide/cgroup-v1, cgroup-v2) and of proc(5).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_OWN = Path("/proc/self/cgroup")
_MOUNTS = Path("/proc/self/mountinfo")
_UNLIMITED = 1 << 60
"""Version 1 states no limit of memory as the largest multiple of a page's size, which is above this."""


def usable_cores() -> int:
    """The cores this process may use: those it may run on, at most its cgroups' share of CPU time, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def usable_memory() -> int:
    """The memory this process may use, in bytes: the machine's, at most the limit of its cgroups."""
    total = int(psutil.virtual_memory().total)
    return min(total, memory_limit() or total)


def free_memory() -> int:
    """The memory that this process and others may still take, in bytes: the machine's, at most that of its cgroups."""
    available = int(psutil.virtual_memory().available)
    left = memory_left()
    return available if left is None else min(available, left)


def cpu_quota() -> float | None:
    """Cores' worth of CPU time that the process may use, such as 1.5; None without a limit."""
    return min((quota for folder in _folders("cpu") if (quota := _quota(folder)) is not None), default=None)


def memory_limit() -> int | None:
    """Bytes of memory that the process may use; None without a limit."""
    names = ("memory.max", "memory.limit_in_bytes")
    limits = (_number(folder / name) for folder in _folders("memory") for name in names)
    return min((int(limit) for limit in limits if limit is not None and 0 < limit < _UNLIMITED), default=None)


def memory_left() -> int | None:
    """Bytes that the process's cgroup and its parents may still take before a limit is reached; None without a limit.

    Cached files that the kernel would drop count as free.
    """
    left = []
    for folder in _folders("memory"):
        for limit_name, used_name in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            limit, used = _number(folder / limit_name), _number(folder / used_name)
            if limit is not None and used is not None and 0 < limit < _UNLIMITED:
                left.append(max(0, int(limit - used + _droppable(folder))))
    return min(left, default=None)


def _droppable(folder: Path) -> float:
    """Bytes of cached files in a cgroup, and in those below it, that were not used lately."""
    with suppress(OSError, ValueError):
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
        values = {name: float(value) for name, _, value in (line.partition(" ") for line in lines)}
        return values.get("total_inactive_file", values.get("inactive_file", 0.0))
    return 0.0


def _quota(folder: Path) -> float | None:
    with suppress(OSError, ValueError, IndexError, ZeroDivisionError):
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()[:2]
        return None if quota == "max" else float(quota) / float(period)
    quota_us, period_us = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return quota_us / period_us if quota_us and period_us and quota_us > 0 else None


def _number(path: Path) -> float | None:
    with suppress(OSError, ValueError):
        return float(path.read_text(encoding="ascii"))
    return None


def _folders(controller: str) -> Iterator[Path]:
    """The folders of the process's cgroups that this controller may be in, and of all their parents."""
    with suppress(OSError, ValueError):
        mounts = list(_mounts(controller))
        for line in _OWN.read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            for root, top, version_2 in mounts:
                if version_2 == (number == "0") and (version_2 or controller in controllers.split(",")):
                    inside = Path(path.removeprefix(root).lstrip("/"))  # a container may see a part of the tree
                    seen = not path.startswith("/..") and (path + "/").startswith(root.rstrip("/") + "/")
                    folder = top / inside if seen else top
                    yield from (parent for parent in (folder, *folder.parents) if parent.is_relative_to(top))


def _mounts(controller: str) -> Iterator[tuple[str, Path, bool]]:
    """Where the tree of a controller is mounted: the mount's root in it, the folder, and whether it is version 2."""
    for line in _MOUNTS.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, folder = before.split(" ")[3:5]
        if kind == "cgroup2" or (kind == "cgroup" and controller in options.split(",")):
            yield root, Path(folder), kind == "cgroup2"
