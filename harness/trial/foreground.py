"""One trial in this very process, for people with a debugger."""

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
    """What the trial of a stored record was to do; says so on stderr where the code has changed since.

    Raises UserError for a record whose spec this version of the harness does not understand.
    """
    try:
        spec = TrialSpec.model_validate(record["spec"])
    except ValidationError as error:
        where = f"trial {record['trial_id']} (commit {record['git_commit'] or 'unknown'})"
        raise UserError(
            f"{where}: this version cannot repeat it.\n{explain(error, source='spec', model=TrialSpec)}"
        ) from error
    if code_version(spec.task, spec.cell) != spec.code:
        print("harness: the code has changed since this trial was run; the result may differ", file=sys.stderr)
    return spec


def threads_of(record: Mapping[str, Any]) -> int:
    """How many threads the trial of a stored record had. Raises UserError where that is no number of threads."""
    threads = record["threads"]
    if type(threads) is not int or not 1 <= threads <= _MOST_THREADS:
        stated = f"its record says threads {str(threads)[:20]!r}"
        raise UserError(f"trial {record['trial_id']}: {stated}, expected 1 to {_MOST_THREADS:,}")
    return threads


def run_in_foreground(spec: TrialSpec, threads: int) -> None:
    """Train and print what would go into the record; exceptions are raised as they are."""
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
