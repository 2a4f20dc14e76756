"""From the description of a figure to matplotlib's: one panel alone (for the page) or all of a plot (for slides)."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.report.appearance import INK, MUTED, Look, shorten
from harness.report.axes import Mark
from harness.report.lines import draw_lines
from harness.report.plot import Panel, Plot, Scale
from harness.report.rows import draw_rows

PANEL_WIDTH, PANEL_HEIGHT = 4.0, 2.95
"""Inches."""
ROW_HEIGHT = 0.42
COLUMNS = 3
LEFT, RIGHT, TOP, BOTTOM = 0.6, 1.0, 0.62, 0.56
ROW_LEFT = 1.2
ROW_TOP, BARE_TOP = 0.42, 0.08
"""Above rows, with a title and without."""


def panel_height(panel: Panel) -> float:
    """Inches that a panel takes: rows and bars grow with their number."""
    if panel.kind in ("rows", "bars"):
        return top_margin(panel) + BOTTOM + ROW_HEIGHT * max(1, len(panel.series))
    return PANEL_HEIGHT


def top_margin(panel: Panel) -> float:
    """Inches above the axes: room for the title and, over lines, for the name of the values."""
    return TOP if panel.kind not in ("rows", "bars") else ROW_TOP if panel.title else BARE_TOP


def draw_panel(panel: Panel, looks: Mapping[str, Look], scale: Scale = "linear") -> tuple[Figure, list[Mark]]:
    """A figure of one panel, and what can be pointed at in it."""
    height = panel_height(panel)
    figure = Figure(figsize=(PANEL_WIDTH, height))
    figure.patch.set_alpha(0)
    axes = _place(figure, panel, 0.0, 0.0, PANEL_WIDTH, height)
    return figure, draw(axes, panel, looks, scale)


def draw_plot(plot: Plot, looks: Mapping[str, Look], scale: Scale = "linear") -> Figure:
    """All panels of a plot in one figure with its title."""
    columns = min(COLUMNS, max(1, len(plot.panels)))
    rows = [plot.panels[start : start + columns] for start in range(0, len(plot.panels), columns)]
    heights = [max(map(panel_height, row)) + 0.1 for row in rows]
    width, height = columns * PANEL_WIDTH, sum(heights) + 0.35
    figure = Figure(figsize=(width, height))
    figure.text(0.14 / width, 1 - 0.2 / height, plot.title, fontsize=13, fontweight="bold", va="top")
    top = height - 0.35
    for row, row_height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            own = panel_height(panel)
            draw(_place(figure, panel, column * PANEL_WIDTH, top - own, PANEL_WIDTH, own), panel, looks, scale)
        top -= row_height
    return figure


def left_margin(panel: Panel) -> float:
    """Inches left of the axes: room for the rows' names, or for numbers."""
    if panel.kind not in ("rows", "bars"):
        return LEFT
    return ROW_LEFT if any(series.label for series in panel.series) else 0.3


def _place(figure: Figure, panel: Panel, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes in the rectangle (inches), with the margins that titles and labels need."""
    total_width, total_height = figure.get_size_inches()
    margin = left_margin(panel)
    top = top_margin(panel)
    return figure.add_axes(
        (
            (left + margin) / total_width,
            (bottom + BOTTOM) / total_height,
            (width - margin - RIGHT) / total_width,
            (height - top - BOTTOM) / total_height,
        )
    )


def draw(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    """The panel on the axes; gives what can be pointed at."""
    rows = panel.kind in ("rows", "bars")
    wide = axes.get_position().width * axes.figure.get_size_inches()[0]  # type: ignore[union-attr]
    shift = (left_margin(panel) - 0.14) / wide
    points_up = 26 if not rows else 14
    axes.annotate(
        shorten(panel.title, 58), (-shift, 1), (0, points_up), xycoords="axes fraction", textcoords="offset points",
        fontsize=9.5, fontweight="bold", color=INK, annotation_clip=False,
    )  # fmt: skip
    if rows:
        return draw_rows(axes, panel, looks, scale)
    axes.annotate(
        shorten(panel.y.label, 60), (-shift, 1), (0, 11), xycoords="axes fraction", textcoords="offset points",
        color=MUTED, annotation_clip=False,
    )  # fmt: skip
    return draw_lines(axes, panel, looks, scale)
