"""The CPU and memory limits of a process from its cgroups and their parents, on made-up trees of both versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness import cgroup
from harness.cgroup import cpu_quota, free_memory, memory_left, memory_limit, usable_cores, usable_memory
from harness.runner.limits import Limits

V2 = "31 23 0:28 {root} {top} rw,relatime - cgroup2 cgroup2 rw\n"
V1 = (
    "32 31 0:29 {root} {top}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 {root} {top}/memory rw - cgroup cgroup rw,memory\n"
    "40 31 0:37 {root} {top}/systemd rw - cgroup cgroup rw,name=systemd\n"
)
UNLIMITED_V1 = str(2**63 - 4096)
Tree = Callable[..., None]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Makes the files of a cgroup tree: their contents by path, the process's own cgroups, the mounts."""

    def make(own: str, mounts: str, files: Mapping[str, str], root: str = "/") -> None:
        top = tmp_path / "cgroup"
        for name, content in files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(content + "\n", encoding="ascii")
        (tmp_path / "own").write_text(own, encoding="utf-8")
        (tmp_path / "mounts").write_text(mounts.format(top=top, root=root), encoding="utf-8")
        monkeypatch.setattr(cgroup, "_OWN", tmp_path / "own")
        monkeypatch.setattr(cgroup, "_MOUNTS", tmp_path / "mounts")

    return make


def test_version_2_limits_of_the_process_and_of_its_parents_hold(tree: Tree) -> None:
    files = {
        "a/cpu.max": "400000 100000",
        "a/memory.max": "4294967296",
        "a/b/cpu.max": "150000 100000",
        "a/b/memory.max": "max",
        "a/b/c/cpu.max": "max 100000",
        "a/b/c/memory.max": "8589934592",
        "other/cpu.max": "1000 100000",
    }
    tree("0::/a/b/c\n", V2, files)
    assert cpu_quota() == 1.5
    assert memory_limit() == 4 * 2**30


def test_version_1_limits_of_the_process_and_of_its_parents_hold(tree: Tree) -> None:
    files = {
        "cpu,cpuacct/job/cpu.cfs_quota_us": "250000",
        "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/job/step/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/job/step/cpu.cfs_period_us": "100000",
        "memory/job/memory.limit_in_bytes": "2147483648",
        "memory/job/step/memory.limit_in_bytes": UNLIMITED_V1,
    }
    tree("5:cpu,cpuacct:/job/step\n4:memory:/job/step\n9:name=systemd:/\n", V1, files)
    assert cpu_quota() == 2.5
    assert memory_limit() == 2 * 2**30


def test_the_memory_left_is_the_smallest_of_the_cgroup_and_its_parents(tree: Tree) -> None:
    files = {
        "a/memory.max": "4000",
        "a/memory.current": "3500",
        "a/memory.stat": "anon 2500\ninactive_file 700\nactive_file 300",
        "a/b/memory.max": "max",
        "a/b/memory.current": "3500",
        "a/b/c/memory.max": "9000",
        "a/b/c/memory.current": "3400",
    }
    tree("0::/a/b/c\n", V2, files)
    assert memory_left() == 4000 - 3500 + 700
    files = {
        "memory/job/memory.limit_in_bytes": "2000",
        "memory/job/memory.usage_in_bytes": "2100",
        "memory/job/memory.stat": "inactive_file 5\ntotal_inactive_file 50",
        "memory/job/step/memory.limit_in_bytes": UNLIMITED_V1,
        "memory/job/step/memory.usage_in_bytes": "1",
    }
    tree("4:memory:/job/step\n", V1, files)
    assert memory_left() == 0
    tree("0::/other\n", V2, {"other/memory.max": "max", "other/memory.current": "5"})
    assert memory_left() is None


def test_free_memory_is_the_smaller_of_machine_and_cgroups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "memory_left", lambda: None)
    assert free_memory() > 2**20
    monkeypatch.setattr(cgroup, "memory_left", lambda: 2**20)
    assert free_memory() == 2**20
    monkeypatch.setattr(cgroup, "memory_left", lambda: 2**60)
    assert free_memory() < 2**60


def test_both_versions_may_be_mounted(tree: Tree) -> None:
    files = {"memory/memory.limit_in_bytes": UNLIMITED_V1, "cpu,cpuacct/cpu.cfs_quota_us": "-1"}
    tree("5:cpu,cpuacct:/\n4:memory:/\n0::/\n", V1 + V2.replace("{top}", "{top}/unified"), files)
    assert (cpu_quota(), memory_limit()) == (None, None)


@pytest.mark.parametrize(("own", "root"), [("0::/\n", "/"), ("0::/docker/abc\n", "/docker/abc"), ("0::/../x\n", "/")])
def test_a_container_that_sees_a_part_of_the_tree_finds_its_limits(tree: Tree, own: str, root: str) -> None:
    tree(own, V2, {"cpu.max": "200000 100000", "memory.max": "4294967296"}, root)
    assert (cpu_quota(), memory_limit()) == (2.0, 4 * 2**30)


@pytest.mark.parametrize("content", ["", "max", "x y", "100000 0"])
def test_an_unreadable_limit_is_ignored(tree: Tree, content: str) -> None:
    tree("0::/\n", V2, {"cpu.max": content, "memory.max": content})
    assert (cpu_quota(), memory_limit()) == (None, None)


def test_without_cgroups_there_is_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "_OWN", tmp_path / "nowhere")
    assert (cpu_quota(), memory_limit()) == (None, None)


@pytest.mark.parametrize(("quota", "cores"), [(0.5, 1), (1.0, 1), (1.5, 2), (2.0, 2), (100.0, 64), (None, 64)])
def test_cores_are_the_quota_rounded_up_and_at_most_the_machines(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, cores: int
) -> None:
    monkeypatch.setattr(cgroup.os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(cgroup, "cpu_quota", lambda: quota)
    assert usable_cores() == cores


def test_without_affinity_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= usable_cores() <= (cgroup.os.cpu_count() or 1)
    monkeypatch.delattr(cgroup.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(cgroup, "cpu_quota", lambda: None)
    assert usable_cores() == cgroup.os.cpu_count()


def test_the_memory_limit_of_trials_is_a_share_of_usable_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "memory_limit", lambda: 10 * 2**20)
    assert usable_memory() == 10 * 2**20
    assert Limits().memory(2) == 4.5 * 2**20
    monkeypatch.setattr(cgroup, "memory_limit", lambda: 2**62)
    assert usable_memory() < 2**62
