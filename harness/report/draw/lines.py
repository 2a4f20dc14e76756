"""Panels of lines: values against a numeric axis, one line a cell, with every seed and interval; learning curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from harness.report.draw.axes import MUTED, PAPER, Mark, look_of, mean_words, seed_words, values_axis
from harness.report.figures.looks import Look
from harness.report.figures.plot import Failed, Panel, Point, Reference, Scale, Series
from harness.report.figures.wording import short, with_unit
from harness.words import number, shorten

LINE = 0.155
"""Inches from one label at the right to the next."""


def draw_lines(axes: Axes, panel: Panel, looks: Mapping[str, Look], scale: Scale) -> list[Mark]:
    """The panel on the axes; gives what can be pointed at."""
    scale = "log" if panel.y.scale == "log" else scale
    values_axis(axes, panel, scale, "y")
    places = sorted(_places(panel))
    log = panel.x.scale == "log" and min(places, default=1) > 0
    if log:
        axes.set_xscale("log")
    _places_axis(axes, panel, places, log)
    if panel.at is not None:
        _mark_place(axes, *panel.at)
    marks: list[Mark] = []
    count = len(panel.series)
    for index, series in enumerate(panel.series):
        look = look_of(series, looks)
        steps = 1.6 * (index - (count - 1) / 2) if panel.kind == "lines" and panel.x.whole else 0.0
        drawn = _draw_series(
            axes, panel, series, look, index, (_dodge(axes, steps, log), _dodge(axes, steps - 0.6, log))
        )
        marks += [replace(mark, series=index) for mark in drawn]
    _label_ends(axes, panel, looks, _draw_references(axes, panel), scale)
    return marks


def _places(panel: Panel) -> set[float]:
    """Every x at which something stands."""
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
    ends = [inner[0] - room, inner[-1] + room]
    axes.set_xlim(*(10**end for end in ends) if log else ends)
    if panel.x.whole:
        kept: list[float] = []
        for place, at in sorted(zip(places, inner, strict=True), reverse=True):
            if not kept or (math.log10(kept[-1]) if log else kept[-1]) - at > (ends[1] - ends[0]) * 0.085:
                kept.append(place)
        axes.xaxis.set_major_locator(FixedLocator(kept))
    elif log and places[-1] > 5 * places[0]:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _mark_place(axes: Axes, name: str, x: float) -> None:
    """A vertical line at an x that means something."""
    axes.axvline(x, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=2, gid="at")
    axes.annotate(
        name, (x, 0.02), (3, 0), xycoords=("data", "axes fraction"), textcoords="offset points", color=MUTED,
        fontsize=7.5, fontstyle="italic", va="bottom",
    )  # fmt: skip


def _dodge(axes: Axes, steps: float, log: bool) -> Callable[[float], float]:
    """Moves x sideways by a few points, so that the cells' intervals stand beside each other."""
    low, high = axes.get_xlim()
    if log:
        ratio = (high / low) ** (0.012 * steps)
        return lambda x: x * ratio
    shift = (high - low) * 0.012 * steps
    return lambda x: x + shift


def _draw_series(
    axes: Axes,
    panel: Panel,
    series: Series,
    look: Look,
    index: int,
    dodges: tuple[Callable[[float], float], Callable[[float], float]],
) -> list[Mark]:
    """`dodges` move means and intervals, and the seeds beside them."""
    dodge, beside = dodges
    gid = f"series-{look.index}-{index}"
    colour = look.colour
    for place, (_, trace) in enumerate(series.traces):
        axes.plot(
            [x for x, _ in trace], [y for _, y in trace], color=colour, linewidth=0.8, alpha=0.35, zorder=3,
            gid=f"{gid}-trace-{place}",
        )  # fmt: skip
    if series.points:
        axes.scatter(
            [beside(p.x) for p in series.points], [p.y for p in series.points], s=9, marker=look.marker, color=colour,
            alpha=0.38, linewidths=0, zorder=3, gid=f"{gid}-seeds",
        )  # fmt: skip
    centres = sorted(series.centres, key=lambda c: c.x)
    bars = [(dodge(c.x), c.low, c.high) for c in centres if c.low is not None and c.high is not None]
    if bars and panel.kind == "lines":
        x, low, high = zip(*bars, strict=True)
        axes.vlines(x, low, high, color=colour, linewidth=1.6, alpha=0.75, zorder=4, gid=f"{gid}-intervals")
    axes.plot(
        [dodge(c.x) for c in centres], [c.mean for c in centres], color=colour, linestyle=look.dash, linewidth=1.7,
        marker=look.marker if panel.kind == "lines" else "", markersize=5, markeredgecolor=PAPER, markeredgewidth=0.7,
        zorder=5, label=series.label, gid=f"{gid}-mean",
    )  # fmt: skip
    for centre in centres:
        if centre.x == series.chosen:
            axes.plot(
                [dodge(centre.x)], [centre.mean], marker="o", markersize=11, markerfacecolor="none",
                markeredgecolor=colour, markeredgewidth=1.3, linestyle="none", zorder=6, gid=f"{gid}-chosen",
            )  # fmt: skip
    for failed in series.failed:
        _draw_failed(axes, dodge(failed.x), failed, look, gid)
    at = panel.x.unit or panel.x.title.lower()
    marks = [
        Mark(dodge(c.x), c.mean, series.cell, mean_words(panel, series, c, f"{number(c.x)} {at}"), True)
        for c in centres
    ]
    marks += [
        Mark(beside(p.x), p.y, series.cell, seed_words(series, p, f"{number(p.x)} {at}", panel.y), False)
        for p in series.points
    ]
    ends = [Point(*trace[-1], seed) for seed, trace in series.traces if trace]
    marks += [Mark(p.x, p.y, series.cell, seed_words(series, p, f"{number(p.x)} {at}", panel.y), False) for p in ends]
    return marks


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
        if reference.stepped:
            axes.step([x for x, _ in reference.values], levels, where="post", gid=f"reference-{index}", **style)
        elif len(set(levels)) == 1:
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
            shorten("beyond: " + ", ".join(outside), 44), (1, 1), (62, 11), xycoords="axes fraction", ha="right",
            textcoords="offset points", color=MUTED, fontsize=7.5, fontstyle="italic", annotation_clip=False,
            gid="beyond",
        )  # fmt: skip
    return inside


def _label_ends(axes: Axes, panel: Panel, looks: Mapping[str, Look], inside: Sequence[Reference], scale: Scale) -> None:
    """The name of each line and yardstick at its right end, moved apart where they would overlap."""
    low, high = axes.get_ylim()

    def place(y: float) -> float:
        if scale == "log":
            share = math.log(y / low) / math.log(high / low) if y > 0 else 0.0
        else:
            share = (y - low) / (high - low)
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
            series_look = look_of(labelled, looks)
            look = {"color": series_look.colour, "fontweight": "bold", "gid": f"series-{series_look.index}-label"}
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
