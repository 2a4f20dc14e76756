"""Panels of rows: values of a row along the horizontal axis, bars from zero, and rolls of spans under a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from harness.report.draw.axes import (
    GRID,
    INK,
    MUTED,
    PAPER,
    REFERENCE_LINE,
    Mark,
    look_of,
    mean_words,
    seed_words,
    values_axis,
)
from harness.report.figures.looks import Look
from harness.report.figures.plot import Panel, Picture, Scale
from harness.report.figures.wording import shown
from harness.verdicts.words.effects import effect
from harness.words import number, shorten, two_lines

REFERENCE, REFERENCE_TIERS = 10, 6
"""Points that a reference line's name takes above the rows, and at how many heights names are, so as not to overlap."""
LONGEST_NAME = 22
"""Characters of a line of a row's name, which has two at most."""
RISE = (0.21, -0.07, 0.07, -0.21, 0.0)
"""Heights of seeds within a row, used in turn, so that equal values do not hide each other."""
ROW, PICTURE, GAP = 0.36, 1.15, 0.1
"""Inches: a label's row, the picture above the rows, and between the two."""
LANES = 15
"""Points above the picture for the names of the lanes."""
COLOURS = "cividis"
"""A colour map that is readable for every kind of colour vision, on paper and on a dark page."""


def name_lines(name: str) -> list[str]:
    """The name of a row on one or two lines."""
    return two_lines(name, LONGEST_NAME)


def draw_rows(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    """The panel on the axes; gives what can be pointed at."""
    bars = panel.kind == "bars"
    values_axis(axes, panel, "linear" if bars else scale, "x")
    if bars:
        axes.set_xlim(0, axes.get_xlim()[1])
    axes.set_ylim(len(panel.series) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(shorten(panel.y.label, 60), labelpad=5)
    axes.yaxis.set_major_locator(NullLocator())
    if panel.margin is not None:
        axes.axvspan(*panel.margin, color=GRID, zorder=0, gid="margin")
        axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1, gid="zero")
    _draw_references(axes, panel)
    return [mark for row in range(len(panel.series)) for mark in _draw_row(axes, panel, row, looks)]


def _draw_references(axes: Axes, panel: Panel) -> None:
    """The reference lines, thin, their names at alternate heights; those beyond the axis are named at its end."""
    low, high = axes.get_xlim()
    for place, reference in enumerate(sorted(panel.references, key=lambda reference: reference.level)):
        inside = low <= reference.level <= high
        at = min(max(reference.level, low), high)
        if inside:
            axes.axvline(at, zorder=1, gid=f"reference-{place}", **REFERENCE_LINE)
        arrow = "" if inside else f" {number(reference.level)} {'→' if reference.level > high else '←'}"
        axes.annotate(
            shorten(reference.label, 18) + arrow, (at, 1), (0, 2 + REFERENCE * (place % REFERENCE_TIERS)),
            xycoords=("data", "axes fraction"), textcoords="offset points", va="bottom",
            ha="left" if at < (low + high) / 2 else "right", color=MUTED, fontsize=7, fontstyle="italic",
            annotation_clip=False,
        )  # fmt: skip


def _draw_row(axes: Axes, panel: Panel, row: int, looks: Mapping[str, Look]) -> list[Mark]:
    series, gid = panel.series[row], f"series-{row}"
    look = look_of(series, looks)
    axes.annotate(
        "\n".join(name_lines(series.label)), (0, row), (-8, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", va="center", color=INK, annotation_clip=False, gid=f"{gid}-name",
    )  # fmt: skip
    rise = [RISE[place % len(RISE)] for place in range(len(series.points))]
    if series.points:
        axes.scatter(
            [p.y for p in series.points], [row + up for up in rise], s=10, marker=look.marker, color=look.colour,
            alpha=0.42, linewidths=0, zorder=3, gid=f"{gid}-seeds",
        )  # fmt: skip
    for centre in series.centres:
        if panel.kind == "bars":
            axes.barh([row], [centre.mean], height=0.52, color=look.colour, alpha=0.35, linewidth=0, gid=f"{gid}-bar")
            part = centre.mean * (series.part if series.part is not None else 1)
            axes.barh([row], [part], height=0.52, color=look.colour, linewidth=0, gid=f"{gid}-part")
        else:
            if centre.low is not None and centre.high is not None:
                axes.plot(
                    [centre.low, centre.high], [row, row], color=look.colour, linewidth=2, alpha=0.8,
                    solid_capstyle="butt", zorder=4, gid=f"{gid}-interval",
                )  # fmt: skip
            axes.plot(
                [centre.mean], [row], marker=look.marker, markersize=6.5, color=look.colour, markeredgecolor=PAPER,
                markeredgewidth=0.8, linestyle="none", zorder=5, gid=f"{gid}-mean",
            )  # fmt: skip
    _write_value(axes, panel, row, look)
    marks = [Mark(c.mean, row, row, mean_words(panel, series, c, ""), True) for c in series.centres]
    return marks + [
        Mark(p.y, row + up, row, seed_words(series, p, "", panel.y), False, trial=p.trial)
        for p, up in zip(series.points, rise, strict=True)
    ]


def _write_value(axes: Axes, panel: Panel, row: int, look: Look) -> None:
    """Write the mean at the right end of its row (as an effect, if it is one), and the number of failures."""
    place: dict[str, Any] = {
        "xycoords": ("axes fraction", "data"),
        "textcoords": "offset points",
        "va": "center",
        "color": look.colour,
        "annotation_clip": False,
    }
    series, gid = panel.series[row], f"series-{row}"
    failed = sum(failure.count for failure in series.failed)
    for centre in series.centres:
        text = number(centre.mean)
        if panel.y.advantage:
            ratio = panel.y.advantage == "log ratio"
            text = effect(shown(centre.mean, panel.y), "%" if ratio else "", panel.y.advantage)
        axes.annotate(text, (1, row), (8, 0), fontweight="bold", gid=f"{gid}-value", **place)
    if failed:
        below = -9 if series.centres else 0
        axes.annotate(f"\u2717 {failed}", (1, row), (8, below), fontsize=7.5, gid=f"{gid}-failed", **place)


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
    axes.set_xlabel(shorten(panel.x.label, 60), labelpad=5)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for place, label in enumerate(panel.rows):
        axes.axhline(place, color=GRID, linewidth=0.7, zorder=0)
        axes.annotate(
            shorten(label, 16), (0, place + 0.5), (-6, 0), textcoords="offset points", ha="right", va="center",
            color=INK, annotation_clip=False,
        )  # fmt: skip
    return [mark for lane in range(len(panel.series)) for mark in _draw_lane(axes, panel, lane, looks)]


def _name_lanes(axes: Axes, panel: Panel, looks: Mapping[str, Look]) -> None:
    """The series' names in their colours, side by side above everything, in the order of the lanes from the top."""
    box, right = axes.get_position(), -1.06
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]
    for lane, series in enumerate(panel.series):
        look, name = look_of(series, looks), shorten(series.label, 18)
        axes.figure.text(
            box.x0 + right / width, box.y1 + 5 / 72 / height, f"\u25a0 {name}", color=look.colour, fontsize=8,
            gid=f"series-{lane}-name",
        )  # fmt: skip
        right += 0.28 + 0.076 * len(name)


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


def _draw_lane(axes: Axes, panel: Panel, lane: int, looks: Mapping[str, Look]) -> list[Mark]:
    """The series' spans: the first series, which is the truth, in the upper part of each row, the others below."""
    lanes = max(1, len(panel.series) - 1)
    top, height = (0.06, 0.28) if lane == 0 else (0.38 + 0.56 * (lane - 1) / lanes, 0.56 / lanes * 0.8)
    series = panel.series[lane]
    for row in range(len(panel.rows)):
        spans = [(span.start, span.end - span.start) for span in series.spans if span.row == row]
        axes.broken_barh(
            spans, (row + top, height), color=look_of(series, looks).colour, linewidth=0, gid=f"series-{lane}-{row}"
        )
    return [
        Mark(
            (span.start + span.end) / 2,
            span.row + top + height / 2,
            lane,
            f"{series.label}, {panel.rows[span.row]}: {number(span.start)} to {number(span.end)} s",
            lane == 0,
        )
        for span in series.spans
    ]
