"""The effect of a verdict and its interval on a scale that all claims share: multiples of the equivalence margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.report.figures.differences import margin
from harness.verdicts.verdict import Verdict
from harness.verdicts.words.effects import log_ratio

FURTHEST = 30.0
"""Multiples of the margin at the ends of the axis."""
TICKS = (-10, -1, 0, 1, 10)


@dataclass(frozen=True)
class Interval:
    """Positions in percent of the axis; its ends stand for everything beyond."""

    effect: float
    low: float
    high: float


def position(multiple: float) -> float:
    """Where a multiple of the margin stands: linear near zero, logarithmic far from it (inverse hyperbolic sine)."""
    bounded = max(-FURTHEST, min(FURTHEST, multiple))
    return round(50 + 47 * math.asinh(bounded) / math.asinh(FURTHEST), 1)  # 3 % on both sides for the marks


def forest(verdict: Verdict) -> Interval | None:
    """The row of a verdict; None if it has no effect or no margin."""
    bounds = margin(verdict)
    if verdict.effect is None or math.isnan(verdict.effect) or bounds is None:
        return None

    def at(value: float | None, missing: float) -> float:
        known = missing if value is None or math.isnan(value) else value
        drawn = log_ratio(known) if verdict.scale == "log ratio" and math.isfinite(known) else known
        return position(drawn / bounds[1])

    effect = at(verdict.effect, 0.0)
    low, high = at(verdict.ci_low, verdict.effect), at(verdict.ci_high, verdict.effect)
    return Interval(effect, low, high)
