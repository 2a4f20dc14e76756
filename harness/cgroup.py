"""CPU and memory limits of this process from its cgroup (version 1 or 2) and all parent cgroups.

Containers (`docker run --cpus=2 -m 4g`), batch systems and systemd set these limits. Sources of the formats: the Linux
kernel documentation (admin-guide/cgroup-v1, cgroup-v2) and proc(5).
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
"""Version 1 represents "no memory limit" by a number above this one."""


def usable_cores() -> int:
    """Number of cores for this process: those in its affinity mask, at most its CPU quota rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def usable_memory() -> int:
    """Memory for this process in bytes: that of the machine, at most the limit of its cgroups."""
    total = int(psutil.virtual_memory().total)
    return min(total, memory_limit() or total)


def free_memory() -> int:
    """Available memory in bytes: that of the machine, at most what is left below the limit of the cgroups."""
    available = int(psutil.virtual_memory().available)
    left = memory_left()
    return available if left is None else min(available, left)


def cpu_quota() -> float | None:
    """CPU quota of the process in cores, such as 1.5; None without a limit."""
    return min((quota for folder in _folders("cpu") if (quota := _quota(folder)) is not None), default=None)


def memory_limit() -> int | None:
    """Memory limit of the process in bytes; None without a limit."""
    return min((limit for _, limit, _ in _memory_limits()), default=None)


def memory_left() -> int | None:
    """Bytes left until the process's cgroup or a parent reaches its limit; None without a limit.

    Inactive file cache counts as free, because the kernel drops it when memory is needed.
    """
    used = ((folder, limit, _number(folder / name)) for folder, limit, name in _memory_limits())
    left = (limit - bytes_used + _droppable(folder) for folder, limit, bytes_used in used if bytes_used is not None)
    return min((max(0, int(each)) for each in left), default=None)


def _memory_limits() -> Iterator[tuple[Path, int, str]]:
    """The cgroups with a memory limit: folder, limit in bytes, and the name of the file with the used memory."""
    for folder in _folders("memory"):
        for name, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            limit = _number(folder / name)
            if limit is not None and 0 < limit < _UNLIMITED:
                yield folder, int(limit), used


def _droppable(folder: Path) -> float:
    """Bytes of inactive file cache in a cgroup and its descendants."""
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
    """The folders of the process's cgroups for a controller, and of all their parents."""
    with suppress(OSError, ValueError):
        mounts = list(_mounts(controller))
        for line in _OWN.read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            for root, top, version_2 in mounts:
                if version_2 == (number == "0") and (version_2 or controller in controllers.split(",")):
                    inside = Path(path.removeprefix(root).lstrip("/"))  # a container may see only a part of the tree
                    seen = not path.startswith("/..") and (path + "/").startswith(root.rstrip("/") + "/")
                    folder = top / inside if seen else top
                    yield from (parent for parent in (folder, *folder.parents) if parent.is_relative_to(top))


def _mounts(controller: str) -> Iterator[tuple[str, Path, bool]]:
    """The mounts of a controller: root of the mount in the cgroup tree, folder, and whether it is version 2."""
    for line in _MOUNTS.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, folder = before.split(" ")[3:5]
        if kind == "cgroup2" or (kind == "cgroup" and controller in options.split(",")):
            yield root, Path(folder), kind == "cgroup2"
