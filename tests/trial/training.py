"""Training in the process of a test."""

from __future__ import annotations

from typing import Any

from harness.spec.trial import TrialSpec
from harness.store.record import Measured
from harness.trial.measure import Meter
from harness.trial.train import train


def run(spec: TrialSpec, *, reuse: bool = False) -> dict[str, Any]:
    """The measurements of a trial, by the names of the record's fields."""
    reports: list[Measured] = []
    train(spec, Meter(), reports.append, reuse=reuse)
    return reports[-1].fields()
