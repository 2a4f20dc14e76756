"""Interim analyses: tests of a claim while seeds are added, with their dates and results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InterimAnalyses:
    """The analyses of a claim, and the maximum number of seeds, which was fixed before the first analysis."""

    through: tuple[int, ...]
    """The last seed in each analysis, ascending."""
    most: int


@dataclass(frozen=True)
class InterimAnalysis:
    """The analysis of the first n seeds. Its repeated confidence interval holds at 95 % over all analyses together."""

    n: int
    effect: float
    low: float
    high: float
    p_value: float
    """The p-value of this analysis alone."""
    p_sequential: float
    """The p-value over all analyses so far, before the correction over claims."""
