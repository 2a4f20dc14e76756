"""The scores of tasks that were run at one size and one length, and of those of which the report shows an example."""

from __future__ import annotations

from functools import partial

import pandas as pd

from harness.report.figures.aggregate import Condition, conditions, typical, with_best_rates
from harness.report.figures.panels import (
    INTERVALS,
    Draft,
    Results,
    baselines,
    choice_note,
    facets,
    limited,
    metric,
    panel_title,
    series_of,
    thinning,
    threshold,
)
from harness.report.figures.plot import Axis, Panel, Plot
from harness.report.figures.quality import TYPICAL
from harness.verdicts.counted import of_one_lane


def scores(results: Results) -> Plot:
    """A row a cell for each of a task's metrics."""
    trials, chosen = with_best_rates(of_one_lane(results.frame, "test_loss"))
    drafts: list[Draft | Panel] = []
    for (task, _), of_task in trials.groupby(["task", "dataset"], sort=False):
        if not _only_here(results, of_task):
            continue
        declared = [str(m["name"]) for m in results.tasks.get(str(task), {}).get("metrics", ()) if m.get("name")]
        names = [name for name in declared or ["loss", "accuracy"] if f"test_{name}" in of_task]
        for here in conditions(typical(of_task), x=None, pooled=("machine",)):
            drafts += [
                Draft(str(task), partial(_panel, results, here, name))
                for name in names
                if here.trials[f"test_{name}"].notna().any()
            ]
    panels, notes = limited(drafts)
    return Plot(
        "scores",
        "How well is it done?",
        "The test scores of tasks that were run at one size and one length. "
        "The dashed lines are chance and simple baselines: a cell that is not beyond them has learnt nothing more.",
        panels,
        (INTERVALS, TYPICAL, *choice_note(chosen), *notes, *thinning(panels)),
        log=False,
    )


def _only_here(results: Results, of_task: pd.DataFrame) -> bool:
    """Whether no figure along sizes or lengths shows the task, or it is one to look at closely."""
    varied = of_task["train_size"].nunique() > 1 or of_task["sequence_length"].nunique() > 1
    return not varied or bool(of_task["trial_id"].isin(results.examples).any())


def _panel(results: Results, here: Condition, name: str) -> Panel:
    quantity = metric(results.tasks, here.task, name)
    return Panel(
        panel_title(results.tasks, here),
        Axis("Cell"),
        quantity.axis,
        series_of(here.trials, quantity, None, results.titles),
        baselines(here, quantity, None) + threshold(results.tasks, here.task, quantity),
        kind="rows",
        facets=facets(here),
        better=quantity.better,
    )
