"""`python -m tests.fuzz [COUNT] [TARGET ...]`: tries COUNT inputs of each target (10,000 by default), from seed 0 on.

Every failure is printed with the seed of its input, and each kind of failure once with its traceback.
`python -m tests.fuzz --seed 17 "data csv"` repeats one input.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.fuzz.targets import TARGETS

_AT_A_TIME = 100
_LARGEST_MEMORY = 6 << 30
"""Maximum address space of a process in bytes; an input that needs more is a failure."""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_LARGEST_MEMORY, _LARGEST_MEMORY))


def _failures(name: str, seeds: range) -> dict[int, str]:
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = sys.stderr = nowhere
        return TARGETS[name].failures(seeds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", metavar="[COUNT] [TARGET ...]", help=f"10,000; {', '.join(TARGETS)}")
    parser.add_argument("--seed", type=int, help="one input only")
    given = parser.parse_args()
    numbered = bool(given.words) and given.words[0].isdecimal()
    seeds = range(int(given.words[0]) if numbered else 10_000)
    if given.seed is not None:
        seeds = range(given.seed, given.seed + 1)
    names = given.words[numbered:] or TARGETS
    if not {*names} <= {*TARGETS}:
        parser.error(f"expected TARGET to be one of: {', '.join(TARGETS)}")
    failed = 0
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), initializer=_limit) as pool:
        for name in names:
            begun = time.monotonic()
            parts = [
                pool.submit(_failures, name, seeds[at : at + _AT_A_TIME]) for at in range(0, len(seeds), _AT_A_TIME)
            ]
            failures = {seed: text for part in parts for seed, text in part.result().items()}
            failed += len(failures)
            seconds = time.monotonic() - begun
            print(f"{name}: {len(seeds):,} inputs, {len(failures)} failures, {seconds:.0f} s", flush=True)
            _show(failures)
    return 1 if failed else 0


def _show(failures: dict[int, str]) -> None:
    kinds: dict[str, list[int]] = {}
    for seed, text in failures.items():
        kinds.setdefault(_kind(text), []).append(seed)
    for seeds in kinds.values():
        print(f"  seeds {', '.join(map(str, seeds[:20]))}{' ...' if len(seeds) > 20 else ''}")
        print("".join(f"    {line}\n" for line in failures[seeds[0]].splitlines()[-12:]), flush=True)


def _kind(text: str) -> str:
    """The last line of the package in a traceback, and the type of the exception."""
    lines = text.splitlines()
    places = [line for line in lines if line.startswith("  File ") and "/harness/" in line]
    return f"{places[-1] if places else ''} {lines[-1].partition(':')[0]}"


if __name__ == "__main__":
    sys.exit(main())
