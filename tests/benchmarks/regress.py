"""`make regress`: has something become slower than it was when the baseline was made?

    python -m tests.benchmarks.regress                    measure, compare with baseline.json; status 1 where slower
    python -m tests.benchmarks.regress --baseline         measure, and make that the baseline
    python -m tests.benchmarks.regress --false-alarms 20  compare twenty times: how often is something blamed?

A suspect is measured twice more, each time in a process of its own, and is slower where it is so all three times.
Leave the machine alone meanwhile. The table is Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.store.machine import this_machine
from tests.benchmarks.compare import OTHER_MACHINE, Ratio, Row, compared, middle, named, ratios, table

FOLDER = Path(__file__).parent
BASELINE = FOLDER / "baseline.json"
REPEATS = 2
"""How often a suspect is measured again."""
RUNS = 3
"""Of which a baseline is the median."""

Measuring = Callable[[Sequence[str]], dict[str, Ratio]]
"""Measures the benchmarks of these names; of none: all."""


class SuiteError(Exception):
    """The benchmarks could not be run."""


def suite(*options: str) -> Measuring:
    """Measuring in a process of its own; `options` are pytest's."""

    def measured(names: Sequence[str]) -> dict[str, Ratio]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "benchmarks.json"
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-enable", "--gate"]
            command += [f"--benchmark-json={path}", f"--basetemp={folder}/pytest", *options]
            done = subprocess.run(
                [*command, *(names or [str(FOLDER)])],
                cwd=FOLDER.parents[1],
                env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise SuiteError(done.stdout[-4000:] + done.stderr[-4000:])
            return ratios(json.loads(path.read_text(encoding="utf-8")))

    return measured


def gate(
    measure: Measuring, baseline: Mapping[str, Ratio], first: Mapping[str, Ratio], slack: float = 1.0
) -> list[Row]:
    """Compare the first measurement; what is slower is measured again, and stays so only if it is slower every time."""
    rows = {row.name: row for row in compared(baseline, first, slack)}
    for _ in range(REPEATS):
        suspects = named(rows.values(), "slower")
        if suspects:
            again = compared({name: baseline[name] for name in suspects}, measure(suspects), slack)
            rows |= {row.name: min(row, rows[row.name], key=lambda either: either.change) for row in again}
    return list(rows.values())


def read_baseline(path: Path = BASELINE) -> dict[str, Ratio]:
    """The ratios that the file holds."""
    written = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Ratio(written_ratio["reference"], written_ratio["ratio"])
        for name, written_ratio in written["benchmarks"].items()
    }


def slack_here(path: Path = BASELINE) -> float:
    """By what thresholds are multiplied on this machine: 1 on one like that of the baseline, with the same versions."""
    there, here = json.loads(path.read_text(encoding="utf-8"))["machine"], this_machine().model_dump()
    same = ("cpu", "cores", "python", "tensorflow", "keras", "numpy")
    return 1.0 if all(there[fact] == here[fact] for fact in same) else OTHER_MACHINE


def write_baseline(found: Mapping[str, Ratio], path: Path = BASELINE) -> None:
    """Ratios, with when and on what machine they were measured."""
    written = {
        "measured": datetime.now(UTC).date().isoformat(),
        "runs": RUNS,
        "machine": this_machine().model_dump(),
        "benchmarks": {
            name: {"reference": one.reference, "ratio": round(one.ratio, 4)} for name, one in sorted(found.items())
        },
    }
    path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def false_alarms(measure: Measuring, baseline: Mapping[str, Ratio], times: int) -> str:
    """How often the gate blames something, as Markdown, with the largest change seen of every benchmark."""
    largest: dict[str, float] = {}
    suspected = alarmed = 0
    for number in range(times):
        first = measure([])
        rows = compared(baseline, first)
        for row in rows:
            largest[row.name] = max(largest.get(row.name, 0.0), row.change)
        suspects = named(rows, "slower")
        suspected += bool(suspects)
        blamed = named(gate(measure, baseline, first), "slower")
        alarmed += bool(blamed)
        print(f"{number + 1} of {times}: suspects {suspects}, blamed {blamed}", file=sys.stderr, flush=True)
    lines = [f"{times} runs: something suspected in {suspected}, something blamed in {alarmed}.", ""]
    lines += ["| benchmark | largest change |", "|---|---:|"]
    lines += [f"| {name} | {change:.2f} |" for name, change in sorted(largest.items(), key=lambda one: -one[1])]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """0: nothing is slower; 1: something is; 2: the benchmarks could not be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", action="store_true", help="make what is measured the baseline")
    parser.add_argument("--false-alarms", type=int, metavar="N", help="compare so many times without a change")
    parser.add_argument("--slow-down", metavar="NAME=FACTOR", help="make benchmarks slower, to see them caught")
    options = parser.parse_args(arguments)
    measure = suite(*([f"--slow-down={options.slow_down}"] if options.slow_down else []))
    try:
        if options.baseline:
            write_baseline(middle([measure([]) for _ in range(RUNS)]))
            print(f"{BASELINE}: written")
            return 0
        if options.false_alarms:
            print(false_alarms(measure, read_baseline(), options.false_alarms))
            return 0
        slack = slack_here()
        rows = gate(measure, read_baseline(), measure([]), slack)
    except SuiteError as error:
        print(error, file=sys.stderr)
        return 2
    if slack > 1:
        print(f"The baseline is of another machine or other versions: its thresholds are {slack} times wider here.\n")
    return report(rows)


def report(rows: Sequence[Row]) -> int:
    """Print the table and what follows from it; the exit status."""
    print(table(rows))
    slower, gone = named(rows, "slower"), named(rows, "gone")
    print()
    for name in slower:
        print(f"Slower in each of {REPEATS + 1} measurements: {name}")
    for name in gone:
        print(f"In the baseline and no longer among the benchmarks: {name}")
    for name in named(rows, "faster"):
        print(f"Faster: {name}")
    for name in named(rows, "new"):
        print(f"Not in the baseline yet: {name}")
    if slower or gone:
        print("If that is meant, renew the baseline with `make baseline`, and say why in the commit.")
        return 1
    print("Nothing has become slower.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
