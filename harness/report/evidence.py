"""The questions of the report: each a function from the trials to the description of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from harness.report.aggregate import Condition, conditions, with_best_rates
from harness.report.aggregate import series_of as _series_of
from harness.report.plot import Axis, Centre, Panel, Plot, Reference, Series
from harness.report.wording import condition, plural

Tasks = Mapping[str, Mapping[str, Any]]
Titles = Mapping[str, str]
Better = Literal["lower", "higher", ""]
MOST_PANELS = 12
MIB = 2.0**-20

LENGTH = Axis("Sequence length", "time steps", whole=True, scale="log")
UNITS = Axis("Units", "units", whole=True, scale="log")
INTERVALS = "Line: the mean of the seeds; bar: its 95 % confidence interval (from three seeds on); dots: every seed."


@dataclass(frozen=True)
class Quantity:
    """A column, how it is shown, and which way is better."""

    column: str
    axis: Axis
    factor: float = 1.0
    better: Better = "lower"


SECONDS_PER_UPDATE = Quantity("seconds_per_update", Axis("Time per update", "ms", low=0), 1e3)
MEMORY = Quantity("memory_peak_bytes", Axis("Peak memory", "MiB", low=0), MIB)
PARAMETERS = Quantity("parameters", Axis("Parameters", "weights", low=0))


def series_of(trials: pd.DataFrame, quantity: Quantity, x: str | None, titles: Titles) -> tuple[Series, ...]:
    """A series a cell of the quantity, in its unit."""
    return _series_of(
        trials,
        y=quantity.column,
        x=x,
        titles=titles,
        factor=quantity.factor,
        low=quantity.axis.low,
        high=quantity.axis.high,
    )


def metric(tasks: Tasks, task: str, name: str) -> Quantity:
    """The test metric of that name, with title, unit and direction as the task declares them. Shares are in percent."""
    declared: Mapping[str, Any] = next((m for m in tasks.get(task, {}).get("metrics", ()) if m.get("name") == name), {})
    better: Better = (
        "lower" if declared.get("better", "higher" if "accuracy" in name else "lower") == "lower" else "higher"
    )
    unit = str(declared.get("unit") or "")
    title = str(declared.get("title") or name.replace("_", " "))
    if title.lower().startswith("test "):
        title = title[5:]
    if better == "higher" and not unit:
        return Quantity(f"test_{name}", Axis(f"Test {title.lower()}", "%", low=0, high=100), 100.0, better)
    return Quantity(f"test_{name}", Axis(f"Test {title.lower()}", unit), 1.0, better)


def quality_metric(tasks: Tasks, task: str, frame: pd.DataFrame) -> Quantity:
    """The metric that says best how well a task is done: what it is solved by, or its accuracy, or its loss."""
    solved = tasks.get(task, {}).get("solved")
    names = [str(solved[0])] if solved else []
    names += [str(m["name"]) for m in tasks.get(task, {}).get("metrics", ()) if m.get("better") == "higher"]
    for name in [*names, "accuracy", "loss"]:
        if f"test_{name}" in frame and frame[f"test_{name}"].notna().any():
            return metric(tasks, task, name)
    return metric(tasks, task, "loss")


def task_title(tasks: Tasks, task: str) -> str:
    """The task's title, or its name where none is known."""
    return str(tasks.get(task, {}).get("title") or task)


def of_lane(frame: pd.DataFrame, lane: str) -> tuple[pd.DataFrame, bool]:
    """The trials of that lane, or all where it has none; and whether it had."""
    chosen = frame[frame["lane"] == lane]
    return (frame, False) if chosen.empty else (chosen, True)


def _panel_title(tasks: Tasks, here: Condition) -> str:
    words = condition(here.factors, here.varying)
    return task_title(tasks, here.task) + (f" · {words}" if words else "")


def _facets(here: Condition) -> dict[str, str]:
    return {
        "task": here.task,
        **{name: str(here.factors[name]) for name in ("kernel", "matched") if name in here.factors},
    }


def _baselines(here: Condition, quantity: Quantity, x: str | None) -> tuple[Reference, ...]:
    suffix = quantity.column.removeprefix("test")
    found = []
    for column in here.trials.columns:
        name = str(column)
        if not (name.startswith("baseline_") and name.endswith(suffix)) or not here.trials[name].notna().any():
            continue
        label = name.removeprefix("baseline_").removesuffix(suffix).replace("_", " ")
        if x is None:
            values = [(0.0, float(here.trials[name].mean()) * quantity.factor)]
        else:
            means = here.trials.groupby(x)[name].mean().dropna() * quantity.factor
            values = [(float(at), float(value)) for at, value in means.items()]  # type: ignore[arg-type]
        found.append(Reference(label, tuple(values)))
    return tuple(found)


def _threshold(tasks: Tasks, task: str, quantity: Quantity) -> tuple[Reference, ...]:
    solved = tasks.get(task, {}).get("solved")
    if not solved or quantity.column != f"test_{solved[0]}":
        return ()
    return (Reference("solved", ((0.0, float(solved[1]) * quantity.factor),)),)


def _limited(panels: Sequence[Panel]) -> tuple[tuple[Panel, ...], tuple[str, ...]]:
    if len(panels) <= MOST_PANELS:
        return tuple(panels), ()
    kept = tuple(panels[:MOST_PANELS])
    return kept, (
        f"{plural(len(panels) - MOST_PANELS, 'further condition')} not drawn; the trials table has all of them.",
    )


def _thinning(panels: Sequence[Panel]) -> tuple[str, ...]:
    hidden = sum(series.hidden_points for panel in panels for series in panel.series)
    return (
        (f"{plural(hidden, 'dot')} left out of the drawing to keep it legible; means and intervals use all.",)
        if hidden
        else ()
    )


def _lines(
    frame: pd.DataFrame,
    tasks: Tasks,
    titles: Titles,
    *,
    x: str,
    quantities: Mapping[str, Quantity],
    pooled: Sequence[str] = (),
) -> list[Panel]:
    panels = []
    for here in conditions(frame, x=x, pooled=pooled):
        if here.trials[x].nunique() < 2:
            continue
        quantity = quantities[here.task]
        axis = {"sequence_length": LENGTH, "units": UNITS}.get(x) or Axis(
            "Training-set size",
            str(tasks.get(here.task, {}).get("train_size_unit") or "examples"),
            whole=True,
            scale="log",
        )
        panels.append(
            Panel(
                _panel_title(tasks, here),
                axis,
                quantity.axis,
                series_of(here.trials, quantity, x, titles),
                _baselines(here, quantity, x) + _threshold(tasks, here.task, quantity),
                better=quantity.better,
                facets=_facets(here),
            )
        )
    return panels


def _choice_note(chosen: bool) -> tuple[str, ...]:
    return ("Of several learning rates, each cell's best on validation data is shown.",) if chosen else ()


def loss_by_size(frame: pd.DataFrame, tasks: Tasks, titles: Titles) -> Plot:
    """Test loss against training-set size, for each task that has several sizes."""
    trials, chosen = with_best_rates(of_lane(frame, "accuracy")[0])
    quantities = {str(task): metric(tasks, str(task), "loss") for task in trials["task"].unique()}
    panels, notes = _limited(_lines(trials, tasks, titles, x="train_size", quantities=quantities))
    return Plot(
        "loss-by-size",
        "Who learns best from little data?",
        "Test loss against the size of the training set. Lower is better; look at the left for little data.",
        panels,
        (INTERVALS, *_choice_note(chosen), *notes, *_thinning(panels)),
        log=True,
    )


def quality_by_length(frame: pd.DataFrame, tasks: Tasks, titles: Titles) -> Plot:
    """Accuracy (or the task's own figure of merit) against sequence length, for each task that has several lengths."""
    trials, chosen = with_best_rates(of_lane(frame, "accuracy")[0])
    quantities = {
        str(task): quality_metric(tasks, str(task), trials[trials["task"] == task]) for task in trials["task"].unique()
    }
    panels, notes = _limited(_lines(trials, tasks, titles, x="sequence_length", quantities=quantities))
    return Plot(
        "accuracy-by-length",
        "Who remembers longest?",
        "Accuracy on test data against the length of the sequence. Higher is better; see where a line falls to chance.",
        panels,
        (INTERVALS, *_choice_note(chosen), *notes, *_thinning(panels)),
    )


def parameters(frame: pd.DataFrame, tasks: Tasks, titles: Titles) -> Plot:
    """Parameters of the networks that were trained: a bar a cell, the recurrent part in full colour."""
    counted = frame[frame["parameters"].notna()].assign(status="ok")
    pooled = ("kernel", "lane", "machine", "batch_size", "sequence_length", "train_size")
    panels = []
    for here in conditions(counted, x=None, pooled=pooled):
        series = series_of(here.trials, PARAMETERS, None, titles)
        shares = here.trials.groupby("cell")[["recurrent_parameters", "parameters"]].mean()
        parts = shares["recurrent_parameters"] / shares["parameters"]
        panels.append(
            Panel(
                _panel_title(tasks, here),
                Axis("Cell"),
                PARAMETERS.axis,
                tuple(
                    replace(
                        s,
                        points=(),
                        hidden_points=0,
                        centres=tuple(Centre(c.x, c.mean, None, None, 0) for c in s.centres),
                        part=None if pd.isna(parts[s.cell]) else float(parts[s.cell]),
                    )
                    for s in series
                ),
                kind="bars",
                better="lower",
                facets={key: value for key, value in _facets(here).items() if key != "kernel"},
            )
        )
    kept, notes = _limited(panels)
    return Plot(
        "parameters",
        "How many parameters?",
        "Weights of the networks as trained: full colour for the recurrent layers, pale for the rest.",
        kept,
        ("Counted, not measured: the same for every seed.", *notes),
    )


def seconds_per_update(frame: pd.DataFrame, tasks: Tasks, titles: Titles) -> Plot:
    """Milliseconds an update takes, against sequence length where there are several, else a row a cell and kernel."""
    trials, speed = of_lane(frame, "speed")
    note = (
        "Speed trials: each had the machine to itself."
        if speed
        else "Measured beside other trials on the same machine: good for orders of magnitude, not for close calls."
    )
    lead = "Time for one update of the weights, without the first, which compiles. Lower is better."
    return _cost(trials, tasks, titles, SECONDS_PER_UPDATE, "seconds-per-update", "Who trains fastest?", lead, note)


def memory(frame: pd.DataFrame, tasks: Tasks, titles: Titles) -> Plot:
    """Peak resident memory of a trial's process, against sequence length where there are several, else in rows."""
    lead = "The highest resident memory of the trial's own process, TensorFlow included. Lower is better."
    note = "Each trial ran in a process of its own."
    return _cost(frame, tasks, titles, MEMORY, "memory", "Who needs least memory?", lead, note)


def _cost(
    frame: pd.DataFrame, tasks: Tasks, titles: Titles, quantity: Quantity, id: str, title: str, lead: str, note: str
) -> Plot:
    measured = frame[frame[quantity.column].notna()].assign(status="ok")
    quantities = {str(task): quantity for task in measured["task"].unique()}
    panels = []
    pooled_sizes = False
    for _, of_task in measured.groupby("task", sort=False):
        pooled_sizes |= of_task["train_size"].nunique() > 1
        if of_task["sequence_length"].nunique() > 1:
            panels += _lines(of_task, tasks, titles, x="sequence_length", quantities=quantities, pooled=("train_size",))
            continue
        for here in conditions(of_task, x=None, pooled=("train_size", "kernel")):
            panels.append(
                Panel(
                    _panel_title(tasks, here),
                    Axis("Cell"),
                    quantity.axis,
                    _by_kernel(here, quantity, titles),
                    kind="rows",
                    better="lower",
                    facets={key: value for key, value in _facets(here).items() if key != "kernel"},
                )
            )
    kept, notes = _limited(panels)
    sizes = ("Training-set sizes are taken together: they hardly change it.",) if pooled_sizes else ()
    return Plot(id, title, lead, kept, (note, INTERVALS, *sizes, *notes, *_thinning(kept)), log=True)


def _by_kernel(here: Condition, quantity: Quantity, titles: Titles) -> tuple[Series, ...]:
    kernels = sorted(here.trials["kernel"].unique())
    if len(kernels) == 1:
        return series_of(here.trials, quantity, None, titles)
    return tuple(
        replace(series, label=f"{series.label} · {kernel}")
        for kernel in kernels
        for series in series_of(here.trials[here.trials["kernel"] == kernel], quantity, None, titles)
    )


FIGURES = (loss_by_size, quality_by_length, parameters, seconds_per_update, memory)
PLOT_IDS = ("loss-by-size", "accuracy-by-length", "parameters", "seconds-per-update", "memory")


def evidence(frame: pd.DataFrame, tasks: Tasks, titles: Titles) -> list[Plot]:
    """Every figure for which the trials have something to show, in the report's order."""
    if frame.empty:
        return []
    return [plot for make in FIGURES if (plot := make(frame, tasks, titles)).panels]
