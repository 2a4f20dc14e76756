"""The strip of a verdict: each seed's advantage, the effect with its interval, and the margin around zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.report.figures.looks import Look, title_of
from harness.report.figures.plot import Axis, Centre, Failed, Panel, Point, Series
from harness.verdicts.words.conditions import condition_names
from harness.verdicts.words.effects import log_ratio
from harness.words import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.verdicts.verdict import Verdict

MOST_ROWS = 8
"""Rows of one strip: all conditions together, then each one separately."""


def strip(verdict: Verdict, looks: Mapping[str, Look], seeds: Mapping[str, int] | None = None) -> Panel | None:
    """The paired differences of a verdict as a panel of rows; None where it has none, or no interval to show.

    seeds: the seeds of the trials by id, so that a difference can name its two trials
    """
    parts = verdict.by_condition
    rows = [("all" if parts else "", verdict), *zip(condition_names(parts), parts, strict=True)]
    series = tuple(_row(name, row, seeds or {}) for name, row in rows[:MOST_ROWS] if row.n or row.pairs)
    if not any(one.centres or one.points or one.failed for one in series):
        return None
    than, better = (title_of(looks, name, 16) for name in (verdict.than, verdict.better))
    unit = "ratio" if verdict.scale == "log ratio" else verdict.unit or "difference"
    if verdict.kind == "crossing":
        than, better = "no crossing", "crossing"
    elif than and better:
        than, better = f"{than} better", f"{better} better"
    written = f"← {than} · {unit} · {better} →" if than and better else ""
    return Panel(
        "",
        Axis("Condition"),
        Axis("Advantage", verdict.unit, written=written, advantage=verdict.scale or "difference"),
        series,
        kind="rows",
        margin=margin(verdict),
    )


def margin(verdict: Verdict) -> tuple[float, float] | None:
    """The bounds of the equivalence margin, as drawn."""
    if verdict.margin is None:
        return None
    bound = _drawn(verdict.margin, verdict)
    return -bound, bound


def _drawn(advantage: float, verdict: Verdict) -> float:
    """The position on the axis of an advantage that a verdict states."""
    return log_ratio(advantage) if verdict.scale == "log ratio" else advantage


def crosses(panel: Panel, verdict: Verdict) -> str:
    """The meaning of the crosses of the strip; '' if it has none."""
    if not any(series.failed for series in panel.series):
        return ""
    return f"✗ n: number of pairs in which {_lost(verdict)}."


def _lost(verdict: Verdict) -> str:
    if verdict.kind == "data-to-target":
        return "one cell reached the target at no size"
    return f"one trial {'missed the target' if verdict.kind == 'time-to-target' else 'failed'}"


def left_out(verdict: Verdict) -> str:
    """What the strip leaves out, in words."""
    hidden = len(verdict.by_condition) + 1 - MOST_ROWS
    return f"{plural(hidden, 'further condition')} in the table." if hidden > 0 else ""


def _row(name: str, verdict: Verdict, seeds: Mapping[str, int]) -> Series:
    pairs = verdict.pairs
    trials: dict[int, list[str]] = {}
    for id in verdict.trials:
        if id in seeds:
            trials.setdefault(seeds[id], []).append(id)
    drawn = [(_drawn(pair.advantage, verdict), pair.seed) for pair in pairs]
    points = tuple(
        Point(0.0, value, seed, " ".join(trials.get(seed, ()))) for value, seed in drawn if math.isfinite(value)
    )
    lost = len(pairs) - len(points)
    why = f"{plural(lost, 'pair')} in which {_lost(verdict)}"
    failed = (Failed(0.0, lost, why),) if lost else ()
    effect = verdict.effect
    centres = () if effect is None or not math.isfinite(effect) else (_centre(verdict, effect),)
    return Series("", name, points, centres, failed)


def _centre(verdict: Verdict, effect: float) -> Centre:
    bounds = [_drawn(bound, verdict) for bound in (verdict.ci_low, verdict.ci_high) if bound is not None]
    low, high = bounds if len(bounds) == 2 and all(map(math.isfinite, bounds)) else (None, None)
    return Centre(0.0, _drawn(effect, verdict), low, high, verdict.n)
