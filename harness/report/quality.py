"""How well the cells do: test loss, accuracy, what they solve, and what it takes in parameters and learning rate."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd

from harness.analysis.proportions import wilson_interval
from harness.report.aggregate import conditions, typical, with_best_rates
from harness.report.panels import (
    INTERVALS,
    LENGTH,
    Draft,
    Quantity,
    Results,
    baselines,
    choice_note,
    facets,
    limited,
    lines,
    metric,
    of_lane,
    panel_title,
    quality_metric,
    series_of,
    thinning,
    threshold,
)
from harness.report.plot import Axis, Centre, Panel, Plot, Series


def loss_by_size(results: Results) -> Plot:
    """Test loss against training-set size, for each task that has several sizes."""
    trials, chosen = with_best_rates(of_lane(results.frame, "accuracy")[0])
    quantities = {str(task): metric(results.tasks, str(task), "loss") for task in trials["task"].unique()}
    panels, notes = limited(lines(results, trials, x="train_size", quantities=quantities))
    return Plot(
        "loss-by-size",
        "Who learns best from little data?",
        "Test loss against the size of the training set. Lower is better; look at the left for little data.",
        panels,
        (INTERVALS, *choice_note(chosen), *notes, *thinning(panels)),
        log=True,
    )


def quality_by_length(results: Results) -> Plot:
    """Accuracy (or the task's own figure of merit) against sequence length, for each task that has several lengths."""
    trials, chosen = with_best_rates(of_lane(results.frame, "accuracy")[0])
    quantities = {
        str(task): quality_metric(results.tasks, str(task), trials[trials["task"] == task])
        for task in trials["task"].unique()
    }
    panels, notes = limited(lines(results, trials, x="sequence_length", quantities=quantities))
    return Plot(
        "accuracy-by-length",
        "Who remembers longest?",
        "Accuracy on test data against the length of the sequence. Higher is better; see where a line falls to chance.",
        panels,
        (INTERVALS, *choice_note(chosen), *notes, *thinning(panels)),
    )


def solved(results: Results) -> Plot:
    """The share of seeds that solve a task against sequence length; a failed trial has not solved it."""
    trials, chosen = with_best_rates(of_lane(results.frame, "accuracy")[0])
    panels = []
    for task, of_task in trials.groupby("task", sort=False):
        marked = with_solved(of_task, results, str(task))
        if marked is None:
            continue
        quantity = Quantity("solved", Axis("Seeds that solve it", "%", low=0, high=100), 100.0, "higher")
        made = lines(results, marked, x="sequence_length", quantities={str(task): quantity})
        panels += [Draft(draft.task, partial(_share_panel, draft)) for draft in made]
    kept, notes = limited(panels)
    return Plot(
        "solved",
        "How many seeds solve it?",
        "The share of seeds whose test result passes the task's threshold, against sequence length.",
        kept,
        (
            "Bar: the 95 % interval of the share (Wilson). A failed trial counts as not solved.",
            *choice_note(chosen),
            *notes,
        ),
    )


def with_solved(trials: pd.DataFrame, results: Results, task: str) -> pd.DataFrame | None:
    """The trials with a column `solved` of 0 and 1; None for a task that has no such point."""
    declared = results.tasks.get(task, {}).get("solved")
    if not declared or f"test_{declared[0]}" not in trials:
        return None
    quantity = metric(results.tasks, task, str(declared[0]))
    values, limit = trials[quantity.column], float(declared[1])
    passed = values >= limit if quantity.better == "higher" else values <= limit
    return trials.assign(solved=(passed & (trials["status"] == "ok")).astype(float), status="ok")


def _share_panel(draft: Draft) -> Panel:
    panel = draft.make()
    return replace(panel, series=tuple(map(_as_share, panel.series)), references=())


def _as_share(series: Series) -> Series:
    """A series of 0 % and 100 % with Wilson's interval (1927) in place of a mean's; its single values say nothing."""
    return replace(series, points=(), hidden_points=0, centres=tuple(_wilson(centre) for centre in series.centres))


def _wilson(centre: Centre) -> Centre:
    low, high = wilson_interval(centre.mean / 100 * centre.n, centre.n)
    return replace(centre, low=100 * low, high=100 * high)


def horizon(results: Results) -> Plot:
    """The longest sequence that each seed solves; a row a cell."""
    trials, chosen = with_best_rates(of_lane(results.frame, "accuracy")[0])
    panels = []
    for task, of_task in trials.groupby("task", sort=False):
        marked = with_solved(of_task, results, str(task))
        if marked is None:
            continue
        quantity = Quantity("longest", replace(LENGTH, title="Longest length solved", low=0), better="higher")
        for here in conditions(marked, x="sequence_length"):
            if here.trials["sequence_length"].nunique() < 2:
                continue
            reached = here.trials.assign(longest=here.trials["sequence_length"].where(here.trials["solved"] == 1))
            by_seed = reached.groupby(["cell", "seed"], as_index=False)["longest"].max().assign(status="never solved")
            by_seed.loc[by_seed["longest"].notna(), "status"] = "ok"
            panels.append(
                Panel(
                    panel_title(results.tasks, here),
                    Axis("Cell"),
                    quantity.axis,
                    series_of(by_seed, quantity, None, results.titles),
                    kind="rows",
                    facets=facets(here),
                    better="higher",
                )
            )
    kept, notes = limited(panels)
    note = "Seeds that solve no length at all are not in the mean; the table counts them."
    return Plot(
        "horizon",
        "How far does memory reach?",
        "The longest sequence that a seed solves, of those that were tried.",
        kept,
        (INTERVALS, note, *choice_note(chosen), *notes),
        log=True,
    )


def pareto(results: Results) -> Plot:
    """The task's figure of merit against the number of parameters, at the condition in the middle of each task."""
    trials, chosen = with_best_rates(of_lane(results.frame, "accuracy")[0])
    panels = []
    axis = Axis("Parameters", "weights", scale="log")
    for here in conditions(typical(trials), x="units", pooled=("kernel", "machine", "lane")):
        if here.trials["parameters"].nunique() < 2:
            continue
        quantity = quality_metric(results.tasks, here.task, here.trials)
        series = series_of(here.trials[here.trials["parameters"].notna()], quantity, "parameters", results.titles)
        panels.append(
            Panel(
                panel_title(results.tasks, here),
                axis,
                quantity.axis,
                series,
                baselines(here, quantity, None) + threshold(results.tasks, here.task, quantity),
                facets=facets(here),
                better=quantity.better,
            )
        )
    kept, notes = limited(panels)
    return Plot(
        "pareto",
        "What do more parameters buy?",
        "Quality on test data against the number of parameters: a cell that is better with fewer is on the front.",
        kept,
        (INTERVALS, TYPICAL, *choice_note(chosen), *notes, *thinning(kept)),
    )


TYPICAL = "Drawn at each task's largest training set and the middle one of its sequence lengths."


def learning_rates(results: Results) -> Plot:
    """Validation loss against the learning rate, where several were tried."""
    trials = of_lane(results.frame, "accuracy")[0]
    panels = []
    for here in conditions(typical(trials), x="learning_rate"):
        if here.trials["learning_rate"].nunique() < 2:
            continue
        loss = metric(results.tasks, here.task, "loss").axis
        quantity = Quantity("validation_loss", Axis("Validation loss", loss.unit))
        panels.append(
            Panel(
                panel_title(results.tasks, here),
                Axis("Learning rate", whole=True, scale="log"),
                quantity.axis,
                series_of(here.trials, quantity, "learning_rate", results.titles),
                facets=facets(here),
                better="lower",
            )
        )
    kept, notes = limited(panels)
    return Plot(
        "learning-rates",
        "How much does the learning rate matter?",
        "Validation loss against the learning rate. A flat valley is easy to tune; crosses are trials that failed.",
        kept,
        (INTERVALS, TYPICAL, *notes, *thinning(kept)),
        log=True,
    )
