"""What every kind of panel shares: colours and settings, the axis of the values, and the words of a value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from harness.report.figures.looks import Look
from harness.report.figures.plot import Axis, Centre, Panel, Point, Scale, Series
from harness.report.figures.wording import centre_in_words, short, shown, value_words
from harness.verdicts.words.effects import effect
from harness.words import shorten

INK = "#1c2126"
MUTED = "#59626b"
GRID = "#e4e5e1"
PAPER = "#ffffff"

FONT_SIZE = 8.8
"""Default font size of figures, in points."""
ROLES = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--grid)", PAPER: "var(--card)"}
"""Colours of the figures that the page replaces by its own, so that they follow dark mode."""
REFERENCE_LINE: dict[str, Any] = {"color": MUTED, "linewidth": 0.9, "linestyle": (0, (2, 2))}
"""A thin dashed line."""
LABEL = 0.28
"""The width of a ratio's label, such as '+10 times', as a share of the narrowest axis: that of a verdict's strip."""
NEUTRAL = Look(-1, "", INK, INK, "o", "solid")
"""The look of series that belong to no cell."""


@dataclass(frozen=True)
class Mark:
    """A drawn value and its words, in data coordinates of its panel."""

    x: float
    y: float
    series: int
    """Its place among the panel's series."""
    text: str
    main: bool
    """A mean; False for a single seed."""
    shift: float = 0.0
    """Points to the right of x at which it is drawn."""
    trial: str = ""
    """The trials of the value, as in `Point`."""


def style(salt: str) -> dict[str, Any]:
    """Settings for `matplotlib.rc_context`: text stays text in SVG, and ids depend on `salt` alone."""
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.parse_math": False,
        "font.family": ["DejaVu Sans"],
        "font.size": FONT_SIZE,
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.6,
        "axes.labelcolor": MUTED,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlecolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.facecolor": "none",
        "figure.facecolor": PAPER,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0,
        "xtick.major.size": 3,
        "text.color": INK,
        "path.simplify": False,
        "savefig.dpi": 200,
    }


def look_of(series: Series, looks: Mapping[str, Look]) -> Look:
    """The look of the series' cell."""
    return looks.get(series.cell, NEUTRAL)


def value_limits(panel: Panel, scale: Scale) -> tuple[float, float]:
    """Limits of the value axis: all values with a margin, and the reference lines near them.

    A logarithmic axis shows what is above zero.
    """
    values = [value for value in (*panel.values(), *panel.reach) if scale == "linear" or value > 0]
    if panel.margin:
        values += [0.0, *panel.margin]
    if not values:
        return (1.0, 10.0) if scale == "log" else (0.0, 1.0)
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
        return (min(0.0, max(low, -3.0)), 104.0) if low < 40 else (low, min(high, 102.0))
    return (max(low, panel.y.low) if panel.y.low is not None else low), high


def values_axis(axes: Axes, panel: Panel, scale: Scale, which: Literal["x", "y"]) -> None:
    """Set scale, limits, ticks and grid of the value axis. Some quantities are always logarithmic."""
    scale = "log" if panel.y.scale == "log" else scale
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
    if panel.y.advantage == "log ratio":
        axis.set_major_locator(FixedLocator(apart(ratio_ticks(low, high), low, high)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: effect(shown(value, panel.y), "%", "log ratio")))
    else:
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(round(value, 12))))
    axis.grid(True, color=GRID, linewidth=0.7)


def ratio_ticks(low: float, high: float) -> list[float]:
    """Round ratios, as logarithms, for an axis from low to high: 0, the largest that fits, and about half of it.

    The first ones matter most.
    """
    percents = [digit * 10.0**power for power in range(-6, 12) for digit in (1, 1.5, 2, 3, 5, 7.5)]
    round_ones = [math.log1p(value / 100) for value in percents if value < 100]
    round_ones += [math.log(value / 100) for value in percents if value >= 200]
    reach = 0.95 * max(abs(low), abs(high))
    largest = max((value for value in round_ones if value <= reach), default=reach)
    half = min(round_ones, key=lambda value: abs(value - largest / 2))
    return [0.0, largest, -largest, half, -half]


def apart(ticks: Sequence[float], low: float, high: float, label: float = LABEL) -> list[float]:
    """The ticks on the axis whose labels do not overlap; of two that would overlap, the first."""
    kept: list[float] = []
    for tick in ticks:
        if low <= tick <= high and all(abs(tick - other) >= label * (high - low) for other in kept):
            kept.append(tick)
    return sorted(kept)


def mean_words(panel: Panel, series: Series, centre: Centre, at: str) -> str:
    """The text that is shown when a reader points at a mean."""
    where = ", ".join(part for part in (shorten(series.label, 40), at) if part)
    mean_text = f"{panel.average} {centre_in_words(centre, panel.y)}"
    return f"{where}: {mean_text}" if where else mean_text


def seed_words(series: Series, point: Point, at: str, axis: Axis) -> str:
    """The text that is shown when a reader points at a trial."""
    seed = "" if point.seed is None else f"seed {point.seed}"
    where = ", ".join(part for part in (shorten(series.label, 40), at, seed) if part)
    return f"{where}: {value_words(point.y, axis)}"
