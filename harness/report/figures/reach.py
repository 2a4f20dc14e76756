"""Gradient reach: what the last loss can still feel of each earlier input, before and after training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.report.figures.aggregate import Condition, conditions, statuses, with_factors
from harness.report.figures.looks import in_order
from harness.report.figures.panels import Draft, Results, Titles, facets, limited, panel_title
from harness.report.figures.plot import Axis, Centre, Failed, Panel, Plot, Series
from harness.report.figures.training import MOST_TRACES
from harness.verdicts.stats import student_interval
from harness.words import number

DISTANCE = Axis("Distance", "time steps", written="Distance from the last time step (time steps)")
NORM = Axis("Norm of the gradient", scale="log")
NETWORKS = ("untrained", "trained")


def gradient_reach(results: Results) -> Plot:
    """The gradient's norm against the distance, a panel for the untrained and one for the trained network."""
    longest = _longest(results)
    drafts: list[Draft | Panel] = []
    for here in conditions(longest, x=None, pooled=("machine",)):
        for network in NETWORKS:
            points = here.trials[here.trials["network"] == network]
            if not points.empty:
                drafts.append(_panel(results, here, network, points))
    kept, notes = limited(drafts)
    return Plot(
        "gradient-reach",
        "How far back can a cell feel?",
        "The norm of the gradient of the last loss by each earlier input: what training can still connect to the end. "
        "A line that falls steeply forgets; one that stays level remembers.",
        kept,
        (
            f"Thick: the geometric mean of the seeds; thin: at most {MOST_TRACES} seeds a cell. The scale is "
            "logarithmic; a gradient that is exactly zero is not on it.",
            "Drawn at the largest training set and the longest sequence of each task.",
            *notes,
        ),
    )


def _longest(results: Results) -> pd.DataFrame:
    """The reach of each task's trials with the largest training set, and of these with the longest sequence."""
    trials = results.frame
    if results.reach is not None and not results.reach.empty:
        trials = trials[trials["trial_id"].isin(results.reach["trial_id"])]
    for name in ("train_size", "sequence_length"):
        trials = trials[trials[name] == trials.groupby(["task", "dataset"])[name].transform("max")]
    return with_factors(results.reach, trials, ("distance", "gradient"))


def _panel(results: Results, here: Condition, network: str, points: pd.DataFrame) -> Panel:
    series = _series(points, _lost(results.frame, here, network), results.titles)
    return Panel(
        f"{panel_title(results.tasks, here)} · {network}",
        DISTANCE,
        NORM,
        series,
        kind="curves",
        facets=facets(here),
        says=_says(series, network),
    )


def _lost(frame: pd.DataFrame, here: Condition, network: str) -> pd.DataFrame:
    """The condition's trials that failed before the trained network could be looked at."""
    if network == "untrained":
        return frame.iloc[:0]
    same = (frame["task"] == here.task) & (frame["status"] != "ok")
    for name, value in here.factors.items():
        if name != "machine":
            same &= (frame[name] == value) | (frame[name].isna() & pd.isna(value))
    return frame[same]


def _series(points: pd.DataFrame, lost: pd.DataFrame, titles: Titles) -> tuple[Series, ...]:
    made = []
    for cell in in_order([str(name) for name in {*points["cell"], *lost["cell"]}]):
        own = points[(points["cell"] == cell) & (points["gradient"] > 0)].sort_values("distance")
        traces = tuple(
            (int(float(str(seed))), tuple(zip(trace["distance"], trace["gradient"], strict=True)))
            for seed, trace in list(own.groupby("seed"))[:MOST_TRACES]
        )
        failed = lost[lost["cell"] == cell]
        crosses = (Failed(float(points["distance"].max()), len(failed), statuses(failed)),) if len(failed) else ()
        made.append(Series(cell, titles.get(cell, cell), (), tuple(_means(own)), crosses, traces))
    return tuple(made)


def _means(own: pd.DataFrame) -> list[Centre]:
    """Geometric means over the seeds at every distance that all of them have."""
    seeds = own["seed"].nunique()
    by_distance = [(float(str(at)), list(group["gradient"])) for at, group in own.groupby("distance", sort=True)]
    return [_geometric(at, norms) for at, norms in by_distance if len(norms) == seeds]


def _geometric(at: float, norms: Sequence[float]) -> Centre:
    logs = np.log(np.asarray(norms, dtype=float))
    low, high = np.exp(student_interval(np.sort(logs))) if len(logs) > 2 else (None, None)
    return Centre(
        at,
        float(np.exp(logs.mean())),
        None if low is None else float(low),
        None if high is None else float(high),
        len(norms),
    )


def _says(series: Sequence[Series], network: str) -> str:
    """What is left of the gradient at the farthest distance, in percent of that at the last step."""
    drawn = [one for one in series if one.centres]
    if not drawn:
        return ""
    far = max(centre.x for one in drawn for centre in one.centres)
    said = []
    for one in drawn:
        first, last = one.centres[0], one.centres[-1]
        if last.x < far:
            said.append(f"{one.label} nothing beyond {number(last.x)} steps")
        elif first.x == 0:
            said.append(f"{one.label} {number(100 * last.mean / first.mean)} % ({number(last.mean)})")
        else:
            said.append(f"{one.label} {number(last.mean)}")
    where = f"{network.capitalize()}, {number(far)} steps before the end"
    return f"{where}, of the gradient at the last step: {'; '.join(said)}."
