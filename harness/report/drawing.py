"""From the description of a figure to matplotlib's: one panel alone (for the page) or all of a plot (for slides)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from harness.report.appearance import GRID, INK, MUTED, PAPER, Look, shorten
from harness.report.plot import Centre, Failed, Panel, Plot, Point, Reference, Scale, Series
from harness.report.wording import centre_in_words, number, short, with_unit

PANEL_WIDTH, PANEL_HEIGHT = 4.5, 3.15
"""Inches."""
ROW_HEIGHT = 0.42
COLUMNS = 3
LINE = 0.155
"""Inches from one label at the right to the next."""
LEFT, RIGHT, TOP, BOTTOM = 0.6, 1.0, 0.62, 0.56
ROW_LEFT = 1.2


@dataclass(frozen=True)
class Mark:
    """A drawn value and its words, in data coordinates of its panel."""

    x: float
    y: float
    cell: str
    text: str
    main: bool
    """A mean, which the keyboard reaches; False for a single seed."""


def panel_height(panel: Panel) -> float:
    """Inches that a panel takes: rows and bars grow with their number."""
    if panel.kind in ("rows", "bars"):
        return TOP + BOTTOM + ROW_HEIGHT * max(1, len(panel.series))
    return PANEL_HEIGHT


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


def _place(figure: Figure, panel: Panel, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes in the rectangle (inches), with the margins that titles and labels need."""
    total_width, total_height = figure.get_size_inches()
    margin = ROW_LEFT if panel.kind in ("rows", "bars") else LEFT
    return figure.add_axes(
        (
            (left + margin) / total_width,
            (bottom + BOTTOM) / total_height,
            (width - margin - RIGHT) / total_width,
            (height - TOP - BOTTOM) / total_height,
        )
    )


def draw(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    """The panel on the axes; gives what can be pointed at."""
    rows = panel.kind in ("rows", "bars")
    wide = axes.get_position().width * axes.figure.get_size_inches()[0]  # type: ignore[union-attr]
    shift = ((ROW_LEFT if rows else LEFT) - 0.14) / wide
    points_up = 26 if not rows else 14
    axes.annotate(
        shorten(panel.title, 58), (-shift, 1), (0, points_up), xycoords="axes fraction", textcoords="offset points",
        fontsize=9.5, fontweight="bold", color=INK, annotation_clip=False,
    )  # fmt: skip
    if rows:
        return _draw_rows(axes, panel, looks, scale)
    axes.annotate(
        shorten(panel.y.label, 60), (-shift, 1), (0, 11), xycoords="axes fraction", textcoords="offset points",
        color=MUTED, annotation_clip=False,
    )  # fmt: skip
    return _draw_lines(axes, panel, looks, scale)


def value_limits(panel: Panel, scale: Scale) -> tuple[float, float]:
    """Limits of the value axis: all values with room, and every reference that does not squeeze them."""
    values = [value for value in panel.values() if scale == "linear" or value > 0]
    if panel.margin:
        values += [0.0, panel.margin, -panel.margin]
    if not values:
        values = [reference.level for reference in panel.references] or [0.0, 1.0]
    low, high = min(values), max(values)
    span = high - low or abs(high) or 1.0
    for reference in panel.references:
        for _, y in reference.values:
            if (scale == "linear" or y > 0) and low - 1.5 * span <= y <= high + 1.5 * span:
                low, high = min(low, y), max(high, y)
    if scale == "log":
        room = (high / low) ** 0.08 if high > low else 1.5
        return low / room, high * room
    room = (high - low) * 0.08 or abs(high) * 0.2 or 1.0
    low, high = low - room, high + room
    if panel.y.high == 100 and panel.y.low == 0:
        return (min(0.0, low), 104.0) if low < 40 else (low, min(high, 102.0))
    return (max(low, panel.y.low) if panel.y.low is not None else low), high


def _values_axis(axes: Axes, panel: Panel, scale: Scale, which: str) -> None:
    axis = axes.yaxis if which == "y" else axes.xaxis
    low, high = value_limits(panel, scale)
    if scale == "log":
        axes.set(**{f"{which}scale": "log"})
    axes.set(**{f"{which}lim": (low, high)})
    if scale == "log":
        subs = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0) if high / low > 5 else tuple(range(1, 10))
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(MaxNLocator(5 if which == "y" else 4, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(round(value, 12))))
    axis.grid(True, color=GRID, linewidth=0.7)


def _draw_lines(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    _values_axis(axes, panel, scale, "y")
    places = sorted({*(c.x for s in panel.series for c in s.centres), *(f.x for s in panel.series for f in s.failed)})
    log = panel.x.scale == "log" and min(places, default=1) > 0
    if log:
        axes.set_xscale("log")
    _places_axis(axes, panel, places, log)
    marks: list[Mark] = []
    count = len(panel.series)
    for index, series in enumerate(panel.series):
        look = looks[series.cell]
        dodge = _dodge(axes, index - (count - 1) / 2, log)
        marks += _draw_series(axes, panel, series, look, index, dodge)
    _label_ends(axes, panel, looks, _draw_references(axes, panel), scale)
    return marks


def _places_axis(axes: Axes, panel: Panel, places: Sequence[float], log: bool) -> None:
    axes.set_xlabel(shorten(panel.x.label, 60), labelpad=5)
    if not places:
        axes.set_xticks([])
        return
    inner = [math.log10(x) for x in places] if log else list(places)
    room = (inner[-1] - inner[0]) * 0.07 or 0.3
    ends = [inner[0] - room, inner[-1] + room]
    axes.set_xlim(*(10**end for end in ends) if log else ends)
    if panel.x.whole:
        kept: list[float] = []
        for place, at in sorted(zip(places, inner, strict=True), reverse=True):
            if not kept or (math.log10(kept[-1]) if log else kept[-1]) - at > (ends[1] - ends[0]) * 0.085:
                kept.append(place)
        axes.xaxis.set_major_locator(FixedLocator(kept))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _dodge(axes: Axes, steps: float, log: bool) -> Callable[[float], float]:
    """Moves x sideways by a few points, so that the cells' intervals stand beside each other."""
    low, high = axes.get_xlim()
    if log:
        ratio = (high / low) ** (0.012 * steps)
        return lambda x: x * ratio
    shift = (high - low) * 0.012 * steps
    return lambda x: x + shift


def _draw_series(
    axes: Axes, panel: Panel, series: Series, look: Look, index: int, dodge: Callable[[float], float]
) -> list[Mark]:
    gid = f"series-{look.index}-{index}"
    colour = look.colour
    if series.points:
        axes.scatter(
            [dodge(p.x) for p in series.points], [p.y for p in series.points], s=9, marker=look.marker, color=colour,
            alpha=0.38, linewidths=0, zorder=3, gid=f"{gid}-seeds",
        )  # fmt: skip
    centres = sorted(series.centres, key=lambda c: c.x)
    for centre in centres:
        if centre.low is not None and centre.high is not None:
            axes.plot(
                [dodge(centre.x)] * 2, [centre.low, centre.high], color=colour, linewidth=1.6, alpha=0.75,
                solid_capstyle="butt", zorder=4, gid=f"{gid}-interval-{centre.x:g}",
            )  # fmt: skip
    axes.plot(
        [dodge(c.x) for c in centres], [c.mean for c in centres], color=colour, linestyle=look.dash, linewidth=1.7,
        marker=look.marker, markersize=5, markeredgecolor=PAPER, markeredgewidth=0.7, zorder=5, label=series.label,
        gid=f"{gid}-mean",
    )  # fmt: skip
    for failed in series.failed:
        _draw_failed(axes, dodge(failed.x), failed, look, gid)
    unit = panel.y.unit
    at = panel.x.unit or panel.x.title.lower()
    marks = [
        Mark(dodge(c.x), c.mean, series.cell, _mean_words(series, c, f"{number(c.x)} {at}", unit), True)
        for c in centres
    ]
    marks += [
        Mark(dodge(p.x), p.y, series.cell, _seed_words(series, p, f"{number(p.x)} {at}", unit), False)
        for p in series.points
    ]
    return marks


def _mean_words(series: Series, centre: Centre, at: str, unit: str) -> str:
    return f"{shorten(series.label, 40)}{', ' + at if at else ''}: mean {centre_in_words(centre, unit)}"


def _seed_words(series: Series, point: Point, at: str, unit: str) -> str:
    seed = "" if point.seed is None else f", seed {point.seed}"
    return f"{shorten(series.label, 40)}{', ' + at if at else ''}{seed}: {with_unit(point.y, unit)}"


def _draw_failed(axes: Axes, x: float, failed: Failed, look: Look, gid: str) -> None:
    """A cross above the axes: a trial that left no value is seen, and is not mistaken for one."""
    axes.plot(
        [x], [1.035], transform=axes.get_xaxis_transform(), marker="x", markersize=4.5,
        markeredgewidth=1.4, color=look.colour, linestyle="none", clip_on=False, zorder=6,
        gid=f"{gid}-failed-{failed.x:g}",
    )  # fmt: skip


def _draw_references(axes: Axes, panel: Panel) -> list[Reference]:
    """The yardsticks as thin lines; those beyond the axis are named with their value. Gives those that are drawn."""
    low, high = axes.get_ylim()
    inside = [reference for reference in panel.references if low <= reference.level <= high]
    for index, reference in enumerate(inside):
        style: dict[str, Any] = {"color": MUTED, "linewidth": 0.9, "linestyle": (0, (2, 2)), "zorder": 2}
        levels = [y for _, y in reference.values]
        if len(set(levels)) == 1:
            axes.axhline(levels[0], gid=f"reference-{index}", **style)
        else:
            axes.plot([x for x, _ in reference.values], levels, gid=f"reference-{index}", **style)
    outside = [
        f"{shorten(r.label, 24)} {with_unit(r.level, panel.y.unit)} {'↑' if r.level > high else '↓'}"
        for r in panel.references
        if r not in inside
    ]
    if outside:
        axes.annotate(
            "beyond the axis: " + ", ".join(outside[:3]), (0, 0), (3, 4), xycoords="axes fraction",
            textcoords="offset points", color=MUTED, fontsize=7.5, fontstyle="italic", gid="beyond",
        )  # fmt: skip
    return inside


def _label_ends(axes: Axes, panel: Panel, looks: Mapping[str, Look], inside: Sequence[Reference], scale: Scale) -> None:
    """The name of each line and yardstick at its right end, moved apart where they would overlap."""
    low, high = axes.get_ylim()

    def place(y: float) -> float:
        share = math.log(y / low) / math.log(high / low) if scale == "log" else (y - low) / (high - low)
        return min(max(share, 0.0), 1.0)

    wanted: list[tuple[float, Series | Reference]] = [
        (place(max(s.centres, key=lambda c: c.x).mean), s) for s in panel.series if s.centres
    ]
    wanted += [(place(reference.level), reference) for reference in inside]
    ordered = sorted(wanted, key=lambda item: item[0])
    height = axes.get_position().height * axes.figure.get_size_inches()[1]  # type: ignore[union-attr]
    for at, (_, labelled) in zip(spread([at for at, _ in ordered], LINE / height), ordered, strict=True):
        if isinstance(labelled, Reference):
            look: dict[str, Any] = {"color": MUTED, "fontsize": 8, "fontstyle": "italic"}
        else:
            own = looks[labelled.cell]
            look = {"color": own.colour, "fontweight": "bold", "gid": f"series-{own.index}-label"}
        axes.annotate(
            shorten(labelled.label, 15), (1, at), (8, 0), xycoords="axes fraction", textcoords="offset points",
            va="center", annotation_clip=False, **look,
        )  # fmt: skip


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending places moved as little as it takes to stand `gap` apart, and between 0 and 1 where they fit."""
    moved = list(places)
    for _ in range(60):
        for left in range(len(moved) - 1):
            lack = gap - (moved[left + 1] - moved[left])
            if lack > 1e-9:
                moved[left] -= lack / 2
                moved[left + 1] += lack / 2
        if moved and moved[-1] > 1:
            moved[-1] = 1.0
        if moved and moved[0] < 0:
            moved[0] = 0.0
    return moved


def _draw_rows(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    bars = panel.kind == "bars"
    _values_axis(axes, panel, "linear" if bars else scale, "x")
    if bars:
        axes.set_xlim(0, axes.get_xlim()[1])
    count = len(panel.series)
    axes.set_ylim(-0.5, count - 0.5)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(shorten(panel.y.label, 60), labelpad=5)
    axes.yaxis.set_major_locator(NullLocator())
    if panel.margin is not None:
        axes.axvspan(-panel.margin, panel.margin, color=GRID, zorder=0, gid="margin")
        axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1, gid="zero")
    for reference in panel.references:
        if axes.get_xlim()[0] <= reference.level <= axes.get_xlim()[1]:
            axes.axvline(reference.level, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
    marks: list[Mark] = []
    for index, series in enumerate(panel.series):
        marks += _draw_row(axes, panel, series, looks[series.cell], index, count - 1 - index, bars)
    return marks


def _draw_row(axes: Axes, panel: Panel, series: Series, look: Look, index: int, row: int, bars: bool) -> list[Mark]:
    gid = f"series-{look.index}-{index}"
    axes.annotate(
        shorten(series.label, 18), (0, row), (-8, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
        ha="right", va="center", color=INK, annotation_clip=False, gid=f"{gid}-name",
    )  # fmt: skip
    rise = [(-0.21, 0.07, -0.07, 0.21, 0.0)[place % 5] for place in range(len(series.points))]
    if series.points:
        axes.scatter(
            [p.y for p in series.points], [row + up for up in rise], s=10, marker=look.marker, color=look.colour,
            alpha=0.42, linewidths=0, zorder=3, gid=f"{gid}-seeds",
        )  # fmt: skip
    for centre in series.centres:
        if bars:
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
        axes.annotate(
            with_unit(centre.mean, "" if bars else panel.y.unit), (1, row), (8, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", color=look.colour, fontweight="bold", annotation_clip=False,
            gid=f"{gid}-value",
        )  # fmt: skip
    if not series.centres and series.failed:
        axes.annotate("failed ×" + str(series.failed[0].count), (0.02, row), xycoords=("axes fraction", "data"),
                      va="center", color=look.colour, gid=f"{gid}-failed")  # fmt: skip
    marks = [
        Mark(c.mean, float(row), series.cell, _mean_words(series, c, "", panel.y.unit), True) for c in series.centres
    ]
    return marks + [
        Mark(p.y, row + up, series.cell, _seed_words(series, p, "", panel.y.unit), False)
        for p, up in zip(series.points, rise, strict=True)
    ]
