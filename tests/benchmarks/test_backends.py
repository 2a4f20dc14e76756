"""What `harness backends` measures of real networks, in processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.runner.backends import Shape, Work, measure_backends

TINY = Shape(batch=2, time=3, features=4, units=5)


@pytest.fixture(autouse=True)
def _own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other runs on this machine are not waited for."""
    monkeypatch.setattr("harness.runner.lanes.LOCK_FILE", tmp_path / "lanes.lock")


@pytest.mark.parametrize(
    ("work", "backends"),
    [("update", ["article", "keras", "fused"]), ("batch", ["keras", "fused"]), ("step", ["keras", "fused"])],
)
def test_every_backend_is_timed_and_its_memory_is_its_processes_own(work: Work, backends: list[str]) -> None:
    records = measure_backends(["gru"], backends, work=work, shape=TINY, most_rounds=2)
    assert [record.backend for record in records] == backends
    for record in records:
        assert (record.status, record.failure) == ("ok", "")
        assert record.milliseconds is not None
        assert record.first_step_seconds is not None
        assert record.first_step_seconds > record.milliseconds[2] / 1e3
        assert record.ratio_to_keras is not None
        assert record.memory_before_bytes is not None
        assert record.memory_peak_bytes is not None
        assert 50e6 < record.memory_before_bytes < record.memory_peak_bytes < 4e9


def test_a_cell_that_cannot_be_compiled_leaves_the_others_alone() -> None:
    bad = "tests.cells.uncompilable:cell"
    records = measure_backends([bad, "simple_rnn"], ["fused"], shape=TINY, most_rounds=2)
    assert [record.status for record in records] == ["crashed", "ok"]
    assert "no such step" in records[0].failure
