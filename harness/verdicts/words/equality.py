"""Why an undecided claim is not "no practical difference" although its seeds agree, and what would establish it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from harness.spec.claims import Comparison, Proportion, TimeToTarget
from harness.verdicts.advantages import Scale
from harness.verdicts.equivalence import BETS, UNSEEN, bounded_p, constant, solved_p, unseen
from harness.verdicts.power import ADVISED, fewest, seeds_for_equality
from harness.verdicts.samples import ONE_SIDED_FAILURES, Sample, cost_of_misses
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS
from harness.verdicts.verdict import VerdictWord
from harness.verdicts.words.effects import size

_EQUAL: VerdictWord = "no practical difference"


def equality_wants(claim: Comparison, sample: Sample, scale: Scale) -> str:
    """Why the agreeing seeds of an undecided claim do not establish equality, and how many seeds would.

    Empty if something else is the obstacle, such as an effect as large as the margin.
    """
    advantages, result = sample.advantages, sample.estimate
    n = result.n - advantages.uninformative
    if n < FEWEST_SEEDS or n <= advantages.uninformative or abs(result.effect) >= scale.margin:
        return ""
    if advantages.lopsided > ONE_SIDED_FAILURES:
        failed = "missed the target" if isinstance(claim, TimeToTarget) else "failed"
        allowed = _percent(ONE_SIDED_FAILURES)
        share = _percent(advantages.lopsided)
        return f"In {share} of the pairs one cell {failed} and the other did not; '{_EQUAL}' allows at most {allowed}."
    if isinstance(claim, TimeToTarget):
        return _no_misses(n, advantages.lopsided, scale)
    if scale.reach is None:
        if constant(advantages.values):
            return _agreeing(n, fewest(lambda seeds: (1 - UNSEEN) ** seeds <= ALPHA), None, scale)
        wanted = seeds_for_equality(advantages.values, scale.margin)
        if wanted is None or wanted <= n:
            return ""
        more = f"more than {max(ADVISED, n)} seeds, or a wider margin"
        return f"At this mean and spread, '{_EQUAL}' requires {f'about {wanted} seeds' if wanted <= ADVISED else more}."
    if np.isinf(scale.reach):
        if scale.kind == "log ratio":
            return f"A ratio of such outcomes has no bounds: '{_EQUAL}' requires a margin in the metric's unit."
        return (
            "The task is either solved or not solved, and this metric has no bounds, so that rare large differences"
            f" cannot be ruled out. '{_EQUAL}' requires a claim of the kind 'proportion', or a metric with bounds."
        )
    if isinstance(claim, Proportion) and sample.pairs is not None:
        return _agreeing(n, _fewest_solved(scale.margin), unseen(n, ALPHA), scale)
    within = _fewest_within(scale.margin, scale.reach)
    return _agreeing(n, within, scale.reach * unseen(n, BETS[0][1] * ALPHA), scale)


def _agreeing(n: int, enough: int | None, margin: float | None, scale: Scale) -> str:
    """The sentence for n seeds that agree and are fewer than `enough`; it names the margin for which n would do."""
    if enough is not None and n >= enough:
        return ""
    wider = "" if margin is None else f", or a margin above {_shown(margin, scale)}"
    return (
        f"{n} seeds agree, but up to {_percent(unseen(n, ALPHA))} of all seeds may still have another outcome;"
        f" '{_EQUAL}' requires {_seeds(enough)} that agree{wider}."
    )


def _no_misses(n: int, lopsided: float, scale: Scale) -> str:
    """The sentence for n seeds that are too few to rule out misses of the target that cost as much as the margin."""
    # The number of misses is rounded, so the cost does not fall with each seed.
    too_few = [seeds for seeds in range(1, ADVISED + 1) if cost_of_misses(seeds, lopsided) >= scale.margin]
    last = max(too_few, default=0)
    enough = last + 1 if last < ADVISED else None
    if enough is not None and n >= enough:
        return ""
    return (
        f"After {n} seeds, one cell may still miss the target in up to"
        f" {_percent(unseen(n, ALPHA, round(lopsided * n)))} of all seeds; '{_EQUAL}' requires {_seeds(enough)},"
        f" or a margin above {_shown(cost_of_misses(n, lopsided), scale)}."
    )


@lru_cache
def _fewest_solved(margin: float) -> int | None:
    enough = fewest(lambda seeds: (1 - margin) ** seeds <= ALPHA)  # a lower bound, as the exact test is slow
    while enough is not None and enough < ADVISED and solved_p(0, 0, enough, margin) > ALPHA:
        enough += 1
    return enough


@lru_cache
def _fewest_within(margin: float, reach: float) -> int | None:
    return fewest(lambda seeds: bounded_p(np.zeros(seeds), margin, reach) <= ALPHA)


def _seeds(enough: int | None) -> str:
    return f"at least {enough} seeds" if enough else f"more than {ADVISED} seeds"


def _shown(advantage: float, scale: Scale) -> str:
    return size(scale.show(advantage), scale.unit, scale.kind)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
