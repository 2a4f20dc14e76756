"""The overview of a report: tasks by cells with the best cells marked, and what the cells cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from harness.report.figures.aggregate import Condition, centre, conditions, median_centre, typical
from harness.report.figures.cost import MEMORY, PARAMETERS, SECONDS_PER_UPDATE
from harness.report.figures.looks import in_order
from harness.report.figures.panels import Results, baselines, metric, panel_title, quality_metric
from harness.report.figures.plot import Axis, Centre, Quantity
from harness.store.frame import COLUMNS
from harness.tasks.common.target import target_of
from harness.verdicts.best_set import Contest, Verdicts, beaten, pairwise
from harness.verdicts.counted import of_one_lane
from harness.verdicts.target_times import at_target
from harness.verdicts.verdict import Verdict
from harness.words import number

MOST_ROWS = 8
"""Conditions in the matrix; the figures show all of them."""
MOST_POINTS = 40
"""Points of a learning curve in the matrix."""
MARGIN, COST_MARGIN = "5%", "10%"
"""Equivalence margins of scores and of costs, if no claim states one."""
UPDATES = Quantity("time-to-target", Axis("Updates to target", "updates"))
POOLED = ("machine", "backend")
"""Factors that do not separate rows: the backends compute the same function."""
COST_POOLED = ("machine", "lane", "train_size", "learning_rate")


@dataclass(frozen=True)
class Entry:
    """A cell in one row."""

    centre: Centre | None
    """Mean (median for updates to target) with its 95 % interval; None if more than half of the trials have none."""
    trials: int
    failed: int = 0
    """Trials without a value."""
    best: bool = False
    """Whether no other cell is better: see `harness.verdicts.best_set.beaten`."""
    beats_baseline: bool = True
    """False if the mean is no better than that of the strongest baseline, or the target is not reached."""
    curve: tuple[tuple[float, float], ...] = ()
    """The learning curve: (update, validation loss), the mean over seeds."""


@dataclass(frozen=True)
class Row:
    """One condition: a task, its measure, and an entry for each cell that was trained."""

    title: str
    task: str
    quantity: Quantity
    entries: Mapping[str, Entry]
    decided: bool
    """Whether a verdict on a pair of cells says that one is better, or that they are equivalent."""
    detail: str = ""
    """The condition in words: '96,000 characters, length 64'."""
    baseline: str = ""
    """The strongest baseline and its score: 'trigram 3.02'."""
    backend: str = ""
    """The backend that was timed."""
    verdicts: Verdicts | None = None


@dataclass(frozen=True)
class Matrix:
    """Scores and costs of all cells."""

    cells: tuple[str, ...]
    rows: tuple[Row, ...]
    costs: tuple[Row, ...]
    further: int = 0
    """Conditions that are not among the rows."""
    alone: bool = True
    """Whether the times come from the speed lane, where nothing else runs."""


def matrix(results: Results, claims: Sequence[Verdict]) -> Matrix:
    """The overview of the trials. `claims` are the verdicts, whose measures and margins the rows take over."""
    trials, _ = results.at_best_rates
    here = list(conditions(typical(trials), x=None, pooled=POOLED)) if len(trials) else []
    kept = here[:MOST_ROWS]
    measures = [_measure(results, one, claims) for one in kept]
    contests = [
        Contest(_judged(one), _cells(one), on.column, margin) for one, (on, margin) in zip(kept, measures, strict=True)
    ]
    judged = pairwise(contests, results.curves)
    rows = [_row(results, one, on, verdicts) for one, (on, _), verdicts in zip(kept, measures, judged, strict=True)]
    costs, alone = _costs(results, claims)
    cells = in_order([*{cell for row in (*rows, *costs) for cell in row.entries}])
    return Matrix(tuple(cells), tuple(rows), tuple(costs), len(here) - len(kept), alone)


def _judged(here: Condition) -> pd.DataFrame:
    """The trials with all the columns that verdicts need; a frame from elsewhere may have fewer."""
    trials = here.trials.assign(**dict.fromkeys(name for name in COLUMNS if name not in here.trials))
    return trials.replace({"rounds": {"": "[]"}, "reference_rounds": {"": "[]"}})


def _cells(here: Condition) -> tuple[str, ...]:
    return tuple(in_order([str(cell) for cell in here.trials["cell"].unique()]))


def _measure(results: Results, here: Condition, claims: Sequence[Verdict]) -> tuple[Quantity, float | str]:
    """What the cells of a condition are compared on, with the margin.

    Trials that stop at their task's target are compared by the updates they need. Otherwise the first claim about the
    task's scores says it, or else the metric by which the task is solved.
    """
    of_task = [verdict for verdict in claims if here.task in _listed(verdict.conditions.get("task"))]
    known = results.tasks.get(here.task)
    if known is not None and target_of(known) is not None and (here.trials["stop_at_target"] == "True").all():
        timed = next((v for v in of_task if v.kind == "time-to-target"), None)
        return UPDATES, _margin(timed) or COST_MARGIN
    scored = next((v for v in of_task if v.on.startswith("test_") and v.on in here.trials), None)
    if scored is not None:
        return metric(results.tasks, here.task, scored.on.removeprefix("test_")), _margin(scored) or MARGIN
    return quality_metric(results.tasks, here.task, here.trials), MARGIN


def _margin(verdict: Verdict | None) -> float | str | None:
    if verdict is None or not verdict.margin:
        return None
    return f"{verdict.margin:g}%" if verdict.scale == "log ratio" else verdict.margin


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _row(results: Results, here: Condition, quantity: Quantity, verdicts: Verdicts) -> Row:
    losers = beaten(verdicts)
    references = baselines(here, quantity, None) if quantity is not UPDATES else ()
    lower = quantity.better == "lower"
    strongest = (min if lower else max)(references, key=lambda one: one.level, default=None)
    entries = {}
    for cell in _cells(here):
        trials = here.trials[here.trials["cell"] == cell]
        middle, failed = _updates(trials, results) if quantity is UPDATES else _mean(trials, quantity)
        beats = middle is not None
        if middle is not None and strongest is not None:
            beats = middle.mean < strongest.level if lower else middle.mean > strongest.level
        entries[cell] = Entry(
            middle, len(trials), failed, cell not in losers and middle is not None, beats, _curve(trials, results)
        )
    baseline = f"{strongest.label} {number(strongest.level)}" if strongest else ""
    decided = any(one.word not in ("undecided", "depends") for one in verdicts.values())
    title = panel_title(results.tasks, here)
    return Row(title, here.task, quantity, entries, decided, _detail(results, here), baseline, verdicts=verdicts)


def _detail(results: Results, here: Condition) -> str:
    """The training-set size and the sequence length: '96,000 characters, length 64'."""
    known = results.tasks.get(here.task)
    parts = []
    for name, words in (
        ("train_size", f"{{}} {known.train_size_unit if known else 'examples'}"),
        ("sequence_length", "length {}"),
    ):
        values = here.trials[name].dropna().unique()
        if len(values) == 1:
            parts.append(words.format(number(float(values[0]))))
    return ", ".join(parts)


def _mean(trials: pd.DataFrame, quantity: Quantity) -> tuple[Centre | None, int]:
    usable = (trials["status"] == "ok") & trials[quantity.column].notna()
    values = (trials.loc[usable, quantity.column] * quantity.factor).tolist()
    failed = len(trials) - len(values)
    return (centre(0.0, values, quantity.axis.low, quantity.axis.high) if values else None), failed


def _updates(trials: pd.DataFrame, results: Results) -> tuple[Centre | None, int]:
    if results.curves is None:
        return None, len(trials)
    updates = at_target(trials, results.curves)["update"]
    reached = updates[updates.map(math.isfinite)].tolist()
    missed = len(updates) - len(reached)
    return (median_centre(0.0, reached, missed, math.inf) if reached else None), missed


def _curve(trials: pd.DataFrame, results: Results) -> tuple[tuple[float, float], ...]:
    """The mean validation loss of the trials at the updates that all of them have."""
    if results.curves is None or "validation_loss" not in results.curves:
        return ()
    points = results.curves[results.curves["trial_id"].isin(trials["trial_id"])]
    if "near_target" in points:  # evaluations of a few trials alone
        points = points[~points["near_target"].astype("boolean").fillna(False)]
    means = points.groupby("update")["validation_loss"].agg(["mean", "count"])
    means = means[(means["count"] == means["count"].max()) & means["mean"].map(math.isfinite)]["mean"]
    step = max(1, math.ceil(len(means) / MOST_POINTS))
    return tuple((float(at), float(loss)) for at, loss in islice(means.items(), 0, None, step))


def _costs(results: Results, claims: Sequence[Verdict]) -> tuple[list[Row], bool]:
    """Rows of time per update (for each backend), parameters and peak memory, at the condition of the first times."""
    timed = of_one_lane(results.frame, SECONDS_PER_UPDATE.column)
    timed = timed[timed[SECONDS_PER_UPDATE.column].notna()]
    if timed.empty:
        return [], True
    task, dataset = timed[["task", "dataset"]].iloc[0]
    at = typical(timed[(timed["task"] == task) & (timed["dataset"] == dataset)])
    by_backend = list(islice(conditions(at, x=None, pooled=COST_POOLED), MOST_ROWS))
    whole = Condition(by_backend[0].task, by_backend[0].factors, (), at)
    wanted = [(SECONDS_PER_UPDATE, one) for one in by_backend] + [(PARAMETERS, whole), (MEMORY, whole)]
    wanted = [(quantity, here) for quantity, here in wanted if here.trials[quantity.column].notna().any()]
    contests = [
        Contest(_judged(here), _cells(here), quantity.column, _cost_margin(quantity, claims))
        for quantity, here in wanted
    ]
    judged = pairwise(contests, None)
    rows = [_cost(results, *one, verdicts) for one, verdicts in zip(wanted, judged, strict=True)]
    return rows, bool((timed["lane"] == "speed").all())


def _cost_margin(quantity: Quantity, claims: Sequence[Verdict]) -> float | str:
    margins = [margin for claim in claims if claim.on == quantity.column and (margin := _margin(claim))]
    return margins[0] if margins else COST_MARGIN


def _cost(results: Results, quantity: Quantity, here: Condition, verdicts: Verdicts) -> Row:
    counts = here.trials.groupby("cell")[quantity.column].mean()
    counted = quantity is PARAMETERS  # equal for all seeds: nothing to test
    least = (
        {str(cell) for cell in counts.index[counts == counts.min()]} if counted else {*_cells(here)} - beaten(verdicts)
    )
    entries = {}
    for cell in _cells(here):
        trials = here.trials[here.trials["cell"] == cell]
        middle, failed = _mean(trials, quantity)
        entries[cell] = Entry(middle, len(trials), failed, cell in least)
    backend = str(here.factors["backend"]) if quantity is SECONDS_PER_UPDATE else ""
    title = panel_title(results.tasks, here)
    return Row(title, here.task, quantity, entries, bool(verdicts), _detail(results, here), "", backend, verdicts)
