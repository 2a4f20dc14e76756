"""The family of all tests of an experiment: of its claims, and of the conditions of claims that have several.

The probability that any of them finds a direction where there is none is at most 5 % (Holm 1979, with weights). Each
claim has the same weight. A claim with several conditions gives half of it to the test over all of them; the other half
is divided between its conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.verdicts.sample_evidence import ClaimSamples
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
    tests = [
        [(claim.overall, 0.5 if claim.conditions else 1.0)]
        + [(sample, 0.5 / len(claim.conditions)) for sample in claim.conditions]
        for claim in claims
    ]
    every = [test for of_claim in tests for test in of_claim]
    large = np.array([sample.estimate.n >= FEWEST_SEEDS for sample, _ in every], dtype=bool)
    p_values = np.array([sample.estimate.p_value for sample, _ in every])
    weights = np.array([weight for _, weight in every])
    adjusted = np.ones(len(every))
    adjusted[large] = holm(p_values[large], weights[large])
    left = weights[large & (adjusted > ALPHA)].sum()
    results, of_all = [], iter(adjusted.tolist())
    for of_claim in tests:
        (overall, *conditions), weight = [next(of_all) for _ in of_claim], of_claim[0][1]
        results.append(Corrected(overall, tuple(conditions), float(ALPHA * weight / max(left, weight))))
    return results
