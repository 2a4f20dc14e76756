"""What a comparison compares: the column of outcomes it adds to the frame, the better direction, the unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.analysis.claims import Comparison, Horizon, Paired, Proportion, TimeToTarget, Trend
from harness.analysis.measures import measure
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
    frame = frame[wanted]
    names = sorted(frame["task"].unique())
    if isinstance(claim, Paired | Trend):
        return frame, _measured(frame, claim.on, names)
    if isinstance(claim, TimeToTarget):
        return _timed(frame, claim, curves)
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


def _timed(frame: pd.DataFrame, claim: TimeToTarget, curves: pd.DataFrame | None) -> tuple[pd.DataFrame, Outcome]:
    """Updates, or seconds, to the first evaluation at or below the target; NaN where there is none.

    A trial that reached the target and failed later did reach it.
    """
    if curves is None:
        raise UserError("the learning curves are needed to tell when a target was reached, and were not given")
    if isinstance(claim.target, str):
        baseline = f"baseline_{claim.target}_loss"
        if baseline not in frame:
            known = [
                name[9:-5]
                for name in map(str, frame.columns)
                if name.startswith("baseline_") and name.endswith("_loss")
            ]
            raise UserError(f"no baseline {claim.target!r} in the records; there are: {', '.join(known) or 'none'}")
        targets = frame.set_index("trial_id")[baseline]
    else:
        targets = pd.Series(claim.target, index=frame["trial_id"])
    reached = curves[curves["validation_loss"] <= curves["trial_id"].map(targets)]
    column = "update" if claim.by == "updates" else "seconds"
    first = reached.groupby("trial_id")[column].min()
    times = frame["trial_id"].map(first).astype(float)
    status = np.where(times.notna(), "ok", frame["status"])
    unit = "updates" if claim.by == "updates" else "s"
    outcome = Outcome("time_to_target", f"{claim.by} to a validation loss of {claim.target}", unit, True)
    return frame.assign(time_to_target=times, status=status), outcome
