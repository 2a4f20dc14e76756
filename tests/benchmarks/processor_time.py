"""Processor time of an accuracy trial, against another version of this project. Leave the machine alone meanwhile.

    python -m tests.benchmarks.processor_time OTHER_CHECKOUT      # about ten minutes on two cores
    python -m tests.benchmarks.processor_time OTHER_CHECKOUT --experiment experiments/less_data.toml

Both versions run accuracy trials of the other checkout's experiments/compare.toml: two seeds of every condition and
cell by the other version, three seeds by this one, and again two by the other one, because what else the machine does
changes processor time too. What 5 and 20 seeds take follows: for each condition and cell the mean of its trials that
reuse a program, a seed, and for each program what compiling added. Where none reuses one, it is the mean of all trials.

Seconds are those of `cpu_seconds`: user and system time of all phases, all threads. Beside them stands what the whole
run took, with all of its processes, start and report included; of it a smaller sample has a larger share.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from statistics import mean
from typing import Any

from harness.spec.toml import to_toml

ROOT = Path(__file__).parents[2]
SAMPLE = (("other", (0, 1)), ("this", (0, 1, 2)), ("other", (2, 3)))
"""Which version runs which seeds, in turn."""
TARGETS = {5: 0.45, 20: 0.35}
"""By the number of seeds: the share of the other version's processor time that a trial may take at most."""
_ADOPT_ORPHANS = 36
"""PR_SET_CHILD_SUBREAPER of Linux's prctl: what a run leaves becomes a child of this process, and is counted."""


def accuracy_only(text: str, seeds: Sequence[int]) -> str:
    """The experiment without its speed trials and its claims, with these seeds."""
    given: dict[str, Any] = tomllib.loads(text)
    given.pop("claim", None)
    given["seeds"] = list(seeds)
    given["sweep"] = [sweep for sweep in given["sweep"] if sweep.get("lane", given.get("lane")) != "speed"]
    return to_toml(given)


def run(checkout: Path, text: str) -> tuple[list[dict[str, Any]], float]:
    """Run an experiment by the version in a checkout: its records, and processor seconds of all processes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "experiment.toml")
        file.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "harness", "run", str(file), "--results", folder]
        before = _children_seconds()
        subprocess.run(command, cwd=checkout, stdout=subprocess.DEVNULL, check=True)
        with suppress(ChildProcessError):
            while True:
                os.wait()
        (store,) = Path(folder).glob("*/trials.sqlite")
        with closing(sqlite3.connect(store)) as connection:
            rows = connection.execute("SELECT record FROM trial").fetchall()
    return [json.loads(record) for (record,) in rows], _children_seconds() - before


def seconds_a_trial(records: Iterable[Mapping[str, Any]], seeds: int) -> float:
    """Processor seconds of a trial, on average over all conditions with this number of seeds."""
    conditions: defaultdict[str, dict[str, list[float]]] = defaultdict(lambda: {"compiled": [], "reused": []})
    for record in records:
        assert record["status"] == "ok", record["failure"]
        spec = {name: value for name, value in record["spec"].items() if name != "seed"}
        seconds = sum(phase["cpu_seconds"] for phase in record["phases"].values())
        conditions[json.dumps(spec, sort_keys=True)][record.get("program", "compiled")].append(seconds)
    total = 0.0
    for found in conditions.values():
        each = mean(found["reused"] or found["compiled"])
        total += seeds * each
        if found["reused"]:  # else every trial compiles
            total += sum(seconds - each for seconds in found["compiled"])
    return total / (seeds * len(conditions))


def phases(records: Sequence[Mapping[str, Any]]) -> str:
    """The mean processor seconds of each phase, by whether the program was reused."""
    lines = []
    for program in ("compiled", "reused"):
        chosen = [record["phases"] for record in records if record.get("program", "compiled") == program]
        names = dict.fromkeys(name for each in chosen for name in each)
        means = (
            f"{name} {mean(each[name]['cpu_seconds'] if name in each else 0.0 for each in chosen):.2f}"
            for name in names
        )
        if chosen:
            lines.append(f"  {len(chosen)} {program}: {', '.join(means)} s")
    return "\n".join(lines)


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a checkout of the version to compare with")
    parser.add_argument("--experiment", default="experiments/compare.toml", help="a file of the other checkout")
    arguments = parser.parse_args()
    text = (arguments.other / arguments.experiment).read_text(encoding="utf-8")
    ctypes.CDLL(None).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)
    found: dict[str, list[dict[str, Any]]] = {"other": [], "this": []}
    for name, sample in SAMPLE:
        records, whole = run(arguments.other if name == "other" else ROOT, accuracy_only(text, sample))
        found[name] += records
        print(f"{name}: {len(records)} trials; {whole / len(records):.2f} s a trial of the whole run", flush=True)
        print(phases(records), flush=True)
    for seeds, target in TARGETS.items():
        ours, theirs = (seconds_a_trial(found[name], seeds) for name in ("this", "other"))
        verdict = "met" if ours / theirs <= target else "missed"
        print(
            f"{seeds} seeds: {ours:.2f} s a trial, {theirs:.2f} s by the other version: {ours / theirs:.2f},"
            f" target {target:.2f} {verdict}"
        )


if __name__ == "__main__":
    main()
