"""The method section: excluded and missing trials with reasons, split or noisy timing blocks, thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.report.figures.looks import Look, title_of
from harness.report.figures.panels import metric, task_title
from harness.report.figures.wording import with_unit
from harness.verdicts.counted import of_purpose
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS
from harness.words import plural, shorten

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.data import ReportData

METHOD_OF = {
    "seconds-per-update": "times",
    "time-to-target": "times",
    "learning-curves": "times",
    "memory": "memory",
    "memory-by-units": "memory",
    "learning-rates": "rates",
    "best-of-k": "rates",
}
"""Figure to the part of the section that says how such values are measured; the default is 'seeds'."""
MOST_ROWS = 60


def measured(data: ReportData, frame: pd.DataFrame, looks: Mapping[str, Look]) -> dict[str, Any]:
    """The parts of the method section that depend on the results; `frame` is the whole frame, prepared."""
    return {
        "excluded": excluded(frame),
        "groups": groups(frame, looks),
        "noisy": noisy(frame, looks),
        "missing": missing(data, looks),
        "thresholds": thresholds(data),
        "datasets": [list(row.values()) for row in data.datasets[:MOST_ROWS]],
        "hosts": [
            (shorten(host.name, 60), host.machine, host.accuracy_trials, "; ".join(host.blocks) or "none",
             "; ".join(host.differences) or "the coordinator's")
            for host in data.hosts
        ],
    }  # fmt: skip


def excluded(frame: pd.DataFrame) -> list[str]:
    """Recorded trials that figures and verdicts do not use, with the reason; one sentence 'Nothing: ...' if none."""
    stopped = int((frame["status"] == "interrupted").sum())
    tuning, checks = (len(of_purpose(frame, purpose)) for purpose in ("tuning", "check"))
    again = int((frame["attempt"] > 1).sum())
    sentences = []
    if stopped:
        sentences.append(
            f"{plural(stopped, 'trial was', 'trials were')} stopped by hand before the end. They are not "
            "outcomes; the next run re-runs them."
        )
    if tuning:
        sentences.append(
            f"{plural(tuning, 'trial')} chose learning rates, with separate seeds. Only the figure of the learning "
            "rates uses them."
        )
    if checks:
        sentences.append(
            f"{plural(checks, 'trial')} measured a time to target directly, to check the times derived from the other "
            "trials. No other figure and no verdict uses them."
        )
    if again:
        sentences.append(
            f"{plural(again, 'trial')} took more than one attempt: the last attempt counts, the others are stored."
        )
    return sentences or ["Nothing: every recorded trial counts, failed trials as failures."]


def groups(frame: pd.DataFrame, looks: Mapping[str, Look]) -> str:
    """How many timing blocks were split into groups, and which trial is in all groups; empty where none was split."""
    in_blocks = frame[frame["timing_block"] != ""]
    split = in_blocks[in_blocks["timing_group"] > 0]
    if split.empty:
        return ""
    blocks, count = split["timing_block"].nunique(), in_blocks["timing_block"].nunique()
    is_reference = (split["rounds"] == split["reference_rounds"]) & (split["rounds"] != "[]")
    shared = split[is_reference].groupby(["cell", "backend"], sort=True)
    names = [f"{title_of(looks, str(cell), 40)} by {shorten(str(backend), 20)}" for (cell, backend), _ in shared]
    trial = f"the trial of {' or '.join(names)}" if names else "one trial"
    was = "was" if blocks == 1 else "were"
    return (
        f"{blocks:,} of {plural(count, 'timing block')} {was} split, because memory did not hold all processes at "
        f"once. There are up to {int(split['timing_group'].max())} groups, each with {trial}. The ratio of trials in"
        " different groups is the ratio of their ratios to this trial."
    )


def noisy(frame: pd.DataFrame, looks: Mapping[str, Look]) -> str:
    """Which speed trials are noisy."""
    speed = frame[frame["lane"] == "speed"]
    if speed.empty:
        return "There are no speed trials: times come from trials that shared the machine with others."
    flagged = speed[speed["noisy"] > 0]
    rule = (
        "A trial is noisy where, after the last round, the 95 % interval of a compared ratio within the rounds of its "
        "timing block is still wider than the claims on time require: ± half of the margin, but between 0.5 and "
        "5 %; ± 2 % if no claim is about time."
    )
    if flagged.empty:
        return f"None of {plural(len(speed), 'speed trial')} was noisy. {rule}"
    counts = [
        f"{title_of(looks, str(cell), 40)} by {shorten(str(backend), 20)} {len(group)}"
        for (cell, backend), group in flagged.groupby(["cell", "backend"], sort=True)
    ]
    return f"{len(flagged):,} of {plural(len(speed), 'speed trial')} stayed noisy: {', '.join(counts[:12])}. {rule}"


def missing(data: ReportData, looks: Mapping[str, Look]) -> list[tuple[str, str, int, str]]:
    """Task, cell, number and reason of the planned trials that have no record."""
    explained: Counter[tuple[str, str]] = Counter()
    for task, cell, count, _ in data.left_out:
        explained[task, cell] += count
    others = ((task, cell, count - explained[task, cell], "not run yet") for task, cell, count in data.missing)
    rows = [*data.left_out, *(row for row in others if row[2] > 0)]
    return [
        (shorten(task_title(data.tasks, task), 60), title_of(looks, cell, 40), count, shorten(reason, 200))
        for task, cell, count, reason in rows[:MOST_ROWS]
    ]


def thresholds(data: ReportData) -> list[tuple[str, str]]:
    """Thresholds of the verdicts and the tasks, and the limits of a trial."""
    rows = [
        ("direction of a claim", f"p ≤ {ALPHA} after Holm's correction, and the 95 % interval on one side of zero"),
        ("fewest seeds for a verdict", str(FEWEST_SEEDS)),
    ]
    for name, task in data.tasks.items():
        for declared, what, split in (
            (task.solved, "solved", "Test"),
            (task.target or task.solved, "target of time to target", "Validation"),
        ):
            if declared:
                rows.append(
                    (f"{shorten(task_title(data.tasks, name), 60)}: {what}", _level(data, name, declared, split))
                )
    return rows + ([("limits of a trial", shorten(data.limits, 120))] if data.limits else [])


def _level(data: ReportData, task: str, declared: tuple[str, float | str], split: str) -> str:
    name, level = declared
    quantity = metric(data.tasks, task, str(name))
    title = f"{split} {quantity.axis.title.removeprefix('Test ')}"
    sign = "≤" if quantity.better == "lower" else "≥"
    if isinstance(level, str):
        return f"{title} {sign} that of the baseline {shorten(level, 40)!r}"
    return f"{title} {sign} {with_unit(float(level) * quantity.factor, quantity.axis.unit)}"
