"""A roll: a picture of an example and, under it on the same time axis, when each label is there and who hears it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from harness.report.draw.axes import Mark, look_of
from harness.report.figures.looks import GRID, INK, MUTED, Look, shorten
from harness.report.figures.plot import Panel, Picture, Series
from harness.words import number

ROW, PICTURE, GAP = 0.36, 1.15, 0.1
"""Inches: a label's row, the picture above the rows, and between the two."""
LANES = 15
"""Points above the picture for the names of the lanes."""
COLOURS = "cividis"
"""Equally readable for every kind of colour vision, on paper and on a dark page."""


def roll_height(panel: Panel) -> float:
    """Inches of the axes, the picture included."""
    return ROW * max(1, len(panel.rows)) + (PICTURE + GAP if panel.picture else 0)


def draw_roll(axes: Axes, panel: Panel, looks: Mapping[str, Look]) -> list[Mark]:
    """The panel on the axes, the upper part of which the picture takes; gives what can be pointed at."""
    figure, box = axes.figure, axes.get_position()
    end = panel.x.high or max((span.end for series in panel.series for span in series.spans), default=1.0)
    _name_lanes(axes, panel, looks)
    if panel.picture is not None:
        height = box.height * ROW * len(panel.rows) / roll_height(panel)
        upper = box.height * PICTURE / roll_height(panel)
        axes.set_position((box.x0, box.y0, box.width, height))
        above = figure.add_axes((box.x0, box.y1 - upper, box.width, upper))
        _draw_picture(above, panel.picture, end)
    axes.set_xlim(0, end)
    axes.set_ylim(len(panel.rows), 0)
    axes.set_xlabel(panel.x.label, labelpad=5)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for place, label in enumerate(panel.rows):
        axes.axhline(place, color=GRID, linewidth=0.7, zorder=0)
        axes.annotate(
            shorten(label, 16), (0, place + 0.5), (-6, 0), textcoords="offset points", ha="right", va="center",
            color=INK, annotation_clip=False,
        )  # fmt: skip
    marks: list[Mark] = []
    for lane, series in enumerate(panel.series):
        marks += _draw_lane(axes, panel, series, look_of(series, looks), lane)
    return marks


def _name_lanes(axes: Axes, panel: Panel, looks: Mapping[str, Look]) -> None:
    """The series' names in their colours, side by side above everything, in the order of the lanes from the top."""
    box, right = axes.get_position(), -1.06
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]
    for lane, series in enumerate(panel.series):
        look, name = look_of(series, looks), shorten(series.label, 18)
        axes.figure.text(
            box.x0 + right / width, box.y1 + 5 / 72 / height, f"\u25a0 {name}", color=look.colour, fontsize=8,
            gid=f"series-{look.index}-{lane}-name",
        )  # fmt: skip
        right += 0.3 + 0.068 * len(name)


def _draw_picture(axes: Axes, picture: Picture, end: float) -> None:
    """The image from time 0 to `end`, its lowest, middle and highest row named."""
    axes.imshow(np.array(picture.rows), aspect="auto", extent=(0, end, 0, 1), cmap=COLOURS, vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    for text, height, va in ((picture.low, 0.0, "bottom"), (picture.title, 0.5, "center"), (picture.high, 1.0, "top")):
        axes.annotate(
            shorten(text, 18), (0, height), (-6, 0), xycoords="axes fraction", textcoords="offset points", ha="right",
            va=va, color=MUTED, annotation_clip=False,
        )  # fmt: skip


def _draw_lane(axes: Axes, panel: Panel, series: Series, look: Look, lane: int) -> list[Mark]:
    """The series' spans: the first series, which is the truth, in the upper part of each row, the others below."""
    lanes = max(1, len(panel.series) - 1)
    top, height = (0.06, 0.28) if lane == 0 else (0.38 + 0.56 * (lane - 1) / lanes, 0.56 / lanes * 0.8)
    gid = f"series-{look.index}-{lane}"
    marks = []
    for row in range(len(panel.rows)):
        spans = [span for span in series.spans if span.row == row]
        if not spans:
            continue
        axes.broken_barh(
            [(span.start, span.end - span.start) for span in spans], (row + top, height), color=look.colour,
            linewidth=0, gid=f"{gid}-{row}",
        )  # fmt: skip
        for span in spans:
            words = f"{series.label}, {panel.rows[row]}: {number(span.start)} to {number(span.end)} s"
            middle = (span.start + span.end) / 2
            marks.append(Mark(middle, row + top + height / 2, series.cell, words, lane == 0))
    return marks
