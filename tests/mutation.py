"""Do the tests notice when the code is changed? A random sample of mutants, each run against the tests that call it.

    python -m tests.mutation [COUNT] [SEED]

Mutmut makes the mutants of the files that pyproject.toml names, and runs them; here they are drawn, from each file its
share, and counted. `mutmut show MUTANT` shows one that survived.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from math import sqrt
from pathlib import Path

MADE = Path("mutants")
SMALLEST = "harness.runner.limits.*"
"""A few mutants: before the first are run, mutmut makes all and looks which tests call which function."""
UNNOTICED = {0: "its tests pass", 33: "no test calls it", None: "was not run"}
"""Exit statuses of mutmut's workers; all others are failed tests, crashes and endless loops."""


def mutmut(*mutants: str) -> None:
    """Run these mutants. Tests that start a process have it import the mutants, too."""
    environment = {**os.environ, "PYTHONPATH": str(MADE.resolve()), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([Path(sys.executable).with_name("mutmut"), "run", *mutants], env=environment, check=True)


def statuses() -> dict[str, dict[str, int | None]]:
    """For each file, its mutants' exit statuses; None where it was not run."""
    statuses_of = {str(path.relative_to(MADE)): json.loads(path.read_text()) for path in sorted(MADE.rglob("*.meta"))}
    return {name.removesuffix(".meta"): content["exit_code_by_key"] for name, content in statuses_of.items()}


def draw(count: int, seed: int) -> dict[str, list[str]]:
    """About so many mutants, from each file in proportion to how many it has."""
    known = statuses()
    share = count / sum(map(len, known.values()))
    return {
        file: random.Random(f"{seed} {file}").sample(sorted(mutants), round(share * len(mutants)))
        for file, mutants in known.items()
    }


def main(count: int = 400, seed: int = 0) -> None:
    """Draw the sample, run it, and print what survived and the share that did not."""
    MADE.mkdir(exist_ok=True)
    mutmut(SMALLEST)
    drawn = draw(count, seed)
    mutmut(*(name for names in drawn.values() for name in names))
    statuses_of = {file: {name: known[name] for name in drawn[file]} for file, known in statuses().items()}
    for file, run in statuses_of.items():
        survivors = [f"\n    {name}: {UNNOTICED[status]}" for name, status in run.items() if status in UNNOTICED]
        print(f"{file}: {len(run)} mutants, {len(survivors)} survived", *survivors, sep="")
    every = [status for run in statuses_of.values() for status in run.values()]
    score = 1 - sum(status in UNNOTICED for status in every) / len(every)
    error = sqrt(score * (1 - score) / len(every))
    print(f"{score:.1%} of {len(every)} mutants were noticed (standard error {error:.1%}).")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
