"""Numbers and conditions in words: how every value of the report is written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.report.figures.plot import Axis, Centre, Panel, Plot, Series
from harness.verdicts.words.effects import effect, interval
from harness.words import MINUS, NO_VALUE, number


def value_words(value: float, axis: Axis) -> str:
    """A drawn value as it is written: with its unit; an advantage as an effect."""
    if axis.advantage:
        return effect(shown(value, axis), axis.unit, axis.advantage).replace(" ", "\u00a0")
    return with_unit(value, axis.unit)


def shown(value: float, axis: Axis) -> float:
    """The value that is written for a drawn one: of a log ratio, in percent."""
    return 100 * math.expm1(value) if axis.advantage == "log ratio" else value


def with_unit(value: float | None, unit: str) -> str:
    """A number and its unit, kept on one line."""
    text = number(value)
    return f"{text}\u00a0{unit}" if unit and text != NO_VALUE else text


def short(value: float) -> str:
    """A number at an axis: 500, 2,000, 20k, 1.5M."""
    if 0 < abs(value) < 1e-4:
        return number(value, 1).replace("1 × ", "")
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            divided = value / (1000 if letter == "k" else limit)
            return f"{divided:.6g}".replace("-", MINUS) + letter
    return (f"{value:,.0f}" if float(value).is_integer() else f"{value:.6g}").replace("-", MINUS)


def centre_in_words(centre: Centre, axis: Axis) -> str:
    """'2.13 nats [2.05, 2.21], n = 5'; what was counted, not measured, has no n."""
    mean = value_words(centre.mean, axis)
    if not centre.n:
        return mean
    low, high, middle = (
        None if value is None else shown(value, axis) for value in (centre.low, centre.high, centre.mean)
    )
    bounds = interval(low, high, axis.unit, axis.advantage, middle)
    return f"{mean}{' ' + bounds if bounds else ''}, n\u00a0=\u00a0{centre.n}"


def at_x(panel: Panel, x: float) -> str:
    """'at 1,000 characters', 'at length 64'."""
    return f"{number(x)} {panel.x.unit}" if panel.x.unit else f"{panel.x.title.lower()} {number(x)}"


def finding(panel: Panel) -> str:
    """What a panel shows, in a sentence or two with numbers: the text alternative of the drawing."""
    here = [series for series in panel.series if series.centres]
    if panel.says:
        return f"{panel.says} {_failures(panel)}".strip()
    if not here:
        return _failures(panel) or "No values yet."
    numeric = panel.kind in ("lines", "curves")
    common = set.intersection(*({centre.x for centre in series.centres} for series in here)) if numeric else set()
    if common:
        last = max(common)
        ends = [(s, c) for s in here for c in s.centres if c.x == last]
        values = "; ".join(f"{s.label} {centre_in_words(c, panel.y)}" for s, c in ends)
        text = f"At {at_x(panel, last)}: {values}."
    else:
        ends = [(s, s.centres[-1]) for s in here]
        where = {s.label: f" at {at_x(panel, c.x)}:" if numeric else "" for s, c in ends}
        text = "; ".join(f"{s.label}{where[s.label]} {centre_in_words(c, panel.y)}" for s, c in ends) + "."
    if panel.better and len(ends) > 1:
        best = (min if panel.better == "lower" else max)(ends, key=lambda end: end[1].mean)
        level = [s.label for s, c in ends if c.mean == best[1].mean]
        word = "Lowest" if panel.better == "lower" else "Highest"
        text += f" {word}: {', '.join(level)}." if len(level) < len(ends) else " All are level."
    return " ".join(filter(None, (text, not_beaten(panel, ends), _failures(panel))))


def not_beaten(panel: Panel, ends: Sequence[tuple[Series, Centre]]) -> str:
    """'Not better than the baseline trigram: Simple RNN, GRU.'"""
    sentences = []
    for reference in panel.references:
        if reference.to_beat and panel.better:
            sign = 1 if panel.better == "lower" else -1
            failing = [s.label for s, c in ends if sign * c.mean >= sign * reference.at(c.x)]
            if failing:
                sentences.append(f"Not better than the baseline {reference.label!r}: {', '.join(failing)}.")
    return " ".join(sentences)


def _failures(panel: Panel) -> str:
    """'Without a value: Simple RNN 2 diverged at 64, 2 diverged at 128.'"""
    phrases = []
    for series in panel.series:
        places = [f"{f.why} at {short(f.x)}" if panel.kind == "lines" else f.why for f in series.failed]
        if places:
            phrases.append(f"{series.label} " + ", ".join(places[:4]) + (", …" if len(places) > 4 else ""))
    return f"Without a value: {'; '.join(phrases)}." if phrases else ""


def table(plot: Plot) -> tuple[tuple[str, ...], Sequence[tuple[str, ...]]]:
    """Header and rows of the values behind a figure's means."""
    if plot.values is not None:
        return plot.values
    numeric = [panel for panel in plot.panels if panel.kind in ("lines", "curves")]
    axes = {panel.x.label for panel in numeric}
    units = {panel.y.unit for panel in plot.panels}
    averages = {panel.average.capitalize() for panel in plot.panels} or {"Mean"}
    several, mixed = len(plot.panels) > 1, len(axes) > 1
    average = averages.pop() if len(averages) == 1 else "Average"
    header = (
        *(("Panel",) if several else ()),
        *(("At" if mixed else axes.pop(),) if numeric else ()),
        "Cell",
        f"{average} ({unit})" if len(units) == 1 and (unit := units.pop()) else average,
        "95 % interval",
        "Seeds",
        "Failed",
        "Each seed",
    )
    rows = []
    for panel in plot.panels:
        unit_of_x = panel.x.unit if mixed else ""
        for series in panel.series:
            for place in sorted({*(c.x for c in series.centres), *(f.x for f in series.failed)}):
                rows.append(
                    (
                        *((panel.title,) if several else ()),
                        *((with_unit(place, unit_of_x) if panel in numeric else "",) if numeric else ()),
                        *_row(panel, series, place),
                    )
                )
    return header, rows


def _row(panel: Panel, series: Series, place: float) -> tuple[str, ...]:
    centre = next((c for c in series.centres if c.x == place), None)
    failure = next((f for f in series.failed if f.x == place), None)
    seeds = [point for point in series.points if point.x == place]
    shown = sorted(seeds, key=lambda point: (point.seed is None, point.seed))[:10]
    among = failure.count if failure and panel.average == "median" else 0  # a median is of the failures too
    measured = max(len(seeds), centre.n - among if centre else 0)
    each = ", ".join(number(point.y) for point in shown) + (", …" if measured > len(shown) > 0 else "")
    return (
        series.label,
        number(centre.mean) if centre else NO_VALUE,
        interval(centre.low, centre.high, "") if centre else "",
        str(centre.n or "") if centre else "0",
        failure.why if failure else "",
        each,
    )
