"""What is missing for "no practical difference": why seeds that agree do not establish it, and what would."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from harness.spec.claims import Comparison, Proportion, TimeToTarget
from harness.verdicts.advantages import Scale
from harness.verdicts.effects import size
from harness.verdicts.equivalence import BETS, UNSEEN, bounded_p, constant, solved_p, unseen
from harness.verdicts.power import ADVISED, seeds_for_equality
from harness.verdicts.samples import ONE_SIDED_FAILURES, Judged, cost_of_misses
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS

_WORD = "'no practical difference'"


def equality_wanted(claim: Comparison, sample: Judged, scale: Scale) -> str:
    """Why the seeds of an undecided claim are no evidence of equality though they agree, and how many seeds would be.

    Empty where that is not what is missing: where the effect is as large as the margin.
    """
    found, result = sample.found, sample.estimate
    n = result.n - found.uninformative
    if n < FEWEST_SEEDS or n <= found.uninformative or abs(result.effect) >= scale.margin:
        return ""
    if found.lopsided > ONE_SIDED_FAILURES:
        failed = "missed the target" if isinstance(claim, TimeToTarget) else "failed"
        return (
            f"One cell alone {failed} in {_percent(found.lopsided)} of the pairs; {_WORD} allows"
            f" {_percent(ONE_SIDED_FAILURES)}."
        )
    if isinstance(claim, TimeToTarget):
        return _without_misses(n, found.lopsided, scale)
    if scale.reach is None:
        if constant(found.values):
            return _few(n, _fewest(lambda seeds: (1 - UNSEEN) ** seeds <= ALPHA), "")
        wanted = seeds_for_equality(found.values, scale.margin)
        if wanted is None or wanted <= n:
            return ""
        more = f"more than {max(ADVISED, n)} seeds, or a wider margin"
        seeds = f"about {wanted} seeds" if wanted <= ADVISED else more
        return f"At this mean and spread, {_WORD} takes {seeds}."
    if np.isinf(scale.reach):
        if scale.kind == "log ratio":
            return f"A ratio of such outcomes has no bounds: {_WORD} takes a margin in the metric's unit."
        return (
            "The task is solved or not, and this outcome of it has no bounds: rare large differences cannot be ruled"
            f" out. A claim of the kind 'proportion', or on a metric with bounds, can be {_WORD}."
        )
    if isinstance(claim, Proportion) and sample.pairs is not None:
        fewest, wider = _fewest_solved(scale.margin), unseen(n, ALPHA)
    else:
        fewest, wider = _fewest_within(scale.margin, scale.reach), scale.reach * unseen(n, BETS[0][1] * ALPHA)
    return _few(n, fewest, f", or a margin above {size(scale.show(wider), scale.unit, scale.kind)}")


def _few(n: int, fewest: int | None, margin: str) -> str:
    """n seeds that agree are fewer than it takes; empty where they are not."""
    if fewest is not None and n >= fewest:
        return ""
    seeds = f"at least {fewest} seeds that agree" if fewest else f"more than {ADVISED} seeds that agree"
    return (
        f"{n} seeds that agree leave another outcome possible in up to {_percent(unseen(n, ALPHA))} of the seeds;"
        f" {_WORD} takes {seeds}{margin}."
    )


@lru_cache
def _fewest_solved(margin: float) -> int | None:
    fewest = _fewest(lambda seeds: (1 - margin) ** seeds <= ALPHA)  # at least as many; the exact test is slow for many
    while fewest is not None and fewest < ADVISED and solved_p(0, 0, fewest, margin) > ALPHA:
        fewest += 1
    return fewest


@lru_cache
def _fewest_within(margin: float, reach: float) -> int | None:
    return _fewest(lambda seeds: bounded_p(np.zeros(seeds), margin, reach) <= ALPHA)


def _without_misses(n: int, lopsided: float, scale: Scale) -> str:
    fewest = _fewest(lambda seeds: cost_of_misses(seeds, lopsided) < scale.margin)
    if fewest is not None and n >= fewest:
        return ""
    missed, cost = unseen(n, ALPHA, round(lopsided * n)), cost_of_misses(n, lopsided)
    seeds = f"at least {fewest} seeds" if fewest else f"more than {ADVISED} seeds"
    return (
        f"{n} seeds leave misses of one cell possible in up to {_percent(missed)} of the seeds; {_WORD} takes {seeds},"
        f" or a margin above {size(scale.show(cost), scale.unit, scale.kind)}."
    )


def _fewest(passes: Callable[[int], bool]) -> int | None:
    """The smallest number of seeds that passes, where all larger ones do too; None above 100."""
    low, high = 0, 1
    while not passes(high):
        if high == ADVISED:
            return None
        low, high = high, min(2 * high, ADVISED)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
