"""Interim analyses: tests of a claim while seeds are added, when they were made and what each of them found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InterimAnalyses:
    """When a claim was analysed, with the most seeds that were to be run, fixed before the first analysis."""

    through: tuple[int, ...]
    """The last seed in each analysis, ascending."""
    most: int


@dataclass(frozen=True)
class InterimAnalysis:
    """What the first n seeds say. The interval is the repeated one: those of all analyses hold together at 95 %."""

    n: int
    effect: float
    low: float
    high: float
    p_value: float
    """Of this analysis by itself."""
    p_sequential: float
    """Of all analyses so far; to be corrected across claims like any p-value."""
