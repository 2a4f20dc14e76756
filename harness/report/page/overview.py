"""The matrix of tasks and cells as the page shows it, every entry with a link to its figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.report.figures.cost import MEMORY, PARAMETERS, SECONDS_PER_UPDATE
from harness.report.figures.looks import Look, title_of
from harness.report.figures.plot import Plot
from harness.report.figures.wording import value_words
from harness.report.summary.matrix import UPDATES, Entry, Matrix, Row
from harness.verdicts.words.effects import interval
from harness.words import NO_VALUE, number

FIGURES_OF_COSTS = {
    SECONDS_PER_UPDATE.column: ("seconds-per-update",),
    PARAMETERS.column: ("parameters",),
    MEMORY.column: ("memory", "memory-by-units"),
}
FIGURES_OF_SCORES = ("loss-by-size", "accuracy-by-length", "scores", "solved", "learning-curves")
WIDTH, HEIGHT = 56, 16
"""Pixels of a learning curve."""


@dataclass(frozen=True)
class Shown:
    """An entry of the matrix in words; an empty one for a cell that was not trained."""

    value: str = ""
    interval: str = ""
    note: str = ""
    """Failed trials, or the ratio to the smallest cost."""
    label: str = ""
    """The whole entry for screen readers and as a tooltip."""
    best: bool = False
    grey: bool = False
    curve: Markup | str = ""


@dataclass(frozen=True)
class ShownRow:
    """A row of the matrix in words."""

    title: str
    detail: str
    link: str
    """The id of the figure that shows the row's values; '' if there is none."""
    entries: tuple[Shown, ...]


@dataclass(frozen=True)
class Overview:
    """The matrix as the template shows it."""

    cells: tuple[str, ...]
    rows: tuple[ShownRow, ...]
    costs: tuple[ShownRow, ...]
    notes: tuple[str, ...]


def overview(matrix: Matrix, looks: Mapping[str, Look], plots: Sequence[Plot]) -> Overview:
    """Titles, values, marks and links of all entries."""
    return Overview(
        tuple(title_of(looks, cell, 24) for cell in matrix.cells),
        tuple(_score_row(row, matrix.cells, looks, plots) for row in matrix.rows),
        tuple(_cost_row(row, matrix.cells, looks, plots) for row in matrix.costs),
        _notes(matrix),
    )


def _notes(matrix: Matrix) -> tuple[str, ...]:
    notes = []
    if any(entry.best for row in matrix.rows for entry in row.entries.values()):
        notes.append(
            "★ among the best: no other cell is better. Every pair of cells is tested seed by seed, with Holm's"
            " correction over all pairs of the table; a difference within the margin does not count."
        )
    if any(not entry.beats_baseline for row in matrix.rows for entry in row.entries.values()):
        notes.append("Grey: no better than the strongest baseline, or the target was missed.")
    if any(entry.curve for row in matrix.rows for entry in row.entries.values()):
        notes.append("Curves: validation loss by update.")
    if matrix.costs and not matrix.alone:
        notes.append("Times were measured while other trials ran: orders of magnitude only.")
    if matrix.further:
        notes.append(f"{matrix.further:,} further conditions are in the figures.")
    return tuple(notes)


def _score_row(row: Row, cells: Sequence[str], looks: Mapping[str, Look], plots: Sequence[Plot]) -> ShownRow:
    axis = row.quantity.axis
    better = "fewer" if row.quantity is UPDATES else row.quantity.better
    measure = axis.title.removeprefix("Test ")
    unit = f" ({axis.unit})" if axis.unit and axis.unit.lower() not in measure.lower() else ""
    named = ", ".join(filter(None, (f"{measure}{unit}, {better} is better", row.detail)))
    baseline = f"baseline: {row.baseline}" if row.baseline else ""
    figures = ("time-to-target", "learning-curves") if row.quantity is UPDATES else FIGURES_OF_SCORES
    bounds = [value for entry in row.entries.values() for _, value in entry.curve]
    entries = tuple(_score(row, cell, bounds, looks) for cell in cells)
    return ShownRow(row.title, " · ".join(filter(None, (named, baseline))), _link(row, figures, plots), entries)


def _score(row: Row, cell: str, bounds: Sequence[float], looks: Mapping[str, Look]) -> Shown:
    entry = row.entries.get(cell)
    if entry is None:
        return Shown()
    value, between = _written(row, entry)
    note = ""
    if entry.failed:
        note = f"{entry.failed} of {entry.trials} {'missed' if row.quantity is UPDATES else 'failed'}"
    words = [f"{title_of(looks, cell, 40)}: {value} {between}".strip(), note]
    words += ["among the best"] * entry.best + ["no better than the baseline"] * (not entry.beats_baseline)
    label = ", ".join(filter(None, words))
    curve = _sparkline(entry.curve, bounds, looks[cell].index) if cell in looks else ""
    return Shown(value, between, note, label, entry.best, not entry.beats_baseline, curve)


def _written(row: Row, entry: Entry) -> tuple[str, str]:
    if entry.centre is None:
        return ("not reached" if row.quantity is UPDATES else NO_VALUE), ""
    axis = row.quantity.axis
    value = number(entry.centre.mean) if axis.unit != "%" else value_words(entry.centre.mean, axis)
    return value, interval(entry.centre.low, entry.centre.high, "")


def _sparkline(curve: Sequence[tuple[float, float]], bounds: Sequence[float], index: int) -> Markup | str:
    """The curve, on the same scale for all cells of a row."""
    if len(curve) < 2:
        return ""
    low, high, last = min(bounds), max(bounds), curve[-1][0]
    height = (high - low) or 1.0
    points = " ".join(
        f"{at / (last or 1) * WIDTH:.0f},{1 + (high - value) / height * (HEIGHT - 2):.1f}" for at, value in curve
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {0} {1}" width="{0}" height="{1}" aria-hidden="true">'
        '<polyline points="{2}" fill="none" stroke="var(--cell-{3})" stroke-width="1.5"/></svg>'
    ).format(WIDTH, HEIGHT, points, index)


def _cost_row(row: Row, cells: Sequence[str], looks: Mapping[str, Look], plots: Sequence[Plot]) -> ShownRow:
    axis = row.quantity.axis
    means = {cell: entry.centre.mean for cell, entry in row.entries.items() if entry.centre}
    least = min(means, key=lambda cell: means[cell], default="")
    entries = []
    for cell in cells:
        entry = row.entries.get(cell)
        if entry is None or cell not in means:
            entries.append(Shown(NO_VALUE if entry else ""))
            continue
        value, ratio = value_words(means[cell], axis).removesuffix("\u00a0weights"), _ratio(row, cell, least, means)
        label = ", ".join(filter(None, (f"{title_of(looks, cell, 40)}: {value}", ratio and f"{ratio} the least")))
        entries.append(Shown(value, note=ratio, label=label, best=entry.best))
    title = f"{axis.title}, {row.backend}" if row.backend else axis.title
    link = _link(row, FIGURES_OF_COSTS[row.quantity.column], plots)
    return ShownRow(title, ", ".join((row.title, row.detail)), link, tuple(entries))


def _ratio(row: Row, cell: str, least: str, means: Mapping[str, float]) -> str:
    """'2.1×': the cost relative to the least, from pairs of equal seed where they were judged as ratios."""
    if cell == least:
        return ""
    pairs = row.verdicts or {}
    ratio = means[cell] / means[least] if means[least] else float("nan")
    for pair, exponent in (((least, cell), 1), ((cell, least), -1)):
        verdict = pairs.get(pair)
        if (
            verdict is not None
            and verdict.effect is not None
            and verdict.scale == "log ratio"
            and verdict.effect > -100
        ):
            ratio = (1 + verdict.effect / 100) ** exponent
    return f"{ratio:.2f}×"


def _link(row: Row, figures: Sequence[str], plots: Sequence[Plot]) -> str:
    """The first of these figures that shows the row's task."""
    shown = {plot.id for plot in plots if any(panel.facets.get("task") == row.task for panel in plot.panels)}
    return next((figure for figure in figures if figure in shown), "")
