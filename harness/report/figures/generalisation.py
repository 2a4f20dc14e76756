"""Length generalisation: networks trained at one length, tested at others."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pandas as pd

from harness.report.figures.aggregate import Condition, conditions, with_best_rates
from harness.report.figures.panels import (
    INTERVALS,
    LENGTH,
    Draft,
    Quantity,
    Results,
    baselines,
    choice_note,
    facets,
    limited,
    panel_title,
    quality_metric,
    series_of,
    thinning,
    threshold,
)
from harness.report.figures.plot import Panel, Plot
from harness.verdicts.counted import of_one_lane
from harness.words import number

TESTED = replace(LENGTH, title="Length tested at")


def other_lengths(results: Results) -> Plot:
    """The task's figure of merit against the length tested at, a panel for each length trained at."""
    tested, chosen = _tested(results)
    drafts: list[Draft | Panel] = []
    for task, of_task in tested.groupby("task", sort=False):
        quantity = quality_metric(results.tasks, str(task), of_task)
        drafts += [
            Draft(str(task), partial(_panel, results, here, quantity))
            for here in conditions(of_task, x=None, pooled=("machine",))
            if here.trials["evaluated_at"].nunique() > 1
        ]
    panels, notes = limited(drafts)
    return Plot(
        "other-lengths",
        "Does it hold at other lengths?",
        "The same trained networks on test data of other lengths than the one they were trained at. "
        "A line that stays level has learnt the rule, one that peaks where it was trained only the length.",
        panels,
        (
            INTERVALS,
            "Chance and baselines are those at the length trained at.",
            *choice_note(chosen),
            *notes,
            *thinning(panels),
        ),
    )


def _tested(results: Results) -> tuple[pd.DataFrame, bool]:
    """A row a trial and length, the length trained at too; failed trials at every length they should have had."""
    frame, chosen = with_best_rates(of_one_lane(results.frame, "test_loss"))
    scored = results.lengths[results.lengths["trial_id"].isin(frame["trial_id"])]
    own = frame[frame["trial_id"].isin(scored["trial_id"])].assign(
        evaluated_at=lambda trials: trials["sequence_length"]
    )
    planned = frame["evaluate_lengths"].map(lambda text: json.loads(text) if text else [])
    failed = frame.assign(evaluated_at=planned)[(frame["status"] != "ok") & (planned.map(len) > 0)]
    failed = failed.explode("evaluated_at").astype({"evaluated_at": float})
    rows = pd.concat([scored, own, failed]).drop_duplicates(["trial_id", "evaluated_at"], keep="first")
    return rows.reset_index(drop=True), chosen


def _panel(results: Results, here: Condition, quantity: Quantity) -> Panel:
    length = float(here.factors["sequence_length"])
    others = tuple(name for name in here.varying if name != "sequence_length")
    return Panel(
        panel_title(results.tasks, replace(here, varying=others)) + f" · trained at {number(length)}",
        TESTED,
        quantity.axis,
        series_of(here.trials, quantity, "evaluated_at", results.titles),
        baselines(here, quantity, None) + threshold(results.tasks, here.task, quantity),
        better=quantity.better,
        facets=facets(here),
        at=("trained here", length),
    )
