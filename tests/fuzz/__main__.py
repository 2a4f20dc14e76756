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

from tests.fuzz.targets import TARGETS, by_name

_AT_A_TIME = 100
_LARGEST_MEMORY = 6 << 30
"""Bytes of address space of a process: an input that asks for more shows a fault."""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_LARGEST_MEMORY, _LARGEST_MEMORY))


def _failures(name: str, first: int, last: int) -> dict[int, str]:
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = sys.stderr = nowhere
        return by_name(name).failures(range(first, last))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument("words", nargs="*", metavar="[COUNT] [TARGET ...]", help=f"10,000; {', '.join(names)}")
    parser.add_argument("--seed", type=int, help="one input only")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    numbered = bool(given.words) and given.words[0].isdecimal()
    count = int(given.words[0]) if numbered else 10_000
    targets = given.words[numbered:] or names
    if not {*targets} <= {*names}:
        parser.error(f"expected TARGET to be one of: {', '.join(names)}")
    failed = 0
    with ProcessPoolExecutor(given.jobs, initializer=_limit, max_tasks_per_child=None) as pool:
        for target in map(by_name, targets):
            begun = time.monotonic()
            if given.seed is None:
                starts = range(0, count, _AT_A_TIME)
                parts = [pool.submit(_failures, target.name, at, min(at + _AT_A_TIME, count)) for at in starts]
            else:
                parts = [pool.submit(_failures, target.name, given.seed, given.seed + 1)]
            failures = {seed: text for part in parts for seed, text in part.result().items()}
            failed += len(failures)
            seconds = time.monotonic() - begun
            tried = count if given.seed is None else 1
            print(f"{target.name}: {tried:,} inputs, {len(failures)} failures, {seconds:.0f} s", flush=True)
            _show(failures)
    return 1 if failed else 0


def _show(found: dict[int, str]) -> None:
    kinds: dict[str, list[int]] = {}
    for seed, text in found.items():
        kinds.setdefault(_kind(text), []).append(seed)
    for seeds in kinds.values():
        print(f"  seeds {', '.join(map(str, seeds[:20]))}{' ...' if len(seeds) > 20 else ''}")
        print("".join(f"    {line}\n" for line in found[seeds[0]].splitlines()[-12:]), flush=True)


def _kind(text: str) -> str:
    """The last place in the package, and the kind of exception."""
    lines = text.splitlines()
    places = [line for line in lines if line.startswith("  File ") and "/harness/" in line]
    return f"{places[-1] if places else ''} {lines[-1].partition(':')[0]}"


if __name__ == "__main__":
    sys.exit(main())
