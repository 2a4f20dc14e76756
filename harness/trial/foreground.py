"""One trial in this very process, for people with a debugger."""

from __future__ import annotations

import json
from typing import Any

from harness.experiment import TrialSpec
from harness.trial.measure import Meter
from harness.trial.quiet import quiet_stderr


def run_in_foreground(spec: TrialSpec, threads: int) -> None:
    """Train and print what would go into the record; exceptions are raised as they are."""
    with quiet_stderr():
        from harness.trial.train import train, use_threads

    told: dict[str, Any] = {}

    def report(**fields: Any) -> None:
        told.update(fields)
        if fields.get("curve"):
            point = fields["curve"][-1]
            print(
                f"update {point['update']}: train {point['train_loss']:.4f}, validation {point['validation_loss']:.4f}"
            )

    use_threads(threads)
    meter = Meter()
    train(spec, meter, report)
    told["phases"] = {name: phase.model_dump() for name, phase in meter.phases.items()}
    print(json.dumps(told, indent=2))
