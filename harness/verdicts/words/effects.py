"""Numbers and effects as text: the same figure in sentences, tables, reports and the terminal.

A ratio counts from the worse of the two cells, so that an advantage of either cell has the same figure: 18 %, and from
a ratio of two on 8.6 times. The sign says whose advantage it is.
"""

from __future__ import annotations

import math

from harness.verdicts.verdict import Verdict
from harness.words import MINUS, NO_VALUE, number


def effect(value: float | None, unit: str, scale: str = "", kind: str = "") -> str:
    """A verdict's effect with its sign: '+0.12 nats', '−18 %', '+8.6 times'; a dash where there is none.

    scale: an `advantages.Kind`; kind: the claim's. What was counted or computed, as for exact claims, has no sign, and
    neither has a figure whose unit states the direction, as '% fewer parameters'.
    """
    if value is None or math.isnan(value):
        return NO_VALUE
    for word, opposite in (("fewer", "more"), ("more", "fewer")):
        if word in unit.split():
            turned = " ".join(opposite if part == word else part for part in unit.split())
            return size(value, turned if value < 0 else unit)
    text = size(value, unit, scale)
    if text.split()[0] == "0":
        return text
    return (MINUS if value < 0 else "+" if kind != "exact" else "") + text


def size(value: float, unit: str, scale: str = "") -> str:
    """The size of an effect, where words state its direction: '0.12 nats', '18 %', '8.6 times'."""
    text, unit = _figure(value, unit, scale)
    return f"{text.removeprefix(MINUS)} {unit}".strip()


def interval(low: float | None, high: float | None, unit: str, scale: str = "", beside: float | None = None) -> str:
    """An effect's interval: '[15, 21]'; empty where there is none.

    beside: the effect whose unit the bounds share. Where they do not, each has its own: '[38 %, 2.4 times]'.
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    bounds = [_figure(value, unit, scale) for value in (low, high)]
    units = {unit for _, unit in (*bounds, *([] if beside is None else [_figure(beside, unit, scale)])) if unit}
    if len(units) > 1:
        return f"[{', '.join(f'{text} {unit}'.strip() for text, unit in bounds)}]"
    return f"[{', '.join(text for text, _ in bounds)}]"


def effect_in_words(verdict: Verdict) -> str:
    """The effect with its interval, on one line: '−0.12 bits [−0.2, −0.04]', '+18 % [15, 21]'."""
    text = effect(verdict.effect, verdict.unit, verdict.scale, verdict.kind)
    return f"{text} {interval_of(verdict)}".strip()


def interval_of(verdict: Verdict) -> str:
    """The 95 % interval of a verdict's effect, as it stands beside the effect."""
    return interval(verdict.ci_low, verdict.ci_high, verdict.unit, verdict.scale, verdict.effect)


def log_ratio(percent: float) -> float:
    """The logarithm of a ratio that is more by this many percent: -inf for -100 %, where there is none."""
    return math.log1p(percent / 100) if percent > -100 else -math.inf


def _figure(value: float, unit: str, scale: str) -> tuple[str, str]:
    """The number with a minus where it is negative, and its unit, which infinite ones do not have."""
    if scale == "log ratio" and -100 < value < math.inf:
        larger = 1 + value / 100 if value >= 0 else 1 / (1 + value / 100)
        if round(larger, 3) >= 2:
            return number(math.copysign(larger, value), 2), "times"
        value = round(math.copysign(100 * (larger - 1), value), 9)  # beyond, a ratio's percentage is rounding noise
    elif scale == "log ratio" and value <= -100:
        value = -math.inf
    return number(value), unit if math.isfinite(value) else ""
