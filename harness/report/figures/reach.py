"""Test scores at lengths other than the training length, and the gradient's reach back from the last step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from harness.figures import figure
from harness.report.figures.aggregate import Condition, conditions, series_of, statuses, with_factors
from harness.report.figures.looks import in_order
from harness.report.figures.panels import (
    INTERVALS,
    LENGTH,
    MOST_TRACES,
    DeferredPanel,
    Results,
    Titles,
    content,
    panel_of,
    quality_metric,
    references,
    traces,
)
from harness.report.figures.plot import Axis, Centre, Content, Failed, Panel, Quantity, Series
from harness.verdicts.stats import student_interval
from harness.words import number

TESTED = replace(LENGTH, title="Length tested at")
DISTANCE = Axis("Distance", "time steps", written="Distance from the last time step (time steps)")
NORM = Quantity("gradient", Axis("Norm of the gradient", scale="log"), better="")


@figure("other-lengths")
def other_lengths(results: Results) -> Content:
    """The task's figure of merit against the length tested at, a panel for each length trained at."""
    tested, chosen = _tested(results)
    candidates: list[DeferredPanel] = []
    for task, of_task in tested.groupby("task", sort=False):
        quantity = quality_metric(results.tasks, str(task), of_task)
        candidates += [
            DeferredPanel(str(task), partial(_length_panel, results, here, quantity))
            for here in conditions(of_task, x=None, pooled=("machine",))
            if here.trials["evaluated_at"].nunique() > 1
        ]
    return content(
        "Test scores of the trained networks at lengths other than the training length. "
        "A level line shows that the network generalises; a peak at the training length shows that it does not.",
        candidates,
        INTERVALS,
        "Chance and baselines are those at the training length.",
        rates=chosen,
    )


def _tested(results: Results) -> tuple[pd.DataFrame, bool]:
    """A row a trial and length, the length trained at too; failed trials at every length they should have had."""
    frame, chosen = results.at_best_rates
    scored = results.lengths[results.lengths["trial_id"].isin(frame["trial_id"])]
    at_trained_length = frame[frame["trial_id"].isin(scored["trial_id"])].assign(
        evaluated_at=lambda trials: trials["sequence_length"]
    )
    planned = frame["evaluate_lengths"].map(lambda text: json.loads(text) if text else [])
    failed = frame.assign(evaluated_at=planned)[(frame["status"] != "ok") & (planned.map(len) > 0)]
    failed = failed.explode("evaluated_at").astype({"evaluated_at": float})
    rows = pd.concat([scored, at_trained_length, failed]).drop_duplicates(["trial_id", "evaluated_at"], keep="first")
    return rows.reset_index(drop=True), chosen


def _length_panel(results: Results, here: Condition, quantity: Quantity) -> Panel:
    length = float(here.factors["sequence_length"])
    others = tuple(name for name in here.varying if name != "sequence_length")
    return panel_of(
        results,
        replace(here, varying=others),
        quantity,
        series_of(here.trials, quantity, "evaluated_at", results.titles),
        more=f" · trained at {number(length)}",
        x=TESTED,
        references=references(results, here, quantity),
        kind="lines",
        at=("trained here", length),
    )


@figure("gradient-reach")
def gradient_reach(results: Results) -> Content:
    """The gradient's norm against the distance, a panel for the untrained and one for the trained network."""
    panels = [
        _reach_panel(results, here, network, points)
        for here in conditions(_longest(results), x=None, pooled=("machine",))
        for network in ("untrained", "trained")
        if not (points := here.trials[here.trials["network"] == network]).empty
    ]
    return content(
        "The norm of the gradient of the last step's loss with respect to each earlier input. Where the line falls "
        "steeply, training can hardly use early inputs; where it stays level, it can.",
        panels,
        f"Thick line: geometric mean over seeds. Thin lines: single seeds, at most {MOST_TRACES} per cell. The scale "
        "is logarithmic, so gradients that are exactly zero are not drawn.",
        "Shown for the largest training set and the longest sequences of each task.",
    )


def _longest(results: Results) -> pd.DataFrame:
    """The reach of each task's trials with the largest training set, and of these with the longest sequence."""
    trials = results.frame
    if results.reach is not None and not results.reach.empty:
        trials = trials[trials["trial_id"].isin(results.reach["trial_id"])]
    for name in ("train_size", "sequence_length"):
        trials = trials[trials[name] == trials.groupby(["task", "dataset"])[name].transform("max")]
    return with_factors(results.reach, trials, ("distance", "gradient"))


def _reach_panel(results: Results, here: Condition, network: str, points: pd.DataFrame) -> Panel:
    series = _series(points, _lost(results.frame, here, network), results.titles)
    says = _says(series, network)
    return panel_of(results, here, NORM, series, more=f" · {network}", x=DISTANCE, kind="curves", says=says)


def _lost(frame: pd.DataFrame, here: Condition, network: str) -> pd.DataFrame:
    """The condition's trials that failed before the trained network could be measured."""
    if network == "untrained":
        return frame.iloc[:0]
    same = (frame["task"] == here.task) & (frame["status"] != "ok")
    for name, value in here.factors.items():
        if name != "machine":
            same &= (frame[name] == value) | (frame[name].isna() & pd.isna(value))
    return frame[same]


def _series(points: pd.DataFrame, lost: pd.DataFrame, titles: Titles) -> tuple[Series, ...]:
    all_series = []
    for cell in in_order([str(name) for name in {*points["cell"], *lost["cell"]}]):
        gradients = points[(points["cell"] == cell) & (points["gradient"] > 0)].sort_values("distance")
        lines = tuple((seed, tuple(line)) for seed, line in traces(gradients, "distance", "gradient"))
        failed = lost[lost["cell"] == cell]
        crosses = (Failed(float(points["distance"].max()), len(failed), statuses(failed)),) if len(failed) else ()
        all_series.append(Series(cell, titles.get(cell, cell), (), tuple(_means(gradients)), crosses, lines))
    return tuple(all_series)


def _means(gradients: pd.DataFrame) -> list[Centre]:
    """Geometric means over the seeds at every distance that all of them have."""
    seeds = gradients["seed"].nunique()
    by_distance = [(float(str(at)), list(group["gradient"])) for at, group in gradients.groupby("distance", sort=True)]
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
    """The gradient at the farthest distance, in percent of the gradient at the last step."""
    drawn = [one for one in series if one.centres]
    if not drawn:
        return ""
    far = max(centre.x for one in drawn for centre in one.centres)
    phrases = []
    for one in drawn:
        first, last = one.centres[0], one.centres[-1]
        if last.x < far:
            phrases.append(f"{one.label} zero beyond {number(last.x)} steps")
        elif first.x == 0:
            phrases.append(f"{one.label} {number(100 * last.mean / first.mean)} % ({number(last.mean)})")
        else:
            phrases.append(f"{one.label} {number(last.mean)}")
    where = f"{network.capitalize()}, {number(far)} steps before the end"
    return f"{where}, in percent of the gradient at the last step: {'; '.join(phrases)}."
