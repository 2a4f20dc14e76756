"""The XLA flags of the training step; its results are tested with the models and the layer."""

from __future__ import annotations

import os

import pytest

from harness.trial.update import prefer_quick_compiling


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "--xla_backend_optimization_level=1"),
        ("--xla_dump_to=/tmp/hlo", "--xla_backend_optimization_level=1 --xla_dump_to=/tmp/hlo"),
        ("--xla_backend_optimization_level=3", "--xla_backend_optimization_level=3"),
    ],
)
def test_xla_flags_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch, before: str | None, after: str) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    if before is not None:
        monkeypatch.setenv("XLA_FLAGS", before)
    for _ in range(2):  # each training step and each prediction asks
        prefer_quick_compiling()
    assert os.environ["XLA_FLAGS"] == after
