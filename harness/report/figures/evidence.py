"""The figures of the report in order; of several folders, side by side."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from harness.figures import BUNDLED, Figure, figures
from harness.report.data import LABEL
from harness.report.figures.looks import Look, looks
from harness.report.figures.panels import Results
from harness.report.figures.plot import Content, Panel, Plot, Table
from harness.words import NO_VALUE, shorten

Described = tuple[pd.DataFrame, Mapping[str, Look], Sequence[Plot]]

PACKAGE = Path(__file__).parents[2]
T = TypeVar("T")


def evidence(results: Results, added_figures: Sequence[str] = ()) -> list[Plot]:
    """Every figure for which the trials have something to show, in the report's order, and then the experiment's own.

    `added_figures` names these. One that raises is a plot that says so in its place.
    """
    if results.frame.empty:  # tuning comes before all else
        plots = [described(figures[name], results) for name in ("learning-rates", "best-of-k")]
    else:
        plots = [described(figures[name], results) for name in dict.fromkeys((*BUNDLED, *added_figures))]
    return [plot for plot in plots if plot.panels or plot.error]


def described(figure: Figure, results: Results) -> Plot:
    """The description of the figure for these results."""
    empty = Plot(id=figure.id, title=figure.title)
    return attempt(empty, lambda: _filled(empty, figure.describe(results)), lambda failed: failed)


def attempt(plot: Plot, make: Callable[[], T], otherwise: Callable[[Plot], T]) -> T:
    """What `make` gives; where it raises, what `otherwise` makes of a plot that says so in place of this one.

    So a figure of a user's own takes no other figure with it. A bundled one that raises is a mistake in this package,
    which nothing hides.
    """
    if plot.id in BUNDLED:
        return make()
    try:
        return make()
    except Exception as error:
        return otherwise(Plot(id=plot.id, title=plot.title, error=f"This figure could not be made: {_why(error)}."))


def _why(error: Exception) -> str:
    """'KeyError: 'los' (my_figures.py, line 14)': the error, and where the user's function raised it, if it did."""
    frames = traceback.extract_tb(error.__traceback__)[2:]  # after `attempt` and what it was given to call
    within = [frame for frame in frames if frame.filename == frames[0].filename]
    place = ""
    if within and not Path(within[0].filename).is_relative_to(PACKAGE):
        place = f" ({Path(within[-1].filename).name}, line {within[-1].lineno})"
    return f"{shorten(f'{type(error).__name__}: {error}', 300)}{place}"


def _filled(plot: Plot, content: object) -> Plot:
    """The plot with this content. Raises TypeError where the content has another type than the report relies on."""
    if not isinstance(content, Content):
        raise TypeError(f"it returned a {type(content).__name__}, expected a Content")
    for panel in content.panels:
        if not isinstance(panel, Panel):
            raise TypeError(f"a panel is a {type(panel).__name__}, expected a Panel")
        if not all(isinstance(text, str) for text in panel.facets.values()):
            raise TypeError("a facet of a panel is not a text")
    header, rows = content.values or ((), ())
    if not all(len(row) == len(header) and all(isinstance(text, str) for text in row) for row in (header, *rows)):
        raise TypeError("the table of values needs a text in every column of every row")
    shown = {field.name: getattr(content, field.name) for field in fields(Content)}
    return replace(plot, **shown | {"panels": tuple(content.panels), "notes": tuple(content.notes)})


def together(described: Mapping[str, Described]) -> tuple[pd.DataFrame, Mapping[str, Look], list[Plot]]:
    """The prepared frames under each other, one look a cell, and each figure with the panels of all folders."""
    frame = pd.concat([frame.assign(folder=label) for label, (frame, _, _) in described.items()], ignore_index=True)
    titles = {cell: look.title for _, looked, _ in described.values() for cell, look in looked.items()}
    by_label = {label: {plot.id: plot for plot in plots} for label, (_, _, plots) in described.items()}
    ids = {id for plots in by_label.values() for id in plots}
    ordered = [
        id for id in dict.fromkeys((*BUNDLED, *(id for plots in by_label.values() for id in plots))) if id in ids
    ]
    plots = [_plot({label: of[id] for label, of in by_label.items() if id in of}, list(described)) for id in ordered]
    return frame, looks(titles, titles), plots


def _plot(plots: Mapping[str, Plot], labels: Sequence[str]) -> Plot:
    """One figure: panels of the same condition beside each other, with the same axis of values."""
    any_of_them = next((plot for plot in plots.values() if not plot.error), next(iter(plots.values())))
    titles = dict.fromkeys(panel.title for plot in plots.values() for panel in plot.panels)
    panels = [
        _labelled(panel, label, [other for one in plots.values() for other in one.panels if other.title == title])
        for title in titles
        for label, plot in plots.items()
        for panel in plot.panels
        if panel.title == title
    ]
    notes = dict.fromkeys(note for plot in plots.values() for note in plot.notes)
    labelled_notes = [
        note if len(having) == len(plots) else f"{', '.join(having)}: {note}"
        for note in notes
        if (having := [label for label, plot in plots.items() if note in plot.notes])
    ]
    return replace(
        any_of_them,
        panels=tuple(panels),
        notes=tuple(labelled_notes),
        values=_values({label: plot.values for label, plot in plots.items() if plot.values}),
        log=any(plot.log for plot in plots.values()),
        columns=len(labels),
        error=" ".join(f"{shorten(label, LABEL)}: {plot.error}" for label, plot in plots.items() if plot.error),
    )


def _values(tables: Mapping[str, Table]) -> Table | None:
    """The tables concatenated, with a further column for the folder."""
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
