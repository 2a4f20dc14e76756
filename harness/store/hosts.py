"""The hosts of the trials of a results folder, and the timing blocks of each host."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.store.data_names import Identity, dataset_names, identity_of, with_data
from harness.store.machine import fingerprint_of

_Condition: TypeAlias = tuple[Identity, int, int]
"""Data, training-set size, length."""
MOST_CONDITIONS = 40
"""Maximum number of values per host that are listed one by one."""


@dataclass(frozen=True)
class Host:
    """A host and a machine fingerprint it had."""

    name: str
    machine: str
    accuracy_trials: int
    blocks: tuple[str, ...]
    """Conditions of speed trials, with the seeds that ran here."""
    differences: tuple[str, ...]
    """How its code and versions differed from the coordinator's, where that was allowed."""


class Whereabouts:
    """Collects hosts from records. Records of a run on one machine name no host."""

    def __init__(self) -> None:
        self._accuracy: Counter[tuple[str, str]] = Counter()
        self._seeds: dict[tuple[str, str], dict[_Condition, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._differences: dict[tuple[str, str], set[str]] = defaultdict(set)

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a record, as JSON values."""
        if not record.get("host"):
            return
        key, spec = (record["host"], fingerprint_of(record["machine"])), record["spec"]
        self._differences[key].update(record["version_differences"])
        if spec["lane"] == "speed":
            self._seeds[key][identity_of(spec), spec["train_size"], spec["sequence_length"]].add(spec["seed"])
        else:
            self._accuracy[key] += 1

    def hosts(self) -> list[Host]:
        """By name."""
        return [
            Host(*key, self._accuracy[key], self._blocks(key), tuple(sorted(self._differences[key])))
            for key in sorted(self._differences)
        ]

    def _blocks(self, key: tuple[str, str]) -> tuple[str, ...]:
        names = dataset_names(data for conditions in self._seeds.values() for data, _, _ in conditions)
        conditions = [
            f"{with_data(data[0], names[data])} size {size} length {length}, seeds {runs_of(seeds)}"
            for (data, size, length), seeds in sorted(self._seeds[key].items())
        ]
        more = len(conditions) - MOST_CONDITIONS
        return (*conditions[:MOST_CONDITIONS], f"and {more} more conditions") if more > 0 else tuple(conditions)


def runs_of(numbers: set[int]) -> str:
    """Whole numbers in words: 0 to 3, 7."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return ", ".join(" to ".join(map(str, run)) for run in runs)
