"""What differs between two sets of results: the same trials, run by other code or on another machine.

Trials are the same where all that was asked for is the same, the seed too; the version of the code, and what follows
from it, may differ. Differences are second minus first, paired by seed; times are compared on one machine only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from harness.spec.measures import measure
from harness.store.frame import SPEC_REAL, SPEC_TEXT, SPEC_TRUTH, SPEC_WHOLE, named_data
from harness.tasks import tasks
from harness.verdicts.arrays import Floats
from harness.verdicts.counted import compared
from harness.verdicts.stats import estimate

SAME = tuple(
    name
    for name in (*SPEC_TEXT, *SPEC_WHOLE, *SPEC_REAL, *SPEC_TRUTH, "updates_planned")
    if name not in ("code", "options", "units", "seed")
)
"""What makes trials of different seeds one condition of a cell; units may follow from the code, by matching."""
_FEWEST = 2
"""Seeds, for an interval."""

Group = Literal["parameters", "accuracy", "failures", "memory", "time"]
Finding = Literal["same", "changed", "within noise", "one seed"]
"""same: in every digit; changed: exact counts differ, or the 95 % interval of the difference excludes zero."""


@dataclass(frozen=True)
class Quantity:
    """A column that is compared: exactly, as a difference, or as a ratio (in percent)."""

    group: Group
    column: str
    title: str
    unit: str
    how: Literal["exact", "difference", "ratio"]
    better: Literal["lower", "higher", ""] = "lower"


@dataclass(frozen=True)
class Change:
    """One quantity of one cell in one condition, before and after: means over the seeds that both have."""

    task: str
    condition: Mapping[str, Any]
    """The factors that tell the task's conditions apart, by column of the frame, and their values here."""
    cell: str
    quantity: Quantity
    first: float
    second: float
    change: float
    """Second minus first, or by how many percent the second is larger."""
    low: float
    high: float
    """Of its 95 % interval; infinite with one seed."""
    seeds: int
    finding: Finding

    @property
    def direction(self) -> Literal["better", "worse", ""]:
        """What the change means, where one direction of the quantity is better."""
        if not self.quantity.better or self.change == 0:
            return ""
        return "better" if (self.change < 0) == (self.quantity.better == "lower") else "worse"


@dataclass(frozen=True)
class Changes:
    """All that was compared."""

    common: int
    """Trials that both have."""
    only_first: int
    only_second: int
    changes: tuple[Change, ...]
    time_left_out: int
    """Of the common trials, those whose times are not compared: they ran on different machines."""


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Changes:
    """Compare two frames of trials, as `to_frame` gives them: those that count as outcomes."""
    first, second = compared(first), compared(second)
    key = [*SAME, "seed"]
    names = named_data(pd.concat([first, second], ignore_index=True)).to_numpy()
    first, second = first.assign(dataset=names[: len(first)]), second.assign(dataset=names[len(first) :])
    both = first.merge(second, on=key, suffixes=("_1", "_2"))
    shown = {str(task): _varying(part) for task, part in both.groupby("task")}
    changes: list[Change] = []
    for _, part in both.groupby(list(SAME), dropna=False, sort=True):
        task, cell = str(part["task"].iloc[0]), str(part["cell"].iloc[0])
        condition = {name: part[f"{name}_1" if name == "dataset" else name].iloc[0] for name in shown[task]}
        for quantity in _quantities(task, part):
            change = _change(task, condition, cell, quantity, part)
            if change is not None:
                changes.append(change)
    elsewhere = int((both["machine_1"] != both["machine_2"]).sum())
    return Changes(len(both), len(first) - len(both), len(second) - len(both), tuple(changes), elsewhere)


def _varying(part: pd.DataFrame) -> list[str]:
    """The factors that tell a task's conditions apart."""
    named = ["dataset" if name == "data" else name for name in SAME if name not in ("task", "cell")]
    return [name for name in named if part[f"{name}_1" if name == "dataset" else name].nunique(dropna=False) > 1]


def _quantities(task: str, part: pd.DataFrame) -> Iterator[Quantity]:
    yield Quantity("parameters", "units", "units", "", "exact", "")
    yield Quantity("parameters", "parameters", "parameters", "", "exact")
    for name in ("loss", *(metric.name for metric in tasks[task].metrics)):
        if f"test_{name}_1" in part and f"test_{name}_2" in part:
            metric = measure(f"test_{name}", task)
            title = f"test {name.replace('_', ' ')}"
            yield Quantity("accuracy", f"test_{name}", title, metric.unit, "difference", metric.better)
    yield Quantity("failures", "failed", "failed trials", "", "difference")
    yield Quantity("memory", "memory_peak_bytes", "peak memory", "MiB", "ratio")
    yield Quantity("memory", "memory_difference_bytes", "memory added by training", "MiB", "difference")
    for name in ("seconds_per_update", "seconds_first_step", "seconds_total"):
        yield Quantity("time", name, name.replace("_", " "), "s", "ratio")


def _change(
    task: str, condition: Mapping[str, Any], cell: str, quantity: Quantity, part: pd.DataFrame
) -> Change | None:
    """None where there is nothing to compare: not measured, failed, or times of two machines."""
    if quantity.group == "failures":
        failed = [int((part[f"status_{side}"] != "ok").sum()) for side in (1, 2)]
        more = failed[1] - failed[0]
        finding: Finding = "changed" if more else "same"
        return Change(task, condition, cell, quantity, failed[0], failed[1], more, more, more, len(part), finding)
    usable = (part["status_1"] == "ok") & (part["status_2"] == "ok")
    if quantity.group == "time":
        usable &= part["machine_1"] == part["machine_2"]
    values = part.loc[usable, [f"{quantity.column}_1", f"{quantity.column}_2"]].dropna().to_numpy(float)
    if not len(values) or (quantity.how == "ratio" and not (values > 0).all()):
        return None
    first, second = (values / 2**20 if quantity.unit == "MiB" else values).T
    change, low, high = _difference(first, second, quantity.how)
    if quantity.how == "exact" or (first == second).all():
        finding = "same" if (first == second).all() else "changed"
    elif len(values) < _FEWEST:
        finding = "one seed"
    else:
        finding = "changed" if low > 0 or high < 0 else "within noise"
    means = float(first.mean()), float(second.mean())
    return Change(task, condition, cell, quantity, *means, change, low, high, len(values), finding)


def _difference(first: Floats, second: Floats, how: str) -> tuple[float, float, float]:
    """The mean change with its interval, as verdicts compute theirs; a ratio on the log scale, in percent."""
    if how != "ratio":
        result = estimate(second - first)
        return result.effect, result.low, result.high
    result = estimate(np.log(second) - np.log(first))
    with np.errstate(over="ignore"):
        change, low, high = (float(100 * np.expm1(value)) for value in (result.effect, result.low, result.high))
    return change, low, high
