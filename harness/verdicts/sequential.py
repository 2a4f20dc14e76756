"""Testing repeatedly while seeds are added, with an error rate that stays where it was promised.

Group-sequential testing by alpha spending (Lan and DeMets 1983, Biometrika 70:659) with a spending function of Pocock's
type, alpha ln(1 + (e - 1) t), where t is the share of the most seeds that one is willing to run. Analyses may come at
any seed counts, in any number, and be decided on as one goes; only `most` is fixed beforehand. Boundaries are applied
on the scale of p-values, which carries them over from normal statistics to t and permutation tests (Jennison and
Turnbull 2000, Group Sequential Methods, significance level approach). Repeated intervals (the same, chapter 9) hold at
all analyses together. A sequential p-value, the smallest alpha at which some analysis so far would have stopped, can be
corrected over claims as any other p-value can (Maurer and Bretz 2013, Statistics in Biopharmaceutical Research 5:311).
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
    """The error that may have been spent when this share of the most seeds has been seen."""
    return float(alpha * np.log1p((np.e - 1) * min(share, 1.0)))


def nominal_levels(counts: Sequence[int], most: int, alpha: float = ALPHA) -> tuple[float, ...]:
    """The two-sided level of each interim analysis, so that together they err at most with probability alpha.

    counts: of seeds, ascending; `most`: the seed count planned at most, at which all of alpha is spent. An analysis
    beyond it has level 0. Raises ValueError for counts that do not ascend.
    """
    return _levels(tuple(counts), most, alpha)


@lru_cache(maxsize=8192)
def _levels(counts: tuple[int, ...], most: int, alpha: float) -> tuple[float, ...]:
    """Boundaries of a Brownian motion by recursive integration (Armitage, McPherson and Rowe 1969)."""
    if any(after <= before for before, after in zip((0, *counts), counts, strict=False)):
        raise ValueError("interim analyses must be at ascending numbers of seeds")
    levels: list[float] = []
    position, density = np.zeros(1), np.ones(1)  # where the motion may be, not yet stopped, and with which weight
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
        backend = np.exp(-(((nodes[:, None] - position[None, :]) / step) ** 2) / 2) / (step * np.sqrt(2 * np.pi))
        position, density = nodes, (backend @ density) * _WEIGHTS * edge
        before, spent_before = share, spent(share, alpha)
    return tuple(levels)


def _boundary(position: Floats, density: Floats, step: float, edge: float, allowed: float) -> float:
    """The z at which the motion, now `step` further on, first leaves -z edge ... z edge with probability `allowed`."""
    from scipy import optimize  # takes long to import, and few claims have interim analyses

    def excess(z: float) -> float:
        above = special.ndtr((position - z * edge) / step) + special.ndtr((-z * edge - position) / step)
        return float(density @ above) - allowed

    return float(optimize.brentq(excess, 0.0, 12.0, xtol=1e-10))


def sequential_p(p_values: Sequence[float], counts: Sequence[int], most: int) -> float:
    """The smallest alpha at which one of the interim analyses would have stopped; 1 without any.

    p_values: of each analysis by itself, two-sided, all on the data up to it.
    """
    smallest = 1.0
    for index, p in enumerate(p_values):
        levels = _level_by_alpha(tuple(counts[: index + 1]), most)
        if levels[-1] > 0 and p < levels[-1]:
            # Levels grow with alpha; below the grid the smallest alpha of the grid stands, which is on the safe side.
            smallest = min(smallest, float(np.interp(p, levels, _ALPHAS)))
    return smallest


@lru_cache(maxsize=512)
def _level_by_alpha(counts: tuple[int, ...], most: int) -> Floats:
    """The level of the last of the analyses at each alpha of the grid."""
    return np.array([_levels(counts, most, float(alpha))[-1] for alpha in _ALPHAS])


def with_interim_analyses(
    estimate_at: Callable[[int, Levels], Estimate], counts: Sequence[int], most: int, comparisons: int = 1
) -> tuple[Estimate, tuple[InterimAnalysis, ...]]:
    """The estimate after analyses of the first n seeds for each n of `counts`, and the result of each analysis.

    estimate_at: of the first n seeds, at the levels given. counts: ascending, at least one, up to `most`. The estimate
    is that of the last analysis with the repeated interval, the sequential p-value, and equivalence where any analysis
    has found it: each of its one-sided tests spends 5 % over all analyses, as the test of a difference does.
    comparisons: over how many comparisons these 5 % are divided.
    """
    levels, one_sided = nominal_levels(counts, most), nominal_levels(counts, most, 2 * ALPHA / comparisons)
    analyses: list[InterimAnalysis] = []
    equivalent = False
    for n, level, of_each_side in zip(counts, levels, one_sided, strict=True):
        alone = estimate_at(n, Levels(1 - level, of_each_side / 2, ALPHA / comparisons))
        equivalent = equivalent or alone.equivalent
        p_values = [analysis.p_value for analysis in analyses] + [alone.p_value]
        p = sequential_p(p_values, counts[: len(p_values)], most)
        analyses.append(InterimAnalysis(n, alone.effect, alone.low, alone.high, alone.p_value, p))
    return replace(alone, p_value=p, equivalent=equivalent), tuple(analyses)
