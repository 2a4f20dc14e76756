"""The family of all tests of an experiment: of its claims, and of the conditions of claims that have several.

The probability that any of them finds a direction where there is none is at most 5 % (Holm 1979, with weights). Each
claim has the same weight. A claim with several conditions gives half of it to the test over all of them; the other half
is divided between its conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.verdicts.sample_evidence import Draft
from harness.verdicts.samples import Judged
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, holm


@dataclass(frozen=True)
class Corrected:
    """The adjusted p-values of a claim's tests."""

    overall: float
    conditions: tuple[float, ...]
    level: float
    """To which the test over all conditions is held, were it the most significant of those that are open."""


def corrected(drafts: Sequence[Draft]) -> list[Corrected]:
    """The adjusted p-values of each claim; samples too small to be decided have p 1 and are no part of the family."""
    tests: list[tuple[int, Judged, float]] = []
    for index, draft in enumerate(drafts):
        several = len(draft.conditions)
        tests.append((index, draft.overall, 0.5 if several else 1.0))
        tests += [(index, sample, 0.5 / several) for sample in draft.conditions]
    large = [place for place, (_, sample, _) in enumerate(tests) if sample.estimate.n >= FEWEST_SEEDS]
    adjusted = [1.0] * len(tests)
    found = holm([tests[place][1].estimate.p_value for place in large], [tests[place][2] for place in large])
    for place, p in zip(large, found, strict=True):
        adjusted[place] = float(p)
    left = sum(tests[place][2] for place in large if adjusted[place] > ALPHA)
    results = []
    for index, draft in enumerate(drafts):
        own = [place for place, (of, _, _) in enumerate(tests) if of == index]
        weight = tests[own[0]][2]
        level = ALPHA * weight / max(left, weight)
        results.append(Corrected(adjusted[own[0]], tuple(adjusted[place] for place in own[1:]), level))
        assert len(own) == 1 + len(draft.conditions)
    return results
