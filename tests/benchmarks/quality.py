"""`make regress`, second part: does training still give what it gave?

    python -m tests.benchmarks.quality            run experiments/regression.toml, compare with expected.json
    python -m tests.benchmarks.quality --renew    run it, and make what it gives the expectation

Parameters must be equal. Losses must be equal to the last bit on a machine with the same fingerprint (processor, cores
and versions), and within 2 % elsewhere, where products are rounded otherwise. Peak memory must be within 10 %.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXPERIMENT = ROOT / "experiments" / "regression.toml"
EXPECTED = Path(__file__).parent / "expected.json"
LOSS_TOLERANCE = 0.02
"""Relative, between machines."""
MEMORY_TOLERANCE = 0.10
LOSSES = ("validation", "test")


def summary(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What is compared, by task and cell: status, parameters, losses and peak memory; and the machine."""
    trials, machines = {}, set()
    for record in records:
        machines.add(record["machine"]["fingerprint"])
        trials[f"{record['spec']['task']} {record['spec']['cell']}"] = {
            "status": record["status"],
            "parameters": record["parameters"],
            "losses": {split: record[split].get("loss") for split in LOSSES},
            "memory_peak_bytes": (record["memory"] or {}).get("peak_bytes"),
        }
    return {"machine": ", ".join(sorted(machines)), "trials": dict(sorted(trials.items()))}


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What is not as expected, a sentence each."""
    same_machine = expected["machine"] == found["machine"]
    differing = []
    for name in sorted({*expected["trials"], *found["trials"]}):
        before, now = expected["trials"].get(name), found["trials"].get(name)
        if before is None or now is None:
            differing.append(f"{name}: {'not expected' if before is None else 'no trial'}")
            continue
        for key in ("status", "parameters"):
            if before[key] != now[key]:
                differing.append(f"{name}: {key} {now[key]}, expected {before[key]}")
        for split, loss in before["losses"].items():
            if not _equal(loss, now["losses"][split], 0.0 if same_machine else LOSS_TOLERANCE):
                differing.append(f"{name}: {split} loss {now['losses'][split]}, expected {loss}")
        if not _equal(before["memory_peak_bytes"], now["memory_peak_bytes"], MEMORY_TOLERANCE):
            differing.append(
                f"{name}: peak memory {now['memory_peak_bytes']} bytes, expected {before['memory_peak_bytes']}"
            )
    return differing


def _equal(before: float | None, now: float | None, tolerance: float) -> bool:
    if before is None or now is None:
        return before is now
    return before == now or math.isclose(before, now, rel_tol=tolerance)


def run() -> dict[str, Any]:
    """Run the experiment into a folder of its own."""
    from rich.console import Console

    from harness.runner.flow import run_experiment
    from harness.store.sqlite import open_store

    with tempfile.TemporaryDirectory() as folder:
        finished = run_experiment(EXPERIMENT, results=folder, console=Console(file=sys.stderr))
        if finished.report is None:
            sys.exit("Stopped before the end: nothing is compared.")
        with open_store(finished.directory) as store:
            return summary(store.records())


def main(arguments: list[str] | None = None) -> int:
    """0: as expected; 1: not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", action="store_true", help="make what is found the expectation")
    options = parser.parse_args(arguments)
    results = run()
    if options.renew:
        EXPECTED.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(f"{EXPECTED}: written")
        return 0
    differing = differences(json.loads(EXPECTED.read_text(encoding="utf-8")), results)
    for sentence in differing:
        print(f"- {sentence}")
    print(f"{len(results['trials'])} trials; {len(differing)} differences from what is expected.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
