"""What a comparison compares: the column of outcomes it adds to the frame, the better direction, the unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from harness.analysis.claims import Comparison, Horizon, Paired, Proportion, TimeToTarget, Trend
from harness.analysis.measures import measure
from harness.analysis.target_times import with_speed_lanes_seconds
from harness.errors import UserError
from harness.tasks import tasks


@dataclass(frozen=True)
class Outcome:
    """A column of the frame; NaN, or a status other than ok, is a failed trial."""

    column: str
    title: str
    unit: str
    lower_is_better: bool


def with_outcome(frame: pd.DataFrame, claim: Comparison, curves: pd.DataFrame | None) -> tuple[pd.DataFrame, Outcome]:
    """The frame with what the claim compares in a column of it.

    Raises UserError where the trials do not have it: an unknown metric, a task without a threshold, no learning curves.
    """
    wanted = frame["cell"].isin([claim.better, claim.than])
    if claim.where.task is not None:
        wanted &= frame["task"].isin(claim.where.task)
    every, frame = frame, frame[wanted]
    names = sorted(frame["task"].unique())
    if isinstance(claim, Paired | Trend):
        return frame, _measured(frame, claim.on, names)
    if isinstance(claim, TimeToTarget):
        return _timed_in_one_lane(frame, every, claim, names, curves)
    return _solved(frame, claim, names)


def _measured(frame: pd.DataFrame, column: str, names: list[str]) -> Outcome:
    metrics = [measure(column, name) for name in names] or [measure("test_loss")]
    if len({metric.better for metric in metrics}) > 1:
        raise UserError(f"{column!r} is better low in one task and high in another; 'where' must name one task")
    measured = frame[column].notna() & (frame["status"] == "ok") if column in frame else frame["status"].isna()
    for name in names:
        of_task = frame["task"] == name
        if not measured[of_task].any() and (frame.loc[of_task, "status"] == "ok").any():
            raise UserError(f"no trial of the task {name!r} measured {column!r}")
    split = f"{column.split('_')[0]} " if column.startswith("test_") else ""
    title = metrics[0].title if metrics[0].title.startswith(split) else split + _lowered(metrics[0].title)
    units = {metric.unit for metric in metrics}
    return Outcome(column, title, units.pop() if len(units) == 1 else "", metrics[0].better == "lower")


def _lowered(title: str) -> str:
    """As in the middle of a sentence; F1 and MSE stay as they are."""
    return title if title[1:2].isupper() or title[1:2].isdigit() else title[:1].lower() + title[1:]


def _solved(frame: pd.DataFrame, claim: Proportion | Horizon, names: list[str]) -> tuple[pd.DataFrame, Outcome]:
    """1 where the trial passes the threshold, 0 where it does not or failed."""
    solved = pd.Series(0.0, index=frame.index)
    for name in names:
        if claim.on is not None and claim.threshold is not None:
            column, threshold = claim.on, claim.threshold
        else:
            own = tasks[name].solved
            if own is None:
                raise UserError(
                    f"the task {name!r} has no threshold from which it is solved; give 'on' and 'threshold'"
                )
            column, threshold = f"test_{own[0]}", own[1]
        if column not in frame:
            raise UserError(f"no trial measured {column!r}")
        passes = frame[column] <= threshold if measure(column, name).better == "lower" else frame[column] >= threshold
        solved[(frame["task"] == name) & passes & (frame["status"] == "ok")] = 1.0
    return frame.assign(solved=solved), Outcome("solved", "seeds that solve the task", "", False)


def _timed_in_one_lane(
    frame: pd.DataFrame, every: pd.DataFrame, claim: TimeToTarget, names: list[str], curves: pd.DataFrame | None
) -> tuple[pd.DataFrame, Outcome]:
    """Of accuracy trials alone. Seconds are updates times what one takes in the speed lane, where that is known."""
    frame = frame[(frame["lane"] == "accuracy") & (frame["purpose"] == "comparison")]
    if curves is None or claim.by == "updates":
        return _timed(frame, claim, names, curves)
    derived = with_speed_lanes_seconds(frame, every, curves)
    trials, outcome = _timed(frame, claim, names, curves if derived is None else derived)
    how = "of trials that share the machine" if derived is None else "by the speed lane's seconds per update"
    return trials, replace(outcome, title=f"{outcome.title}, {how}")


def _timed(
    frame: pd.DataFrame, claim: TimeToTarget, names: list[str], curves: pd.DataFrame | None
) -> tuple[pd.DataFrame, Outcome]:
    """Updates, or seconds, to the first evaluation that is as good as the target; NaN where there is none.

    A trial that reached the target and failed later did reach it.
    """
    if curves is None:
        raise UserError("the learning curves are needed to tell when a target was reached, and were not given")
    column = "update" if claim.by == "updates" else "seconds"
    times = pd.Series(np.nan, index=frame.index)
    goals = {name: _goal(claim, name) for name in names}
    for name, (metric, level) in goals.items():
        trials = frame[frame["task"] == name].set_index("trial_id")
        points = curves[curves["trial_id"].isin(trials.index)]
        if f"validation_{metric}" not in points:
            raise UserError(f"the learning curves of the task {name!r} have no {metric!r}, which its target is about")
        wanted = points["trial_id"].map(_levels(trials, metric, level))
        found = points[f"validation_{metric}"]
        reached = points[found <= wanted if measure(f"test_{metric}", name).better == "lower" else found >= wanted]
        times = times.fillna(frame["trial_id"].map(reached.groupby("trial_id")[column].min()).astype(float))
    status = np.where(times.notna(), "ok", frame["status"])
    unit = "updates" if claim.by == "updates" else "s"
    outcome = Outcome("time_to_target", f"{claim.by} to {_target_title(goals)}", unit, True)
    return frame.assign(time_to_target=times, status=status), outcome


def _goal(claim: TimeToTarget, task: str) -> tuple[str, float | str]:
    """Which metric has to reach which level: a number, or the name of a baseline."""
    if claim.target is not None:
        return "loss", claim.target
    own = tasks[task].target or tasks[task].solved
    if own is None:
        raise UserError(f"the task {task!r} declares no target; give 'target'")
    return own


def _levels(trials: pd.DataFrame, metric: str, level: float | str) -> pd.Series:
    """What each trial has to reach."""
    if not isinstance(level, str):
        return pd.Series(level, index=trials.index)
    if f"baseline_{level}_{metric}" not in trials:
        known = [
            name.removeprefix("baseline_").removesuffix(f"_{metric}")
            for name in map(str, trials.columns)
            if name.startswith("baseline_") and name.endswith(f"_{metric}")
        ]
        raise UserError(f"no baseline {level!r} in the records; there are: {', '.join(known) or 'none'}")
    return trials[f"baseline_{level}_{metric}"]


def _target_title(goals: Mapping[str, tuple[str, float | str]]) -> str:
    """'a validation loss of 2.0', 'the validation accuracy of unigram', or, for several tasks, 'their targets'."""
    if len(set(goals.values())) != 1:
        return "the tasks' targets"
    ((metric, level),) = set(goals.values())
    words = f"validation {metric.replace('_', ' ')}"
    return f"the {words} of {level}" if isinstance(level, str) else f"a {words} of {level:g}"
