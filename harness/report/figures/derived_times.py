"""Derived times to target beside measured ones, for sweeps with `until_target`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.figures import figure
from harness.report.figures.aggregate import conditions
from harness.report.figures.panels import INTERVALS, Results, content, panel_of
from harness.report.figures.plot import Axis, Content, Quantity
from harness.verdicts.target_times import target_times

RATIO = Quantity("ratio", Axis("Derived time / measured time"), better="")


@figure("derived-times")
def derived_times(results: Results) -> Content:
    """The ratio of the derived to the measured time to target: a row for each cell."""
    if results.checks.empty or results.curves is None:
        return content("", [])
    times = target_times(pd.concat([results.frame, results.checks]), results.curves)
    trials = results.frame.merge(times[["trial_id", "ratio"]].dropna(), on="trial_id")
    both = np.isfinite(trials["ratio"]) & (trials["ratio"] > 0)
    trials["status"] = np.where(both, "ok", "missed by one of the two")
    return content(
        "Time to target, derived from updates to the target and seconds per update, divided by the time of a trial"
        " that was trained to the target alone on the machine. A ratio of 1 means that the derived time is right.",
        [panel_of(results, here, RATIO) for here in conditions(trials, x=None)],
        INTERVALS,
    )
