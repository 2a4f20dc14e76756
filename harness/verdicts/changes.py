"""Compare two sets of results: the same trials, run with different code or on different machines.

Trials are the same if their settings and seeds are equal; the version of the code, and settings that depend on it, may
differ. Differences are second minus first, paired by seed. Times are compared only between trials of one machine.
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
"""The columns that define a condition of a cell; not units, which may depend on the code, if they are matched."""

Group = Literal["parameters", "accuracy", "failures", "memory", "time"]
Finding = Literal["same", "changed", "within noise", "one seed"]
"""same: all digits are equal; changed: exact counts differ, or the 95 % interval of the difference excludes zero."""


@dataclass(frozen=True)
class Quantity:
    """A compared column, and how it is compared: exactly, as a difference, or as a ratio (in percent)."""

    group: Group
    column: str
    title: str
    unit: str
    how: Literal["exact", "difference", "ratio"]
    better: Literal["lower", "higher", ""] = "lower"


@dataclass(frozen=True)
class Change:
    """One quantity of one cell in one condition, in both sets of results: means over the seeds that both have."""

    task: str
    condition: Mapping[str, Any]
    """The factors that distinguish the conditions of the task, by column of the frame, with their values."""
    cell: str
    quantity: Quantity
    first: float
    second: float
    change: float
    """Second minus first; for ratios the percent change."""
    low: float
    high: float
    """Bounds of the 95 % interval; infinite with one seed."""
    seeds: int
    finding: Finding

    @property
    def direction(self) -> Literal["better", "worse", ""]:
        """Whether the change is better or worse; empty if no direction of the quantity is better."""
        if not self.quantity.better or self.change == 0:
            return ""
        return "better" if (self.change < 0) == (self.quantity.better == "lower") else "worse"


@dataclass(frozen=True)
class Changes:
    """The result of a comparison."""

    common: int
    """Number of trials that both sets have."""
    only_first: int
    only_second: int
    changes: tuple[Change, ...]
    time_left_out: int
    """Number of common trials whose times are not compared because they ran on different machines."""


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Changes:
    """Compare two frames of trials from `to_frame`; only trials that `compared` keeps."""
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
    """The factors that distinguish the conditions of a task."""
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
    """The change of a quantity; None if it was not measured, all trials failed, or times are of different machines."""
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
    elif len(values) == 1:
        finding = "one seed"
    else:
        finding = "changed" if low > 0 or high < 0 else "within noise"
    means = float(first.mean()), float(second.mean())
    return Change(task, condition, cell, quantity, *means, change, low, high, len(values), finding)


def _difference(first: Floats, second: Floats, how: str) -> tuple[float, float, float]:
    """The mean change with its interval, as for verdicts; for ratios on the log scale, in percent."""
    if how != "ratio":
        result = estimate(second - first)
        return result.effect, result.low, result.high
    result = estimate(np.log(second) - np.log(first))
    with np.errstate(over="ignore"):
        change, low, high = (float(100 * np.expm1(value)) for value in (result.effect, result.low, result.high))
    return change, low, high
