"""What the figures are made with: quantities with their units, and panels of one quantity against a factor."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import pandas as pd

from harness.report.data import ReportData
from harness.report.figures.aggregate import Condition, conditions, series_of, with_best_rates, with_factors
from harness.report.figures.plot import Axis, Content, Panel, Quantity, Reference, Series
from harness.store.data_names import with_data
from harness.tasks import Example, Metric, Task
from harness.verdicts.counted import compared, of_one_lane, of_purpose
from harness.verdicts.verdict import Verdict
from harness.verdicts.words.conditions import condition
from harness.words import plural, shorten

Tasks = Mapping[str, Task]
Titles = Mapping[str, str]
MOST_PANELS = 6
MOST_TRACES = 10
"""Maximum number of curves per cell."""
_TELLING = ("dataset", "train_size", "sequence_length", "reference_units", "layers", "matched")
"""The factors that tell a condition from another for which different figures are published."""
DATASET = 40
"""Characters of the name of a task's data in a panel's title."""

LENGTH = Axis("Sequence length", "time steps", whole=True, scale="log")
CELLS = Axis("Cell")
UNITS = Axis("Units", "units", whole=True, scale="log", written="Units of a recurrent layer")
MEDIANS = "Large marker: median over seeds with 95 % interval (6 or more seeds). Small markers: individual seeds."
TYPICAL = "Shown for each task's largest training set and its median sequence length."
INTERVALS = "Line: mean over seeds. Bar: 95 % confidence interval (3 or more seeds). Dots: individual seeds."


@dataclass(frozen=True)
class Results:
    """The data of the figures. Tables with several rows per trial get its factors by `with_factors`."""

    frame: pd.DataFrame
    """The trials that are outcomes, prepared."""
    tasks: Tasks
    titles: Titles
    """Cell to its title."""
    curves: pd.DataFrame | None
    """Learning curves of all trials, as in `ReportData`, without factors, which would make them large."""
    reach: pd.DataFrame | None
    """Gradient reach of all trials, as in `ReportData`, without factors for the same reason."""
    lengths: pd.DataFrame
    """Test scores at lengths other than the training length (`evaluated_at`), with the factors."""
    tuning: pd.DataFrame
    """The trials that chose a learning rate, prepared."""
    checks: pd.DataFrame
    """The trials that were trained to their target in the speed lane, prepared."""
    examples: Mapping[str, Example]
    """Trial id to the predictions for one test example."""
    verdicts: Sequence[Verdict] = ()
    """The verdicts, for the published figures that they quote."""

    @cached_property
    def at_best_rates(self) -> tuple[pd.DataFrame, bool]:
        """The trials with test scores at each cell's best learning rate, and whether there was a choice."""
        return with_best_rates(of_one_lane(self.frame, "test_loss"))


def results_of(data: ReportData, frame: pd.DataFrame, titles: Titles) -> Results:
    """What the figures of a report are drawn from; `frame` is its frame, prepared."""
    counted = compared(frame).reset_index(drop=True)
    return Results(
        counted,
        data.tasks,
        titles,
        curves=data.curves,
        reach=data.reach,
        lengths=with_factors(data.lengths, counted, ("evaluated_at",)),
        tuning=of_purpose(frame, "tuning"),
        checks=of_purpose(frame, "check"),
        examples=data.examples,
        verdicts=data.verdicts,
    )


def metrics(tasks: Tasks, task: str) -> tuple[Metric, ...]:
    """The test metrics of the task, its loss first; none where the task is not known."""
    known = tasks.get(task)
    return (Metric("loss", "loss", known.loss_unit, "lower"), *known.metrics) if known else ()


def _undeclared(name: str) -> Metric:
    """A metric that the task does not declare."""
    return Metric(name, name.replace("_", " "), "", "higher" if "accuracy" in name else "lower")


def metric(tasks: Tasks, task: str, name: str) -> Quantity:
    """The test metric of that name, with title, unit and direction as the task declares them. Shares are in percent."""
    declared = next((metric for metric in metrics(tasks, task) if metric.name == name), _undeclared(name))
    better, unit, title = declared.better, declared.unit, declared.title or name.replace("_", " ")
    title = title[5:] if title.lower().startswith("test ") else title
    title = title if title[1:2].isupper() or title[1:2].isdigit() else title[:1].lower() + title[1:]  # F1, MSE
    if better == "higher" and not unit:
        return Quantity(f"test_{name}", Axis(f"Test {title}", "%", low=0, high=100), 100.0, better)
    return Quantity(f"test_{name}", Axis(f"Test {title}", unit), 1.0, better)


def quality_metric(tasks: Tasks, task: str, frame: pd.DataFrame) -> Quantity:
    """The main metric of a task: the one by which it is solved, or its accuracy, or its loss."""
    known = tasks.get(task)
    names = [known.solved[0]] if known and known.solved else []
    names += [metric.name for metric in metrics(tasks, task) if metric.better == "higher"]
    for name in [*names, "accuracy", "loss"]:
        if f"test_{name}" in frame and frame[f"test_{name}"].notna().any():
            return metric(tasks, task, name)
    return metric(tasks, task, "loss")


def task_title(tasks: Tasks, task: str) -> str:
    """The task's title, or its name where none is known."""
    return (tasks[task].title if task in tasks else "") or task


def panel_title(tasks: Tasks, here: Condition) -> str:
    """The task, its data set if it has several, and the factors that differ from the figure's other conditions."""
    words = condition(here.factors, here.varying)
    task = with_data(task_title(tasks, here.task), shorten(str(here.factors["dataset"]), DATASET))
    return task + (f" · {words}" if words else "")


def facets(here: Condition) -> dict[str, str]:
    """What the page can filter the panel by. A factor along which the panel is drawn is none of it."""
    sizes = {name: here.factors.get(name) for name in ("train_size", "sequence_length")}
    return {
        "task": here.task,
        **{name: str(here.factors[name]) for name in ("backend", "matched") if name in here.factors},
        **{name: f"{value:.0f}" for name, value in sizes.items() if value is not None and not math.isnan(value)},
    }


def baselines(here: Condition, quantity: Quantity, x: str | None) -> tuple[Reference, ...]:
    """The baselines of the quantity that the trials were given."""
    suffix = quantity.column.removeprefix("test")
    references = []
    for column in here.trials.columns:
        name = str(column)
        if not (name.startswith("baseline_") and name.endswith(suffix)) or not here.trials[name].notna().any():
            continue
        label = name.removeprefix("baseline_").removesuffix(suffix).replace("_", " ")
        if x is None:
            values = [(0.0, round(float(here.trials[name].mean()) * quantity.factor, 12))]
        else:
            means = here.trials.groupby(x)[name].mean().dropna() * quantity.factor
            values = [(float(at), round(float(value), 12)) for at, value in means.items()]  # type: ignore[arg-type]
        references.append(Reference(label, tuple(values), to_beat=True))
    return tuple(references)


def threshold(tasks: Tasks, task: str, quantity: Quantity) -> tuple[Reference, ...]:
    """The level from which the task counts as solved, where the quantity is the one it is solved by."""
    known = tasks.get(task)
    if known is None or known.solved is None or quantity.column != f"test_{known.solved[0]}":
        return ()
    return (Reference("solved", ((0.0, known.solved[1] * quantity.factor),)),)


def published(results: Results, here: Condition, quantity: Quantity) -> tuple[Reference, ...]:
    """The published figures of the quantity that claims on trials of this condition quote."""
    figures = {
        (figure.cell, figure.published)
        for verdict in results.verdicts
        if verdict.published and verdict.on == quantity.column and _covers(verdict, here)
        for figure in verdict.published.figures
    }
    return tuple(
        Reference(f"{results.titles.get(cell, cell)} published", ((0.0, round(value * quantity.factor, 12)),))
        for cell, value in sorted(figures)
    )


def _covers(verdict: Verdict, here: Condition) -> bool:
    """Whether the verdict is on trials of this condition."""
    of_condition = {"task": here.task, **{name: here.factors[name] for name in _TELLING if name in here.factors}}
    scope = {name: verdict.conditions[name] for name in of_condition if name in verdict.conditions}
    return all(of_condition[name] in (value if isinstance(value, list) else [value]) for name, value in scope.items())


def references(results: Results, here: Condition, quantity: Quantity, x: str | None = None) -> tuple[Reference, ...]:
    """The reference lines of a panel: baselines, the threshold from which the task is solved, published figures."""
    return (
        baselines(here, quantity, x)
        + threshold(results.tasks, here.task, quantity)
        + published(results, here, quantity)
    )


@dataclass(frozen=True)
class DeferredPanel:
    """A panel that is computed only if it is drawn, because means of hundreds of conditions take long."""

    task: str
    make: Callable[[], Panel]


def limited(candidates: Sequence[DeferredPanel | Panel]) -> tuple[tuple[Panel, ...], tuple[str, ...]]:
    """At most MOST_PANELS panels, spread over the tasks, and a note if there are more."""
    turn: Counter[str] = Counter()
    ranked = []
    for place, candidate in enumerate(candidates):
        task = candidate.task if isinstance(candidate, DeferredPanel) else candidate.facets["task"]
        turn[task] += 1
        ranked.append((turn[task], place))
    kept = sorted(place for _, place in sorted(ranked)[:MOST_PANELS])
    more = len(candidates) - len(kept)
    note = f"{plural(more, 'further condition')} not drawn; the trials table has all of them."
    chosen = [candidates[place] for place in kept]
    panels = tuple(candidate.make() if isinstance(candidate, DeferredPanel) else candidate for candidate in chosen)
    return panels, (note,) if more else ()


def content(
    lead: str, candidates: Sequence[DeferredPanel | Panel], *notes: str, rates: bool = False, log: bool = False
) -> Content:
    """What a figure shows: as many of the panels as a reader can take in, and notes on what is not shown.

    rates: learning rates were chosen from; log: a logarithmic axis of values makes sense beside the linear one.
    """
    panels, further = limited(candidates)
    panels = _on_one_axis(panels)
    rate_notes = (
        ("Where several learning rates were tried, each cell is shown at its best rate on validation data.",)
        if rates
        else ()
    )
    hidden = sum(series.hidden_points for panel in panels for series in panel.series)
    thinned = f"{plural(hidden, 'dot')} not drawn, to keep the figure legible; means and intervals use all values."
    return Content(lead, panels, (*notes, *rate_notes, *further, *((thinned,) if hidden else ())), log)


def _on_one_axis(panels: Sequence[Panel]) -> tuple[Panel, ...]:
    """The panels, where those of one task and quantity have the same axis of values."""
    aligned = []
    for panel in panels:
        alike = [other for other in panels if other.y == panel.y and other.facets["task"] == panel.facets["task"]]
        values = [value for other in alike if other is not panel for value in (*other.values(), *other.reach)]
        aligned.append(replace(panel, reach=(min(values), max(values))) if values else panel)
    return tuple(aligned)


def panel_of(
    results: Results,
    here: Condition,
    quantity: Quantity,
    series: tuple[Series, ...] | None = None,
    *,
    more: str = "",
    **given: Any,
) -> Panel:
    """A panel of the condition, a row for each cell; `more` ends its title, and `given` are further fields of it."""
    title = panel_title(results.tasks, here) + more
    series = series_of(here.trials, quantity, None, results.titles) if series is None else series
    fields = {"kind": "rows", "facets": facets(here), "better": quantity.better, **given}
    return Panel(title, fields.pop("x", CELLS), quantity.axis, series, **fields)


def traces(points: pd.DataFrame, x: str, y: str) -> list[tuple[int, list[tuple[float, float]]]]:
    """One line for each of the first seeds of a cell."""
    by_seed = list(points.groupby("seed"))[:MOST_TRACES]
    return [(int(float(str(seed))), [*zip(line[x], line[y], strict=True)]) for seed, line in by_seed]


def trace_trials(points: pd.DataFrame) -> tuple[str, ...]:
    """The trials of these lines."""
    return tuple(str(line["trial_id"].iloc[0]) for _, line in list(points.groupby("seed"))[:MOST_TRACES])


def lines(
    results: Results, frame: pd.DataFrame, quantity: Callable[[str], Quantity], *, x: str, pooled: Sequence[str] = ()
) -> list[DeferredPanel]:
    """A panel of the task's quantity for each condition in which `x` takes several values."""
    return [
        DeferredPanel(here.task, partial(_line_panel, results, here, x, quantity))
        for here in conditions(frame, x=x, pooled=pooled)
        if here.trials.groupby("cell")[x].nunique().max() > 1
    ]


def _line_panel(results: Results, here: Condition, x: str, of_task: Callable[[str], Quantity]) -> Panel:
    quantity = of_task(here.task)
    counted = results.tasks[here.task].train_size_unit if here.task in results.tasks else "examples"
    size = Axis("Training-set size", counted, whole=True, scale="log")
    return panel_of(
        results,
        here,
        quantity,
        series_of(here.trials, quantity, x, results.titles),
        x={"sequence_length": LENGTH, "units": UNITS}.get(x, size),
        references=references(results, here, quantity, x),
        kind="lines",
    )
