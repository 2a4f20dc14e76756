"""Time to target: derived as updates (learning curves) times seconds per update (speed lane), and measured as a check.

Accuracy trials share the machine, so that their times are no benchmark; speed trials are not trained to the end. A few
trials that train to the target alone on the machine check the product of the two.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.spec.factors import columns
from harness.tasks import tasks
from harness.tasks.common.target import Target, lower_is_better, target_of
from harness.verdicts.counted import compared, of_purpose
from harness.verdicts.rounds import COLUMN
from harness.verdicts.update_costs import cost_of_update

SAME_RUN = (*columns(lambda factor: factor.run), "machine")
"""Two trials that agree in these columns train the same network on the same data."""
_HORIZON = "horizon"
"""The column with the number of updates of the learning-rate schedule; 0 for a constant rate."""
FIGURES = ("updates", "seconds_per_update", "seconds_derived", "updates_measured", "seconds_measured", "ratio")


def target_times(frame: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """One row for each accuracy trial whose task declares a target and whose updates the speed lane has timed.

    Columns: trial_id, SAME_RUN and FIGURES. Times are in seconds; the first update, which compiles, counts like any
    other. `updates` and `seconds_derived` are infinite if the trial misses the target. `seconds_measured` is the time
    of the check trial of the same network: infinite if it misses the target, NaN without a check. `ratio` is the
    derived over the measured time, NaN if both miss.
    """
    # The planned updates affect training only if the learning rate follows a schedule.
    frame = frame.assign(**{_HORIZON: frame["updates_planned"].where(frame["schedule"] != "constant", 0)})
    counted, checks = compared(frame), of_purpose(frame, "check")
    accuracy = counted[counted["lane"] == "accuracy"]
    derived = accuracy.assign(
        updates=at_target(accuracy, curves)["update"], seconds_per_update=cost_of_update(accuracy, frame)[COLUMN]
    ).dropna(subset=["updates", "seconds_per_update"])
    end = at_target(checks, curves)
    after_the_first = end["seconds"] - checks["seconds_first_step"]
    measured = checks.assign(
        updates_measured=end["update"],
        seconds_measured=(after_the_first + checks["seconds_per_update"]).where(
            np.isfinite(end["update"]), end["update"]
        ),
    )
    both = derived.assign(seconds_derived=derived["updates"] * derived["seconds_per_update"]).merge(
        measured[[*SAME_RUN, _HORIZON, "updates_measured", "seconds_measured"]], on=[*SAME_RUN, _HORIZON], how="left"
    )
    return both.assign(ratio=both["seconds_derived"] / both["seconds_measured"])[["trial_id", *SAME_RUN, *FIGURES]]


def at_target(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """`update` and `seconds` at which each trial (by index) reaches the target of its task.

    Both are infinite for a miss, and NaN if the task declares no target or its level on validation data is unknown.
    """
    result = pd.DataFrame(np.nan, index=trials.index, columns=["update", "seconds"])
    for name, of_task in trials.groupby("task"):
        task = tasks[str(name)]
        target = target_of(task)
        if target is None:
            continue
        metric, _ = target
        points = curves[curves["trial_id"].isin(of_task["trial_id"])]
        wanted = levels(of_task, target)
        first = reached(points, f"validation_{metric}", wanted, lower=lower_is_better(task, metric))
        known = of_task["trial_id"].map(wanted).notna()  # without a level, a miss is unknown too
        for column in result.columns:
            times = of_task["trial_id"].map(first[column]).astype(float).fillna(np.inf)
            result.loc[of_task.index, column] = times.where(known)
    return result


def levels(trials: pd.DataFrame, target: Target) -> pd.Series:
    """The level that each trial (by id) has to reach on validation data; NaN if the baseline has no score on them."""
    metric, level = target
    by_id = trials.set_index("trial_id")
    if isinstance(level, str):
        column = f"validation_baseline_{level}_{metric}"
        return by_id[column].astype(float) if column in by_id else pd.Series(np.nan, index=by_id.index)
    return pd.Series(float(level), index=by_id.index)


def reached(curves: pd.DataFrame, column: str, wanted: pd.Series, *, lower: bool) -> pd.DataFrame:
    """The first evaluation of each trial (the index) at its level or better; no row for trials that miss it.

    curves: learning curves from `curves_frame`
    column: a metric on validation data
    wanted: the levels, by trial id
    lower:  whether lower values are better

    `update` and `seconds` are those of the evaluation. The target was reached after the previous evaluation, so at
    `update_low` or `seconds_low` at the earliest.
    """
    points = curves.sort_values("update", kind="stable")
    value = points.get(column, pd.Series(np.nan, index=points.index))
    level = points["trial_id"].map(wanted).astype(float)
    before = points.groupby("trial_id")[["update", "seconds"]].shift().fillna(0.0)
    an_update = (points["seconds"] - before["seconds"]) / (points["update"] - before["update"])
    points = points.assign(update_low=before["update"] + 1, seconds_low=before["seconds"] + an_update)
    at_target = points[value <= level if lower else value >= level]
    return at_target.groupby("trial_id")[["update", "seconds", "update_low", "seconds_low"]].first()
