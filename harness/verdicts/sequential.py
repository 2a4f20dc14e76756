"""Interim analyses: repeated tests while seeds are added, with a controlled type I error.

Group-sequential testing by alpha spending (Lan and DeMets 1983, Biometrika 70:659) with a spending function of Pocock's
type, alpha ln(1 + (e - 1) t), where t is the share of the maximum number of seeds. The number of analyses and their
seed counts need not be planned; only the maximum, `most`, is fixed beforehand. Boundaries are applied to p-values,
which extends them from normal statistics to t-tests and permutation tests (Jennison and Turnbull 2000, Group Sequential
Methods, significance level approach). Repeated intervals (the same, chapter 9) cover at all analyses simultaneously.
The sequential p-value is the smallest alpha at which an analysis so far would have stopped; it can be corrected over
claims like any p-value (Maurer and Bretz 2013, Statistics in Biopharmaceutical Research 5:311).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import special

from harness.store.interim import InterimAnalysis
from harness.verdicts.arrays import Floats
from harness.verdicts.stats import ALPHA, Estimate, Levels

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_ALPHAS = np.concatenate([np.geomspace(1e-8, 0.2, 72), np.linspace(0.22, 0.98, 20)])


def spent(share: float, alpha: float = ALPHA) -> float:
    """The part of alpha that may be spent at this share of the maximum number of seeds."""
    return float(alpha * np.log1p((np.e - 1) * min(share, 1.0)))


@lru_cache(maxsize=8192)
def nominal_levels(counts: tuple[int, ...], most: int, alpha: float = ALPHA) -> tuple[float, ...]:
    """The two-sided level of each interim analysis, so that the overall type I error is at most alpha.

    counts: numbers of seeds, ascending. most: the maximum number of seeds, at which all of alpha is spent; an analysis
    beyond it has level 0. Levels are boundaries of a Brownian motion, computed by recursive integration (Armitage,
    McPherson and Rowe 1969).
    """
    levels: list[float] = []
    position, density = np.zeros(1), np.ones(1)  # positions of motions that have not stopped, and their density
    before, spent_before = 0.0, 0.0
    for n in counts:
        share = n / most
        if share > 1:
            levels.append(0.0)
            continue
        step, allowed = np.sqrt(share - before), spent(share, alpha) - spent_before
        z = _boundary(position, density, step, np.sqrt(share), allowed)
        levels.append(float(2 * special.ndtr(-z)))
        edge = z * np.sqrt(share)
        nodes = _NODES * edge
        transition = np.exp(-(((nodes[:, None] - position[None, :]) / step) ** 2) / 2) / (step * np.sqrt(2 * np.pi))
        position, density = nodes, (transition @ density) * _WEIGHTS * edge
        before, spent_before = share, spent(share, alpha)
    return tuple(levels)


def _boundary(position: Floats, density: Floats, step: float, edge: float, allowed: float) -> float:
    """The z for which the motion, after another `step`, leaves -z edge ... z edge with probability `allowed`."""
    from scipy import optimize  # imported here because it is slow, and few claims have interim analyses

    def excess(z: float) -> float:
        above = special.ndtr((position - z * edge) / step) + special.ndtr((-z * edge - position) / step)
        return float(density @ above) - allowed

    return float(optimize.brentq(excess, 0.0, 12.0, xtol=1e-10))


def sequential_p(p_values: Sequence[float], counts: Sequence[int], most: int) -> float:
    """The smallest alpha at which one of the interim analyses would have stopped; 1 without analyses.

    p_values: the unadjusted two-sided p-value of each analysis, from all data up to it
    """
    smallest = 1.0
    for index, p in enumerate(p_values):
        levels = _level_by_alpha(tuple(counts[: index + 1]), most)
        if levels[-1] > 0 and p < levels[-1]:
            # Levels grow with alpha. Below the grid, its smallest alpha is used, which is conservative.
            smallest = min(smallest, float(np.interp(p, levels, _ALPHAS)))
    return smallest


@lru_cache(maxsize=512)
def _level_by_alpha(counts: tuple[int, ...], most: int) -> Floats:
    """The level of the last analysis at each alpha of the grid."""
    return np.array([nominal_levels(counts, most, float(alpha))[-1] for alpha in _ALPHAS])


def with_interim_analyses(
    estimate_at: Callable[[int, Levels], Estimate], counts: Sequence[int], most: int, comparisons: int = 1
) -> tuple[Estimate, tuple[InterimAnalysis, ...]]:
    """The estimate after interim analyses of the first n seeds, for each n of `counts`, and each analysis's result.

    estimate_at: estimates from the first n seeds at given levels
    counts:      ascending, at least one, up to `most`
    comparisons: the error rate of equivalence tests is divided by this number

    The estimate is that of the last analysis, with the repeated interval and the sequential p-value. It is equivalent
    if any analysis was: each one-sided equivalence test spends 5 % over all analyses, as the test of a difference does.
    """
    at = tuple(counts)
    levels, one_sided = nominal_levels(at, most), nominal_levels(at, most, 2 * ALPHA / comparisons)
    analyses: list[InterimAnalysis] = []
    equivalent = False
    for n, level, of_each_side in zip(counts, levels, one_sided, strict=True):
        alone = estimate_at(n, Levels(1 - level, of_each_side / 2, ALPHA / comparisons))
        equivalent = equivalent or alone.equivalent
        p_values = [analysis.p_value for analysis in analyses] + [alone.p_value]
        p = sequential_p(p_values, counts[: len(p_values)], most)
        analyses.append(InterimAnalysis(n, alone.effect, alone.low, alone.high, alone.p_value, p))
    return replace(alone, p_value=p, equivalent=equivalent), tuple(analyses)
