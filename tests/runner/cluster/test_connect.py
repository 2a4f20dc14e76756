"""Contradictory options and unreachable schedulers are errors before any trial runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.running import _cluster
from harness.errors import UserError
from harness.runner.cluster import link
from harness.runner.cluster.connect import Cluster, cluster_engine
from harness.runner.limits import Limits
from harness.runner.precision import EVERY_PAIR

NOWHERE = "tcp://127.0.0.1:9"


def connect(cluster: Cluster, jobs: int | None = None) -> None:
    with cluster_engine(cluster, jobs, Limits(), EVERY_PAIR, lambda line: None):
        pass


@pytest.mark.parametrize(
    ("cluster", "jobs", "message"),
    [
        (Cluster(NOWHERE, Path("x.json")), None, "Use one of them"),
        (Cluster(None, Path("x.json")), None, "x.json: no such file, expected JSON with an"),
        (Cluster(NOWHERE), 2, "--jobs is for one machine"),
        (Cluster(""), None, "--scheduler '': expected an address, such as tls://HOST:8786"),
    ],
)
def test_contradictory_options_are_an_error(cluster: Cluster, jobs: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        connect(cluster, jobs)


@pytest.mark.parametrize(
    "text",
    ["", "tcp://127.0.0.1:9", "{}", '["address"]', '{"address": 9}', '{"address": ""}', "\xff", "[" * 100_000],
)
def test_an_invalid_scheduler_file_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=r'scheduler.json: not .*, expected JSON with an "address"'):
        connect(Cluster(None, file))


def test_the_address_in_a_schedulers_file_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.3)
    file = tmp_path / "scheduler.json"
    file.write_text(f'{{"type": "Scheduler", "address": "{NOWHERE}"}}', encoding="ascii")
    with pytest.raises(UserError, match=f"cannot connect to the scheduler {NOWHERE}"):
        connect(Cluster(None, file))


def test_an_unreachable_scheduler_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CONNECT_SECONDS", 0.3)
    with pytest.raises(UserError, match=f"cannot connect to the scheduler {NOWHERE}"):
        connect(Cluster(NOWHERE))


def test_the_address_of_a_scheduler_implies_the_dask_engine() -> None:
    assert _cluster(None, None, None, any_versions=False) is None
    assert _cluster("local", None, None, any_versions=False) is None
    assert _cluster("dask", None, None, any_versions=False) == Cluster()
    assert _cluster(None, NOWHERE, None, any_versions=True) == Cluster(NOWHERE, None, True)
    with pytest.raises(UserError, match="are for --engine dask"):
        _cluster("local", NOWHERE, None, any_versions=False)
