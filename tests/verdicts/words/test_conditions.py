"""Conditions and scopes in words."""

from __future__ import annotations

from harness.verdicts.words.conditions import scope


def test_a_scope_is_stated_on_one_line() -> None:
    everything = {
        "machine": "3f2a9c", "lane": "speed", "matched": ["parameters", "units"], "backend": "fused", "units": 32,
        "sequence_length": [64, 128], "train_size": (2000, 8000), "task": "language", "dropout": 0.5,
    }  # fmt: skip
    assert scope(everything) == (
        "language; size 2,000, 8,000; length 64, 128; 32 units; backend fused; equal parameters, units; speed lane;"
        " machine 3f2a9c"
    )
    assert scope({}) == ""
