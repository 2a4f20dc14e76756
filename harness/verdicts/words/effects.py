"""Effects as text, written alike in sentences, tables, reports and the terminal.

Ratios are larger over smaller, so that equal advantages of either cell have the same figure: below a ratio of two a
percentage ('18 %'), from two on a multiple ('8.6 times'). The sign states which cell has the advantage.
"""

from __future__ import annotations

import math

from harness.verdicts.verdict import Verdict
from harness.words import MINUS, NO_VALUE, number


def effect(value: float | None, unit: str, scale: str = "", kind: str = "") -> str:
    """A verdict's effect with its sign: '+0.12 nats', '−18 %', '+8.6 times'; a dash if there is no effect.

    scale: an `advantages.Kind`; kind: the kind of the claim. Positive effects of exact claims have no sign, nor has an
    effect whose unit states the direction, such as '% fewer parameters'.
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
    """An effect without its sign, for sentences that state the direction: '0.12 nats', '18 %', '8.6 times'."""
    text, unit = _figure(value, unit, scale)
    return f"{text.removeprefix(MINUS)} {unit}".strip()


def interval(low: float | None, high: float | None, unit: str, scale: str = "", beside: float | None = None) -> str:
    """The interval of an effect: '[15, 21]'; empty if there is none.

    beside: the effect that the interval follows. If the units differ, each bound has its own: '[38 %, 2.4 times]'.
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
    """The 95 % interval of a verdict's effect, as it is written after the effect."""
    return interval(verdict.ci_low, verdict.ci_high, verdict.unit, verdict.scale, verdict.effect)


def log_ratio(percent: float) -> float:
    """The logarithm of the ratio with this percent change: log(1.25) for 25; -inf for -100 or less."""
    return math.log1p(percent / 100) if percent > -100 else -math.inf


def _figure(value: float, unit: str, scale: str) -> tuple[str, str]:
    """The number, with a minus sign if negative, and its unit; infinite numbers have no unit."""
    if scale == "log ratio" and -100 < value < math.inf:
        larger = 1 + value / 100 if value >= 0 else 1 / (1 + value / 100)
        if round(larger, 3) >= 2:
            return number(math.copysign(larger, value), 2), "times"
        value = round(math.copysign(100 * (larger - 1), value), 9)  # further digits are rounding errors
    elif scale == "log ratio" and value <= -100:
        value = -math.inf
    return number(value), unit if math.isfinite(value) else ""
