"""How well the cells do: loss, accuracy, what they solve, what more parameters buy, and every score of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from harness.figures import figure
from harness.report.figures.aggregate import Condition, conditions, series_of, typical
from harness.report.figures.panels import (
    INTERVALS,
    MEDIANS,
    TYPICAL,
    DeferredPanel,
    Results,
    content,
    lines,
    metric,
    metrics,
    panel_of,
    quality_metric,
    references,
)
from harness.report.figures.plot import Axis, Centre, Content, Panel, Quantity, Reference, Series
from harness.report.figures.wording import centre_in_words, with_unit
from harness.verdicts.proportions import wilson_interval
from harness.words import number


@figure("loss-by-size")
def loss_by_size(results: Results) -> Content:
    """Test loss against training-set size, for each task that has several sizes."""
    trials, chosen = results.at_best_rates
    return content(
        "Test loss against the size of the training set. Lower is better; the left end shows small training sets.",
        lines(results, trials, lambda task: metric(results.tasks, task, "loss"), x="train_size"),
        INTERVALS,
        rates=chosen,
        log=True,
    )


@figure("accuracy-by-length")
def quality_by_length(results: Results) -> Content:
    """Accuracy (or the task's own figure of merit) against sequence length, for each task that has several lengths."""
    trials, chosen = results.at_best_rates
    panels = lines(
        results,
        trials,
        lambda task: quality_metric(results.tasks, task, trials[trials["task"] == task]),
        x="sequence_length",
    )
    shown = content("", panels, INTERVALS, rates=chosen)
    return replace(shown, lead=_lead_by_length(shown.panels))


def _lead_by_length(panels: Sequence[Panel]) -> str:
    """What is shown against the length, and which way is better."""
    titles = {way: sorted({panel.y.title for panel in panels if panel.better == way}) for way in ("higher", "lower")}
    shown = {title for way in titles.values() for title in way}
    subject = shown.pop() if len(shown) == 1 else "Quality on test data"
    if not titles["lower"]:
        direction = "Higher is better; a line that falls to chance has learnt nothing."
    elif not titles["higher"]:
        direction = "Lower is better; a line that rises to a baseline is no better than that simple method."
    else:
        high, low = (", ".join(title.removeprefix("Test ") for title in titles[way]) for way in ("higher", "lower"))
        direction = f"Higher is better for {high}, lower for {low}; compare each line with chance and the baselines."
    return f"{subject} against the length of the sequence. {direction}"


@figure("solved")
def solved(results: Results) -> Content:
    """The share of seeds that solve a task against sequence length; a failed trial has not solved it."""
    trials, chosen = results.at_best_rates
    share = Quantity("solved", Axis("Seeds that solve it", "%", low=0, high=100), 100.0, "higher")
    panels: list[DeferredPanel] = []
    for task, of_task in trials.groupby("task", sort=False):
        marked = with_solved(of_task, results, str(task))
        if marked is not None:
            panels += lines(results, marked, lambda _: share, x="sequence_length")
    return content(
        "The share of seeds whose test result passes the task's threshold, against sequence length. "
        "Higher is better; a line that falls early is of a cell that solves short sequences only.",
        [replace(panel, make=partial(_share_panel, panel)) for panel in panels],
        "Bar: the 95 % interval of the share (Wilson). A failed trial counts as not solved.",
        rates=chosen,
    )


def with_solved(trials: pd.DataFrame, results: Results, task: str) -> pd.DataFrame | None:
    """The trials with a column `solved` of 0 and 1; None for a task that has no such point."""
    declared = results.tasks[task].solved if task in results.tasks else None
    if not declared or f"test_{declared[0]}" not in trials:
        return None
    quantity = metric(results.tasks, task, str(declared[0]))
    values, limit = trials[quantity.column], float(declared[1])
    passed = values >= limit if quantity.better == "higher" else values <= limit
    return trials.assign(solved=(passed & (trials["status"] == "ok")).astype(float), status="ok")


def _share_panel(deferred: DeferredPanel) -> Panel:
    """Shares of seeds from 0 % to 100 %, with Wilson's interval (1927)."""
    panel = deferred.make()
    series = [
        replace(one, points=(), hidden_points=0, centres=tuple(map(_wilson, one.centres))) for one in panel.series
    ]
    return replace(panel, series=tuple(series), references=())


def _wilson(centre: Centre) -> Centre:
    low, high = wilson_interval(centre.mean / 100 * centre.n, centre.n)
    return replace(centre, low=100 * low, high=100 * high)


@figure("horizon")
def horizon(results: Results) -> Content:
    """The longest sequence that each seed solves; one row per cell."""
    trials, chosen = results.at_best_rates
    quantity = Quantity("longest", Axis("Longest length solved", "time steps", low=0), better="higher")
    panels = []
    for task, of_task in trials.groupby("task", sort=False):
        marked = with_solved(of_task, results, str(task))
        for here in conditions(marked, x="sequence_length") if marked is not None else ():
            if here.trials["sequence_length"].nunique() < 2:
                continue
            reached = here.trials.assign(longest=here.trials["sequence_length"].where(here.trials["solved"] == 1))
            by_seed = reached.groupby(["cell", "seed"], as_index=False)["longest"].max().assign(status="never solved")
            by_seed.loc[by_seed["longest"].notna(), "status"] = "ok"
            series = series_of(by_seed, quantity, None, results.titles, worst=0.0)
            panels.append(panel_of(results, here, quantity, series, average="median"))
    return content(
        "The longest tested sequence length that each seed solves. Further to the right is better.",
        panels,
        MEDIANS,
        "A seed that solves no length counts as 0 and is drawn as a cross.",
        rates=chosen,
        log=True,
    )


@figure("pareto")
def pareto(results: Results) -> Content:
    """The task's figure of merit against the number of parameters, at the condition in the middle of each task."""
    trials, chosen = results.at_best_rates
    panels = []
    axis = Axis("Parameters", "weights", scale="log")
    pooled = ("backend", "machine", "lane", "matched", "reference_units")
    for here in conditions(typical(trials), x=None, pooled=pooled):
        if here.trials["parameters"].nunique() < 2:
            continue
        quantity = quality_metric(results.tasks, here.task, here.trials)
        # What differs only in how the cells were matched, or by which backend they ran, is the same network.
        networks = here.trials[here.trials["parameters"].notna()].drop_duplicates(["cell", "seed", "parameters"])
        series = series_of(networks, quantity, "parameters", results.titles)
        marks = _front(series, quantity) + references(results, here, quantity)
        says = _on_the_front(series, quantity)
        panels.append(panel_of(results, here, quantity, series, x=axis, references=marks, says=says, kind="lines"))
    return content(
        "Quality on test data by number of parameters. A network on the Pareto front is better than every smaller one.",
        panels,
        INTERVALS,
        TYPICAL,
        rates=chosen,
    )


def _efficient(series: Sequence[Series], quantity: Quantity) -> list[tuple[Series, Centre]]:
    """The means on the Pareto front, in the order of the number of parameters."""
    sign = 1 if quantity.better == "lower" else -1
    ordered = sorted(((s, c) for s in series for c in s.centres), key=lambda pair: (pair[1].x, sign * pair[1].mean))
    kept: list[tuple[Series, Centre]] = []
    for one, centre in ordered:
        if not kept or sign * centre.mean < sign * kept[-1][1].mean:
            kept.append((one, centre))
    return kept


def _front(series: Sequence[Series], quantity: Quantity) -> tuple[Reference, ...]:
    """The Pareto front as a step line up to the largest network."""
    points = [(centre.x, centre.mean) for _, centre in _efficient(series, quantity)]
    if not points:
        return ()
    end = max(centre.x for one in series for centre in one.centres)
    return (Reference("front", (*points, *(((end, points[-1][1]),) if end > points[-1][0] else ())), stepped=True),)


def _on_the_front(series: Sequence[Series], quantity: Quantity) -> str:
    """'On the Pareto front: GRU with 1,250 weights (72.0 %), ...; not on the front: ...'"""
    unit = quantity.axis.unit
    front = _efficient(series, quantity)
    if not front:
        return ""
    on = ", ".join(f"{s.label} with {number(c.x)} weights ({centre_in_words(c, quantity.axis)})" for s, c in front)
    behind = [(s, c) for s in series for c in s.centres if (s, c) not in front]
    rest = ", ".join(f"{s.label} with {number(c.x)} ({with_unit(c.mean, unit)})" for s, c in behind)
    return f"On the Pareto front: {on}." + (f" Not on the front: {rest}." if rest else "")


@figure("scores")
def scores(results: Results) -> Content:
    """One panel for each metric of a task, with one row per cell."""
    trials, chosen = results.at_best_rates
    candidates: list[DeferredPanel] = []
    for (task, _), of_task in trials.groupby(["task", "dataset"], sort=False):
        if not _only_here(results, of_task):
            continue
        declared = [metric.name for metric in metrics(results.tasks, str(task))]
        names = [name for name in declared or ["loss", "accuracy"] if f"test_{name}" in of_task]
        for here in conditions(typical(of_task), x=None, pooled=("machine",)):
            candidates += [
                DeferredPanel(str(task), partial(_score_panel, results, here, name))
                for name in names
                if here.trials[f"test_{name}"].notna().any()
            ]
    return content(
        "Test scores of tasks with one training-set size and one sequence length. A cell that does not beat the dashed "
        "lines, which are chance and simple baselines, has learnt nothing beyond them.",
        candidates,
        INTERVALS,
        TYPICAL,
        rates=chosen,
    )


def _only_here(results: Results, of_task: pd.DataFrame) -> bool:
    """Whether no figure along sizes or lengths shows the task, or it has an example to show."""
    varied = of_task["train_size"].nunique() > 1 or of_task["sequence_length"].nunique() > 1
    return not varied or bool(of_task["trial_id"].isin(results.examples).any())


def _score_panel(results: Results, here: Condition, name: str) -> Panel:
    quantity = metric(results.tasks, here.task, name)
    return panel_of(results, here, quantity, references=references(results, here, quantity))
