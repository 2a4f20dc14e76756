"""Compute the outcome that a comparison compares: a column of the frame, its better direction and its unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from harness.errors import UserError
from harness.spec.claims import Comparison, Crossing, DataToTarget, Horizon, Paired, Proportion, TimeToTarget, Trend
from harness.spec.measures import is_quality, measure
from harness.tasks import tasks
from harness.tasks.common.target import Target, target_of, too_few_labels
from harness.verdicts.counted import compared
from harness.verdicts.pairs import selected
from harness.verdicts.rounds import COLUMN
from harness.verdicts.target_times import levels, reached
from harness.verdicts.update_costs import cost_of_update

SecondsFrom = Literal[
    "shared machine", "medians", "ratios within rounds", "ratios within rounds of common blocks, else medians"
]
"""Source of the seconds per update for a time to target: a shared machine, or the speed lane by three methods."""


@dataclass(frozen=True)
class ToTarget:
    """The target of a time to target, and how the time is measured."""

    by: Literal["updates", "seconds"]
    targets: tuple[Target, ...]
    """The distinct targets of the tasks."""
    seconds_from: SecondsFrom | None = None
    """None for updates."""


@dataclass(frozen=True)
class OutcomeColumn:
    """A column of the frame with outcomes; NaN, or a status other than ok, means a failed trial."""

    column: str
    title: str
    """The title of the measure, as its task declares it."""
    unit: str
    lower_is_better: bool
    bounds: tuple[float, float] | None = None
    """Bounds of the metric; infinite for a metric without bounds on a task that is solved or not. None for graded
    outcomes."""
    low: str = ""
    """The column of the smallest possible values, if outcomes are known as ranges."""
    to_target: ToTarget | None = None
    """Set if the outcome is a time to target."""


def with_outcome(
    frame: pd.DataFrame, claim: Comparison, curves: pd.DataFrame | None
) -> tuple[pd.DataFrame, OutcomeColumn]:
    """The trials of the claim's cells and tasks, with the outcome in a column.

    Raises UserError if the outcome is not available: an unknown metric, a task without a threshold, no learning curves.
    """
    every, frame = frame, compared(frame)  # otherwise tuning trials alone would seem to lack the outcome
    wanted = frame["cell"].isin([claim.better, claim.than])
    if claim.where.task is not None:
        wanted &= frame["task"].isin(claim.where.task)
    frame = frame[wanted]
    names = sorted(frame["task"].unique())
    if isinstance(claim, Paired | Trend | Crossing):
        return frame, _measured(frame, claim.on, names)
    if isinstance(claim, TimeToTarget):
        return _timed_in_one_lane(frame, every, claim, names, curves)
    frame, solved = _solved(frame, claim, names)
    return frame, _data_needed(claim, solved) if isinstance(claim, DataToTarget) else solved


def _data_needed(claim: DataToTarget, solved: OutcomeColumn) -> OutcomeColumn:
    """The outcome that claims on the data needed compare: a size of the training set, of which less is better."""
    target = "solve the task"
    if claim.on is not None:
        level = f"{claim.threshold:g}"
        target = f"reach a {claim.on.replace('_', ' ')} of {level}"
    return replace(solved, title=f"training data to {target}", lower_is_better=True, bounds=None)


def _measured(frame: pd.DataFrame, column: str, names: list[str]) -> OutcomeColumn:
    metrics = [measure(column, name) for name in names] or [measure("test_loss")]
    if len({metric.better for metric in metrics}) > 1:
        raise UserError(f"{column!r} is to be minimised in one task and maximised in another; name one task in 'where'")
    measured = frame[column].notna() & (frame["status"] == "ok") if column in frame else frame["status"].isna()
    for name in names:
        of_task = frame["task"] == name
        if not measured[of_task].any() and (frame.loc[of_task, "status"] == "ok").any():
            raise UserError(f"no trial of the task {name!r} measured {column!r}")
    units = {metric.unit for metric in metrics}
    unit = units.pop() if len(units) == 1 else ""
    return OutcomeColumn(column, metrics[0].title, unit, metrics[0].better == "lower", _bounds(column, names))


def _bounds(column: str, names: list[str]) -> tuple[float, float] | None:
    """The bounds of the column (`OutcomeColumn.bounds`), wide enough for all tasks."""
    bounds = []
    for name in names:
        declared = measure(column, name).bounds
        if declared is not None:
            bounds.append(declared)
        elif is_quality(column) and name in tasks and tasks[name].solved is not None:
            bounds.append((-np.inf, np.inf))
    return (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else None


def _solved(
    frame: pd.DataFrame, claim: Proportion | Horizon | DataToTarget, names: list[str]
) -> tuple[pd.DataFrame, OutcomeColumn]:
    """A column with 1 for trials that reach the threshold, and 0 for trials that do not, or failed."""
    solved = pd.Series(0.0, index=frame.index)
    for name in names:
        if claim.on is not None and claim.threshold is not None:
            column, threshold = claim.on, claim.threshold
        else:
            declared = tasks[name].solved
            if declared is None:
                raise UserError(
                    f"the task {name!r} has no threshold from which it is solved; give 'on' and 'threshold'"
                )
            column, threshold = f"test_{declared[0]}", declared[1]
        if column not in frame:
            raise UserError(f"no trial measured {column!r}")
        passes = frame[column] <= threshold if measure(column, name).better == "lower" else frame[column] >= threshold
        solved[(frame["task"] == name) & passes & (frame["status"] == "ok")] = 1.0
    return frame.assign(solved=solved), OutcomeColumn("solved", "seeds that solve the task", "", False, (0.0, 1.0))


def _timed_in_one_lane(
    frame: pd.DataFrame, every: pd.DataFrame, claim: TimeToTarget, names: list[str], curves: pd.DataFrame | None
) -> tuple[pd.DataFrame, OutcomeColumn]:
    """Times to target of accuracy trials. Seconds are updates times the speed lane's seconds per update, if known."""
    frame = frame[frame["lane"] == "accuracy"]
    if curves is None or claim.by == "updates":
        return _timed(frame, claim, names, curves)
    trials = selected(frame, claim)
    costs = cost_of_update(trials, every)
    if costs[COLUMN].notna().all():
        cost = curves["trial_id"].map(dict(zip(trials["trial_id"], costs[COLUMN], strict=True)))
        curves = curves.assign(seconds=(curves["update"] * cost).fillna(curves["seconds"]))
    timed, outcome = _timed(frame, claim, names, curves)
    assert outcome.to_target is not None
    return timed, replace(outcome, to_target=replace(outcome.to_target, seconds_from=_seconds_from(costs)))


def _seconds_from(costs: pd.DataFrame) -> SecondsFrom:
    """The source of the costs that `cost_of_update` returned."""
    if costs.empty or costs[COLUMN].isna().any():
        return "shared machine"
    if costs["in_rounds"].all():
        return "ratios within rounds"
    return "ratios within rounds of common blocks, else medians" if costs["in_rounds"].any() else "medians"


def _timed(
    frame: pd.DataFrame, claim: TimeToTarget, names: list[str], curves: pd.DataFrame | None
) -> tuple[pd.DataFrame, OutcomeColumn]:
    """Updates, or seconds, to the first evaluation that reaches the target; NaN if none does.

    A trial that failed after reaching the target counts as having reached it. `time_to_target_low` is the earliest
    possible time: just after the previous evaluation.
    """
    if curves is None:
        raise UserError("time to target needs the learning curves, which are missing")
    column = "update" if claim.by == "updates" else "seconds"
    times = pd.DataFrame(np.nan, index=frame.index, columns=[column, f"{column}_low"])
    goals = {name: _goal(claim, name) for name in names}
    for name, goal in goals.items():
        metric = goal[0]
        trials = frame[frame["task"] == name]
        points = curves[curves["trial_id"].isin(trials["trial_id"])]
        if f"validation_{metric}" not in points:
            raise UserError(f"the learning curves of the task {name!r} lack {metric!r}, the metric of its target")
        wanted = _known_levels(trials[trials["trial_id"].isin(points["trial_id"])], name, goal)
        lower = measure(f"test_{metric}", name).better == "lower"
        first = reached(points, f"validation_{metric}", wanted, lower=lower)
        for one in times.columns:
            times.loc[trials.index, one] = trials["trial_id"].map(first[one]).astype(float)
    status = np.where(times[column].notna(), "ok", frame["status"])
    unit = "updates" if claim.by == "updates" else "s"
    to_target = ToTarget(claim.by, tuple(dict.fromkeys(goals.values())))
    outcome = OutcomeColumn(
        "time_to_target", "time to target", unit, True, low="time_to_target_low", to_target=to_target
    )
    lowest = times[f"{column}_low"]
    return frame.assign(time_to_target=times[column], time_to_target_low=lowest, status=status), outcome


def _goal(claim: TimeToTarget, task: str) -> Target:
    """The target of a task: a metric, and the level that it has to reach, a number or the name of a baseline."""
    if claim.target is not None:
        return "loss", claim.target
    declared = target_of(tasks[task])
    if declared is None:
        raise UserError(f"the task {task!r} declares no target; give 'target'")
    return declared


def _known_levels(trials: pd.DataFrame, task: str, target: Target) -> pd.Series:
    """The level that each trial (by id) has to reach on the validation split.

    Raises UserError if it is unknown, or if the validation split is too small to show whether it is reached.
    """
    metric, level = target
    wanted = levels(trials, target)
    if isinstance(level, str) and wanted.isna().any():
        raise UserError(_unknown_level(trials, task, metric, level))
    labels = trials["validation_labels"].to_numpy(float)  # older records lack it
    for value, count in {*zip(wanted, labels, strict=True)}:
        if np.isfinite(count) and (why := too_few_labels(tasks[task], metric, value, int(count))):
            raise UserError(f"task {task!r}: {why}")
    return wanted


def _unknown_level(trials: pd.DataFrame, task: str, metric: str, level: str) -> str:
    """Why the level of a baseline on the validation split is unknown."""
    ending = f"_{metric}"
    columns = [
        column for column in map(str, trials.columns) if column.endswith(ending) and trials[column].notna().any()
    ]
    on_test, on_validation = (
        [column.removeprefix(prefix).removesuffix(ending) for column in columns if column.startswith(prefix)]
        for prefix in ("baseline_", "validation_baseline_")
    )
    if level in {*on_test, *on_validation}:
        return (
            f"task {task!r}: a target is compared on the validation split, but the records have the {metric} of the"
            f" baseline {level!r} on the test split only. Re-run these trials, or give 'target' as a number."
            " A custom task reports its baselines on the validation split in Dataset.validation_baselines"
        )
    return f"the records have no baseline {level!r}; they have: {', '.join(on_validation or on_test) or 'none'}"
