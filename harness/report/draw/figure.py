"""From the description of a figure to matplotlib's: one panel alone (for the page) or all of a plot (for slides)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.draw.axes import INK, MUTED, Mark
from harness.report.draw.lines import draw_lines
from harness.report.draw.rows import LANES, REFERENCE, REFERENCE_TIERS, draw_roll, draw_rows, name_lines, roll_height
from harness.report.figures.looks import Look
from harness.report.figures.plot import Panel, Plot, Scale
from harness.words import shorten, two_lines

POINTS = 72
"""Points per inch; all other sizes here are in inches."""
PANEL_WIDTH, PANEL_HEIGHT = 4.0, 2.95
ROW_HEIGHT = 0.42
COLUMNS = 3
LEFT, RIGHT, TOP, BOTTOM = 0.6, 1.16, 0.62, 0.56
BARE_RIGHT = 0.2
"""Right margin of axes without labels beside them."""
ROW_LEFT, CHARACTER = 1.2, 0.082
"""Smallest left margin of rows, and the width of a character of their names."""
ROW_TOP, BARE_TOP = 0.42, 0.08
"""Top margin of rows, with a title and without."""
TITLE_WIDTH, TITLE_LINE = 44, 13
"""Characters per line of a title, and points between its lines."""


def panel_height(panel: Panel) -> float:
    """Height of a panel in inches; rows, bars and rolls grow with their number."""
    if panel.kind == "roll":
        return top_margin(panel) + BOTTOM + roll_height(panel)
    if panel.kind in ("rows", "bars"):
        return top_margin(panel) + BOTTOM + ROW_HEIGHT * max(1, len(panel.series))
    return PANEL_HEIGHT - TOP + top_margin(panel)


def top_margin(panel: Panel) -> float:
    """Inches above the axes: the title, and names between title and axes."""
    further = TITLE_LINE * (len(two_lines(panel.title, TITLE_WIDTH)) - 1) / POINTS
    if panel.kind in ("lines", "curves"):
        return TOP + further
    return (ROW_TOP + further if panel.title else BARE_TOP) + _names_above(panel) / POINTS


def _names_above(panel: Panel) -> float:
    """Points above the axes for names: of reference lines over rows, of lanes over a roll."""
    if panel.kind == "roll":
        return LANES
    return REFERENCE * min(REFERENCE_TIERS, len(panel.references)) if panel.kind == "rows" else 0.0


def draw_panel(panel: Panel, looks: Mapping[str, Look], scale: Scale = "linear") -> tuple[Figure, list[Mark]]:
    """A figure of one panel, and the values in it that a reader can point at."""
    height = panel_height(panel)
    figure = Figure(figsize=(PANEL_WIDTH, height))
    figure.patch.set_alpha(0)
    axes = _place(figure, panel, 0.0, 0.0, PANEL_WIDTH, height)
    return figure, draw(axes, panel, looks, scale)


def draw_plot(plot: Plot, looks: Mapping[str, Look], scale: Scale = "linear") -> Figure:
    """All panels of a plot in one figure with its title."""
    columns = plot.columns or min(COLUMNS, max(1, len(plot.panels)))
    rows = [plot.panels[start : start + columns] for start in range(0, len(plot.panels), columns)]
    heights = [max(map(panel_height, row)) + 0.1 for row in rows]
    width, height = columns * PANEL_WIDTH, sum(heights) + 0.35
    figure = Figure(figsize=(width, height))
    figure.text(0.14 / width, 1 - 0.2 / height, plot.title, fontsize=13, fontweight="bold", va="top")
    top = height - 0.35
    for row, row_height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            needed = panel_height(panel)
            draw(_place(figure, panel, column * PANEL_WIDTH, top - needed, PANEL_WIDTH, needed), panel, looks, scale)
        top -= row_height
    return figure


def left_margin(panel: Panel) -> float:
    """Inches left of the axes: room for the rows' names, or for numbers."""
    if panel.kind in ("lines", "curves"):
        return LEFT
    if panel.kind == "roll":
        return ROW_LEFT
    longest = max((len(line) for series in panel.series for line in name_lines(series.label)), default=0)
    return max(ROW_LEFT, 0.22 + CHARACTER * longest) if longest else 0.3


def _place(figure: Figure, panel: Panel, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes in the rectangle (inches), with the margins that titles and labels need."""
    total_width, total_height = figure.get_size_inches()
    bare = panel.kind == "roll" or not (panel.named or panel.references)
    margin, right = left_margin(panel), BARE_RIGHT if bare else RIGHT
    top = top_margin(panel)
    return figure.add_axes(
        (
            (left + margin) / total_width,
            (bottom + BOTTOM) / total_height,
            (width - margin - right) / total_width,
            (height - top - BOTTOM) / total_height,
        )
    )


def draw(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    """The panel on the axes; gives what can be pointed at."""
    _draw_heading(axes, panel)
    if panel.kind == "roll":
        return draw_roll(axes, panel, looks)
    if panel.kind in ("rows", "bars"):
        return draw_rows(axes, panel, looks, scale)
    return draw_lines(axes, panel, looks, scale)


def _draw_heading(axes: Axes, panel: Panel) -> None:
    """The title above the axes, its last line just over what stands between; over lines, the name of the values."""
    figure, box = axes.figure, axes.get_position()
    width, height = figure.get_size_inches()  # type: ignore[union-attr]
    left = box.x0 - (left_margin(panel) - 0.14) / width

    def write(text: str, points_up: float, **style: Any) -> None:
        figure.text(left, box.y1 + points_up / POINTS / height, text, **style)

    lines = panel.kind in ("lines", "curves")
    base = 26 if lines else 14 + _names_above(panel)
    for place, line in enumerate(reversed(two_lines(panel.title, TITLE_WIDTH))):
        write(line, base + place * TITLE_LINE, fontsize=9.5, fontweight="bold", color=INK)
    if lines:
        write(shorten(panel.y.label, 60), 11, color=MUTED)
