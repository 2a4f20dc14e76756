"""The questions of the report in their order, and the figure that answers each; of several folders, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from harness.report.data import LABEL
from harness.report.figures.cost import memory, memory_by_units, parameters, seconds_per_update
from harness.report.figures.heard import heard
from harness.report.figures.looks import Look, looks
from harness.report.figures.panels import Results
from harness.report.figures.plot import Panel, Plot
from harness.report.figures.quality import horizon, loss_by_size, pareto, quality_by_length, scores, solved
from harness.report.figures.reach import gradient_reach, other_lengths
from harness.report.figures.training import learning_curves, learning_rates, time_to_target
from harness.words import NO_VALUE, shorten

Described = tuple[pd.DataFrame, Mapping[str, Look], Sequence[Plot]]
Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]

FIGURES = {
    "loss-by-size": loss_by_size,
    "accuracy-by-length": quality_by_length,
    "solved": solved,
    "horizon": horizon,
    "seconds-per-update": seconds_per_update,
    "time-to-target": time_to_target,
    "learning-curves": learning_curves,
    "parameters": parameters,
    "pareto": pareto,
    "memory": memory,
    "memory-by-units": memory_by_units,
    "learning-rates": learning_rates,
    "gradient-reach": gradient_reach,
    "other-lengths": other_lengths,
    "scores": scores,
    "heard": heard,
}
"""Id of a figure to the function that describes it."""


def evidence(results: Results) -> list[Plot]:
    """Every figure for which the trials have something to show, in the report's order."""
    makers = [learning_rates] if results.frame.empty else FIGURES.values()  # tuning comes before all else
    return [plot for make in makers if (plot := make(results)).panels]


def together(described: Mapping[str, Described]) -> tuple[pd.DataFrame, Mapping[str, Look], list[Plot]]:
    """The prepared frames under each other, one look a cell, and each figure with the panels of all folders."""
    frame = pd.concat([frame.assign(folder=label) for label, (frame, _, _) in described.items()], ignore_index=True)
    titles = {cell: look.title for _, looked, _ in described.values() for cell, look in looked.items()}
    found = {label: {plot.id: plot for plot in plots} for label, (_, _, plots) in described.items()}
    figures = [
        _plot({label: plots[id] for label, plots in found.items() if id in plots}, list(described))
        for id in FIGURES
        if any(id in plots for plots in found.values())
    ]
    return frame, looks(titles, titles), figures


def _plot(plots: Mapping[str, Plot], labels: Sequence[str]) -> Plot:
    """One figure: panels of the same condition beside each other, with the same axis of values."""
    any_of_them = next(iter(plots.values()))
    titles = dict.fromkeys(panel.title for plot in plots.values() for panel in plot.panels)
    panels = [
        _labelled(panel, label, [other for one in plots.values() for other in one.panels if other.title == title])
        for title in titles
        for label, plot in plots.items()
        for panel in plot.panels
        if panel.title == title
    ]
    notes = dict.fromkeys(note for plot in plots.values() for note in plot.notes)
    told = [
        note if len(having) == len(plots) else f"{', '.join(having)}: {note}"
        for note in notes
        if (having := [label for label, plot in plots.items() if note in plot.notes])
    ]
    return replace(
        any_of_them,
        panels=tuple(panels),
        notes=tuple(told),
        values=_values({label: plot.values for label, plot in plots.items() if plot.values}),
        log=any(plot.log for plot in plots.values()),
        columns=len(labels),
    )


def _values(tables: Mapping[str, Table]) -> Table | None:
    """The tables under each other, with a column more that says whose the row is."""
    if not tables:
        return None
    header = tuple(dict.fromkeys(name for names, _ in tables.values() for name in names))
    rows = [
        (label, *(dict(zip(names, row, strict=True)).get(name, NO_VALUE) for name in header))
        for label, (names, all_rows) in tables.items()
        for row in all_rows
    ]
    return ("Folder", *header), tuple(rows)


def _labelled(panel: Panel, label: str, alike: Sequence[Panel]) -> Panel:
    reach = [value for other in alike if other is not panel and other.y == panel.y for value in other.values()]
    return replace(
        panel,
        title=f"{shorten(label, LABEL)}: {panel.title}",
        facets={**panel.facets, "folder": label},
        reach=(min(reach), max(reach)) if reach else (),
    )
