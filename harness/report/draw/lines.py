"""Panels of lines: values against a numeric axis, one line a cell, with every seed and interval; learning curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import offset_copy

from harness.report.draw.axes import (
    MUTED,
    PAPER,
    REFERENCE_LINE,
    Mark,
    apart,
    look_of,
    mean_words,
    seed_words,
    values_axis,
)
from harness.report.figures.looks import Look
from harness.report.figures.plot import Panel, Point, Scale
from harness.report.figures.wording import short
from harness.words import number, shorten

LINE = 0.155
"""Inches from one label at the right to the next."""
LONGEST_LABEL = 15
"""Characters of a label at the right."""
TICK, LONG_TICK = 0.085, 0.2
"""The width of a tick's label as a share of the axis: of '64', and of '2,000' on a phone."""
DODGE, SEEDS_BESIDE = 3.3, 1.2
"""Points from the means of one cell to those of the next, and of the seeds to the left of their mean."""


def draw_lines(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    """Draw the panel on the axes; return the values that a reader can point at."""
    values_axis(axes, panel, scale, "y")
    places = sorted(_places(panel))
    log = panel.x.scale == "log" and min(places, default=1) > 0
    if log:
        axes.set_xscale("log")
    _places_axis(axes, panel, places, log)
    if panel.at is not None:
        _mark_place(axes, *panel.at)
    marks = [mark for index in range(len(panel.series)) for mark in _draw_series(axes, panel, index, looks)]
    _draw_references(axes, panel)
    _label_ends(axes, panel, looks)
    return marks


def _places(panel: Panel) -> set[float]:
    """Every x with a value."""
    of_traces = {x for s in panel.series for _, trace in s.traces for x, _ in trace}
    of_failed = {f.x for s in panel.series for f in s.failed}
    return of_traces | of_failed | {c.x for s in panel.series for c in s.centres}


def _places_axis(axes: Axes, panel: Panel, places: Sequence[float], log: bool) -> None:
    axes.set_xlabel(shorten(panel.x.label, 60), labelpad=5)
    if not places:
        axes.set_xticks([])
        return
    inner = [math.log10(x) for x in places] if log else list(places)
    room = (inner[-1] - inner[0]) * 0.07 or 0.3
    ends = (inner[0] - room, inner[-1] + room)
    axes.set_xlim(*(10**end for end in ends) if log else ends)
    place_of = dict(zip(inner, places, strict=True))
    width = LONG_TICK if max(len(short(place)) for place in places) > len("2,000") else TICK
    kept = [place_of[at] for at in apart(inner[::-1], *ends, width)]
    if panel.x.whole and not (log and 2 * len(kept) < len(places)):  # of many random values, most would have no tick
        axes.xaxis.set_major_locator(FixedLocator(kept))
    elif log and places[-1] > 5 * places[0]:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if places[-1] > 100 * places[0] else (1.0, 2.0, 5.0)))
    elif log:
        steps = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(places[0], places[-1])
        step_at = {math.log10(step): step for step in steps[::-1] if step > 0}
        axes.xaxis.set_major_locator(FixedLocator([step_at[at] for at in apart(list(step_at), *ends, LONG_TICK)]))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _mark_place(axes: Axes, name: str, x: float) -> None:
    """Draw a vertical line with a name at an x."""
    axes.axvline(x, zorder=2, gid="at", **REFERENCE_LINE)
    axes.annotate(
        name, (x, 0.02), (3, 0), xycoords=("data", "axes fraction"), textcoords="offset points", color=MUTED,
        fontsize=7.5, fontstyle="italic", va="bottom",
    )  # fmt: skip


def _draw_series(axes: Axes, panel: Panel, index: int, looks: Mapping[str, Look]) -> list[Mark]:
    """Means and intervals stand beside those of the other cells, a few points apart, and the seeds beside them."""
    series, gid = panel.series[index], f"series-{index}"
    look = look_of(series, looks)
    colour, markers = look.colour, panel.kind == "lines"
    shift = DODGE * (index - (len(panel.series) - 1) / 2) if markers and panel.x.whole else 0.0
    beside = shift - SEEDS_BESIDE
    at_mean, at_seeds = (
        offset_copy(axes.transData, axes.figure, points, units="points")  # type: ignore[arg-type]
        for points in (shift, beside)
    )
    for _, trace in series.traces:
        axes.plot(*zip(*trace, strict=True), color=colour, linewidth=0.8, alpha=0.35, zorder=3, gid=f"{gid}-trace")
    if series.points:
        axes.scatter(
            [p.x for p in series.points], [p.y for p in series.points], s=9, marker=look.marker, color=colour,
            alpha=0.38, linewidths=0, zorder=3, transform=at_seeds, gid=f"{gid}-seeds",
        )  # fmt: skip
    centres = sorted(series.centres, key=lambda c: c.x)
    bars = [(c.x, c.low, c.high) for c in centres if c.low is not None and c.high is not None]
    if bars and markers:
        x, low, high = zip(*bars, strict=True)
        axes.vlines(
            x, low, high, color=colour, linewidth=1.6, alpha=0.75, zorder=4, transform=at_mean, gid=f"{gid}-intervals"
        )
    axes.plot(
        [c.x for c in centres], [c.mean for c in centres], color=colour, linestyle=look.dash, linewidth=1.7,
        marker=look.marker if markers else "", markersize=5, markeredgecolor=PAPER, markeredgewidth=0.7,
        zorder=5, transform=at_mean, gid=f"{gid}-mean",
    )  # fmt: skip
    for chosen in (centre for centre in centres if centre.x == series.chosen):
        axes.plot(
            chosen.x, chosen.mean, marker="o", markersize=11, markerfacecolor="none", markeredgecolor=colour,
            markeredgewidth=1.3, linestyle="none", zorder=6, transform=at_mean, gid=f"{gid}-chosen",
        )  # fmt: skip
    if series.failed:  # crosses above the axes: a trial that left no value is seen, and is not mistaken for one
        above = offset_copy(axes.get_xaxis_transform(), axes.figure, shift, units="points")  # type: ignore[arg-type]
        axes.plot(
            [f.x for f in series.failed], [1.035] * len(series.failed), transform=above, marker="x", color=colour,
            markersize=4.5, markeredgewidth=1.4, linestyle="none", clip_on=False, zorder=6, gid=f"{gid}-failed",
        )  # fmt: skip
    unit = panel.x.unit or panel.x.title.lower()
    marks = [
        Mark(c.x, c.mean, index, mean_words(panel, series, c, f"{number(c.x)} {unit}"), True, shift) for c in centres
    ]
    ids = series.trace_trials or [""] * len(series.traces)
    ends = [(Point(*trace[-1], seed, id), 0.0) for (seed, trace), id in zip(series.traces, ids, strict=True) if trace]
    return marks + [
        Mark(p.x, p.y, index, seed_words(series, p, f"{number(p.x)} {unit}", panel.y), False, points, p.trial)
        for p, points in (*((point, beside) for point in series.points), *ends)
    ]


def _draw_references(axes: Axes, panel: Panel) -> None:
    """The reference lines inside the axes, thin."""
    low, high = axes.get_ylim()
    for index, reference in enumerate(one for one in panel.references if low <= one.level <= high):
        style: dict[str, Any] = {"gid": f"reference-{index}", "zorder": 2, **REFERENCE_LINE}
        if len({y for _, y in reference.values}) == 1 and not reference.stepped:
            axes.axhline(reference.level, **style)
        else:
            steps = "steps-post" if reference.stepped else "default"
            axes.plot(*zip(*reference.values, strict=True), drawstyle=steps, **style)


def _label_ends(axes: Axes, panel: Panel, looks: Mapping[str, Look]) -> None:
    """The names at the right ends of lines and reference lines, moved apart where they would overlap.

    A reference line beyond the axis is named at that end of the axis, with its value.
    """
    low, high = axes.get_ylim()
    ends = [
        (max(series.centres, key=lambda centre: centre.x).mean, index)
        for index, series in enumerate(panel.series)
        if series.centres and panel.named
    ]
    named: list[tuple[float, str, dict[str, Any]]] = [
        (level, panel.series[index].label, {"color": look_of(panel.series[index], looks).colour, "fontweight": "bold",
                                            "gid": f"series-{index}-label"})
        for level, index in ends
    ]  # fmt: skip
    for one in panel.references:
        value = "" if low <= one.level <= high else f" {number(one.level)} {'↑' if one.level > high else '↓'}"
        label = shorten(one.label, LONGEST_LABEL - len(value)) + value
        named.append((min(max(one.level, low), high), label, {"color": MUTED, "fontsize": 8, "fontstyle": "italic"}))
    heights = [float(axes.transAxes.inverted().transform(axes.transData.transform((1, y)))[1]) for y, _, _ in named]
    ordered = sorted(zip((min(max(at, 0.0), 1.0) for at in heights), named, strict=True), key=lambda item: item[0])
    height = axes.get_position().height * axes.figure.get_size_inches()[1]  # type: ignore[union-attr]
    for at, (_, (_, label, look)) in zip(spread([at for at, _ in ordered], LINE / height), ordered, strict=True):
        axes.annotate(
            shorten(label, LONGEST_LABEL), (1, at), (6, 0), xycoords="axes fraction", textcoords="offset points",
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
