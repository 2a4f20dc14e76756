"""The family of all tests of an experiment: of its claims, and of the conditions of claims that have several.

The probability that any of them finds a direction where there is none is at most 5 % (Holm 1979, with weights). Each
claim has the same weight. A claim with several conditions gives half of it to the test over all of them; the other half
is divided between its conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.verdicts.sample_evidence import ClaimSamples
from harness.verdicts.samples import Sample
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, holm


@dataclass(frozen=True)
class Corrected:
    """The adjusted p-values of a claim's tests."""

    overall: float
    conditions: tuple[float, ...]
    level: float
    """To which the test over all conditions is held, were it the most significant of those that are open."""


def corrected(claims: Sequence[ClaimSamples]) -> list[Corrected]:
    """The adjusted p-values of each claim; samples too small to be decided have p 1 and are no part of the family."""
    tests: list[tuple[int, Sample, float]] = []
    for index, claim in enumerate(claims):
        several = len(claim.conditions)
        tests.append((index, claim.overall, 0.5 if several else 1.0))
        tests += [(index, sample, 0.5 / several) for sample in claim.conditions]
    large = [place for place, (_, sample, _) in enumerate(tests) if sample.estimate.n >= FEWEST_SEEDS]
    adjusted = [1.0] * len(tests)
    of_large = holm([tests[place][1].estimate.p_value for place in large], [tests[place][2] for place in large])
    for place, p in zip(large, of_large, strict=True):
        adjusted[place] = float(p)
    left = sum(tests[place][2] for place in large if adjusted[place] > ALPHA)
    results = []
    for index, claim in enumerate(claims):
        places = [place for place, (of, _, _) in enumerate(tests) if of == index]
        weight = tests[places[0]][2]
        level = ALPHA * weight / max(left, weight)
        results.append(Corrected(adjusted[places[0]], tuple(adjusted[place] for place in places[1:]), level))
        assert len(places) == 1 + len(claim.conditions)
    return results
