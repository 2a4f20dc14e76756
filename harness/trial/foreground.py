"""Runs one trial in the current process, for debugging."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from harness.errors import UserError
from harness.plan.digest import code_version
from harness.spec.explain import explain
from harness.spec.trial import TrialSpec
from harness.store.record import Measured
from harness.trial.measure import Meter
from harness.trial.quiet import quiet_stderr
from harness.trial.settings import settle

_MOST_THREADS = 10_000


def spec_of(record: Mapping[str, Any]) -> TrialSpec:
    """The spec of a stored record. Warns on stderr if the code has changed since the trial.

    Raises UserError if this version of the harness cannot read the record's spec.
    """
    try:
        spec = TrialSpec.model_validate(record["spec"])
    except ValidationError as error:
        where = f"trial {record['trial_id']} (commit {record['git_commit'] or 'unknown'})"
        raise UserError(
            f"{where}: this version of the harness cannot repeat it.\n{explain(error, source='spec', model=TrialSpec)}"
        ) from error
    if code_version(spec.task, spec.cell) != spec.code:
        print("harness: the code has changed since this trial was run; the result may differ", file=sys.stderr)
    return spec


def threads_of(record: Mapping[str, Any]) -> int:
    """The thread count of a stored record. Raises UserError if it is not a valid number of threads."""
    threads = record["threads"]
    if type(threads) is not int or not 1 <= threads <= _MOST_THREADS:
        stated = f"its record has threads = {str(threads)[:20]!r}"
        raise UserError(f"trial {record['trial_id']}: {stated}, expected 1 to {_MOST_THREADS:,}")
    return threads


def run_in_foreground(spec: TrialSpec, threads: int) -> None:
    """Train and print the measurements that a run would store in the record. Exceptions are not caught."""
    with quiet_stderr():
        settle()
        from harness.trial.train import train, use_threads

    meter, latest = Meter(), Measured()

    def report(measured: Measured) -> None:
        nonlocal latest
        for point in measured.curve[len(latest.curve) :]:
            print(f"update {point.update}: train {point.train_loss:.4f}, validation {point.validation_loss:.4f}")
        latest = measured

    device = use_threads(threads)
    train(spec, meter, report)
    print(json.dumps(replace(latest, device=device, phases=meter.phases).fields(), indent=2))
