"""Correct p-values over all tests of an experiment: its claims, and the conditions of claims with several.

The family-wise type I error is at most 5 % (Holm 1979, with weights). Each claim has the same weight. A claim with
several conditions gives half of its weight to the test of the pooled conditions and divides the other half between
the conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.verdicts.sample_evidence import ClaimSamples
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, holm


@dataclass(frozen=True)
class Corrected:
    """The adjusted p-values of the tests of a claim."""

    overall: float
    conditions: tuple[float, ...]
    level: float
    """The level of the pooled test if it had the smallest weighted p-value of all tests that are not yet rejected."""


def corrected(claims: Sequence[ClaimSamples]) -> list[Corrected]:
    """The adjusted p-values of each claim; samples with too few seeds have p-value 1 and do not count in the family."""
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
    left = float(weights[large & (adjusted > ALPHA)].sum())
    results, of_all = [], iter(adjusted.tolist())
    for of_claim in tests:
        (overall, *conditions), weight = [next(of_all) for _ in of_claim], of_claim[0][1]
        results.append(Corrected(overall, tuple(conditions), float(ALPHA * weight / max(left, weight))))
    return results
