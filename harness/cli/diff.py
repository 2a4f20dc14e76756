"""`harness diff`: two results folders side by side, of two versions of the code or of two machines."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from harness.store.datasets import Data, differences, of_frame
from harness.store.folder import find_modules
from harness.store.frame import load_records
from harness.store.sqlite import naming_damage, open_store
from harness.verdicts.changes import Change, Changes, Group, compare
from harness.words import number

BY_CHANCE = 0.05
"""The share of comparisons with an interval without zero if nothing has changed."""


@dataclass(frozen=True)
class Side:
    """One of the two folders: its trials, their code, machines and data."""

    directory: str
    trials: int
    commits: tuple[str, ...]
    machines: tuple[str, ...]
    data: tuple[Data, ...] = ()
    """Of its trials."""


def diff_results(first: str | Path, second: str | Path) -> tuple[Side, Side, Changes]:
    """Compare two results folders. Raises UserError where one of them holds no results."""
    for directory in (first, second):  # both are checked before the work begins
        with open_store(directory):
            pass
    frame_of_first, frame_of_second = load_records(first), load_records(second)
    with naming_damage(first, second):
        for directory, frame in ((first, frame_of_first), (second, frame_of_second)):
            find_modules(directory, {*frame["task"], *frame["cell"]})
        return _side(first, frame_of_first), _side(second, frame_of_second), compare(frame_of_first, frame_of_second)


def _side(directory: str | Path, frame: pd.DataFrame) -> Side:
    commits = tuple(sorted({commit[:12] or "unknown" for commit in frame["git_commit"]}))
    return Side(str(directory), len(frame), commits, tuple(sorted(frame["machine"].unique())), of_frame(frame))


def as_json(first: Side, second: Side, compared: Changes) -> str:
    """Everything that was compared; JSON has no infinity, so an unbounded interval is null."""
    rows = []
    for change in compared.changes:
        row = {"where": where(change), **asdict(change), **asdict(change.quantity), "direction": change.direction}
        for name in ("task", "condition", "quantity"):
            del row[name]
        rows.append({name: None if value in (math.inf, -math.inf) else value for name, value in row.items()})
    sides = {"first": asdict(first), "second": asdict(second)}
    counts = {name: getattr(compared, name) for name in ("common", "only_first", "only_second", "time_left_out")}
    counts["data_differences"] = data_differences(first, second)
    return json.dumps({**sides, **counts, "changes": rows}, indent=2, allow_nan=False)


def introduction(first: Side, second: Side, compared: Changes) -> Iterator[str]:
    """What is compared with what, line by line."""
    for name, side in (("A", first), ("B", second)):
        commits, machines = ", ".join(side.commits) or "none", ", ".join(side.machines) or "none"
        yield f"{name}: {side.directory}: {side.trials} trials, commit {commits}, machine {machines}"
    yield from data_differences(first, second)
    if not compared.common:
        yield "The folders have no trial in common: no two trials have the same spec and seed."
        return
    yield f"{compared.common} trials in both; only in A: {compared.only_first}, only in B: {compared.only_second}."
    if compared.time_left_out:
        left_out = compared.time_left_out
        yield f"Times are compared only between trials on the same machine: {left_out} trials ran on different ones."


def data_differences(first: Side, second: Side) -> list[str]:
    """One sentence for each task whose data differ between the folders."""
    return differences({"A": first.data, "B": second.data})


def table(changes: Sequence[Change]) -> Table:
    """The changes, one row per quantity, cell and condition. Cells fold in a narrow terminal."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown.add_column("where", overflow="fold", ratio=2)
    shown.add_column("what", overflow="fold", ratio=2)
    shown.add_column("A to B", overflow="fold", ratio=2)
    shown.add_column("change [95 %]", overflow="fold", ratio=2)
    shown.add_column("n", justify="right")
    for change in changes:
        unit = f" {change.quantity.unit}" if change.quantity.unit else ""
        row = (
            f"{change.cell}, {where(change)}",
            change.quantity.title,
            f"{number(change.first)} to {number(change.second)}{unit}",
            _change_in_words(change),
            str(change.seeds),
        )
        shown.add_row(*map(Text, row))
    return shown


def where(change: Change) -> str:
    """The condition: 'language, train size 100, updates 50'."""
    names = {"reference_units": "units", "updates_planned": "updates", "dataset": "data"}
    factors = [f"{names.get(name, name).replace('_', ' ')} {value}" for name, value in change.condition.items()]
    return ", ".join([change.task, *factors])


def _change_in_words(change: Change) -> str:
    percent = " %" if change.quantity.how == "ratio" else ""
    text = f"{_signed(change.change)}{percent}"
    if change.low < change.high < math.inf:
        text += f" [{_signed(change.low)}, {_signed(change.high)}]"
    return f"{text} {change.direction}".strip()


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def summary(changes: Sequence[Change]) -> Iterator[str]:
    """For each group of quantities the number of changes; then the number expected by chance."""
    for group in get_args(Group):
        counts = Counter(change.finding for change in changes if change.quantity.group == group)
        if counts:
            findings = ", ".join(f"{count} {finding}" for finding, count in counts.most_common())
            yield f"{group}: {findings}"
    tested = sum(change.finding in ("changed", "within noise") and change.low < change.high for change in changes)
    if tested:
        yield f"Of {tested} intervals, about {BY_CHANCE * tested:.0f} exclude zero by chance if nothing has changed."
