"""What the cells cost: parameters, time for an update, memory."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from harness.figures import figure
from harness.report.figures.aggregate import Condition, conditions, series_of, typical
from harness.report.figures.panels import (
    INTERVALS,
    DeferredPanel,
    Results,
    Titles,
    content,
    lines,
    panel_of,
)
from harness.report.figures.plot import Axis, Content, Panel, Quantity, Series
from harness.verdicts.counted import of_one_lane

MIB = 2.0**-20
SECONDS_PER_UPDATE = Quantity("seconds_per_update", Axis("Time per update", "ms", low=0), 1e3)
MEMORY = Quantity("memory_peak_bytes", Axis("Peak memory", "MiB", low=0), MIB)
FAILED = "Crosses: failed trials. They are not part of any mean, even if they had measured a value."
PARAMETERS = Quantity("parameters", Axis("Parameters", "weights", low=0))


@figure("parameters")
def parameters(results: Results) -> Content:
    """Parameters of the trained networks: one bar per cell, the recurrent part in full colour."""
    counted = results.frame[results.frame["parameters"].notna()].assign(status="ok")
    pooled = ("backend", "lane", "machine", "batch_size", "sequence_length", "train_size")
    return content(
        "Parameters of the trained networks; fewer are cheaper. Full colour: recurrent layers; pale: all other layers.",
        [
            panel_of(results, here, PARAMETERS, _counted(here, results.titles), kind="bars")
            for here in conditions(counted, x=None, pooled=pooled)
        ],
        "Counted, not measured: the same for every seed.",
    )


def _counted(here: Condition, titles: Titles) -> tuple[Series, ...]:
    """One bar per cell, without seeds and intervals."""
    means = here.trials.groupby("cell")[["recurrent_parameters", "parameters"]].mean()
    parts = means["recurrent_parameters"] / means["parameters"]
    return tuple(
        Series(
            one.cell,
            one.label,
            centres=tuple(replace(centre, low=None, high=None, n=0) for centre in one.centres),
            part=None if pd.isna(parts[one.cell]) else float(parts[one.cell]),
        )
        for one in series_of(here.trials, PARAMETERS, None, titles)
    )


@figure("seconds-per-update")
def seconds_per_update(results: Results) -> Content:
    """Milliseconds an update takes, against sequence length where there are several, else a row a cell and backend."""
    trials = of_one_lane(results.frame, "seconds_per_update")
    speed = bool((trials["lane"] == "speed").all())
    note = (
        "Speed trials: the trials of a timing block alternate, so only one runs at a time."
        if speed
        else "Measured while other trials ran on the same machine: orders of magnitude only."
    )
    lead = "Time per weight update, excluding the first update, which compiles. Lower is better."
    return _cost(trials, results, SECONDS_PER_UPDATE, lead, note)


@figure("memory")
def memory(results: Results) -> Content:
    """Peak resident memory of a trial's process, against sequence length where there are several, else in rows."""
    lead = "Peak resident memory of the trial's process, including TensorFlow. Lower is better."
    note = (
        "Only trials that ran first in their process: later trials include memory that earlier trials have not freed."
    )
    return _cost(of_one_lane(results.frame, MEMORY.column), results, MEMORY, lead, note)


@figure("memory-by-units")
def memory_by_units(results: Results) -> Content:
    """Peak resident memory against the number of units, where several were tried."""
    measured = _of_measured_tasks(of_one_lane(results.frame, MEMORY.column), MEMORY)
    pooled = ("train_size", "reference_units")
    return content(
        "Peak resident memory of the trial's process against the number of units of the recurrent layer. "
        "Lower is better; a line that rises less steeply allows larger layers.",
        lines(results, typical(measured), lambda _: MEMORY, x="units", pooled=pooled),
        INTERVALS,
        FAILED,
        log=True,
    )


def _of_measured_tasks(frame: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
    """All trials, including failed ones, of the tasks in which some trial measured the quantity."""
    return frame[frame["task"].isin(frame.loc[frame[quantity.column].notna(), "task"])]


def _cost(frame: pd.DataFrame, results: Results, quantity: Quantity, lead: str, note: str) -> Content:
    measured = _of_measured_tasks(frame, quantity)
    panels: list[DeferredPanel | Panel] = []
    pooled_sizes = False
    for _, of_task in measured.groupby(["task", "dataset"], sort=False):
        pooled_sizes |= of_task["train_size"].nunique() > 1
        if of_task["sequence_length"].nunique() > 1:
            panels += lines(results, of_task, lambda _: quantity, x="sequence_length", pooled=("train_size",))
        else:
            panels += [
                panel_of(results, here, quantity, _by_backend(here, quantity, results.titles))
                for here in conditions(of_task, x=None, pooled=("train_size", "backend"))
            ]
    sizes = ("Training-set sizes are pooled: they hardly affect this value.",) if pooled_sizes else ()
    return content(lead, panels, note, INTERVALS, FAILED, *sizes, log=True)


def _by_backend(here: Condition, quantity: Quantity, titles: Titles) -> tuple[Series, ...]:
    backends = sorted(here.trials["backend"].unique())
    if len(backends) == 1:
        return series_of(here.trials, quantity, None, titles)
    return tuple(
        replace(series, label=f"{series.label} · {backend}", backend=backend)
        for backend in backends
        for series in series_of(here.trials[here.trials["backend"] == backend], quantity, None, titles)
    )
