"""What a verdict is: what the records say of a claim."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, PlainSerializer

from harness.store.interim import InterimAnalysis

VerdictWord = Literal["supported", "contradicted", "no practical difference", "depends", "undecided", "not testable"]
DECIDED: tuple[VerdictWord, ...] = ("supported", "contradicted", "no practical difference")
"""The words that one sample can be decided with."""
Outcome = Annotated[
    float,
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(lambda value: None if math.isnan(value) else value, return_type=float | None),
]
"""NaN for a failed trial, which JSON has as null."""


@dataclass(frozen=True)
class Pair:
    """One seed's outcomes, and its advantage: positive where it speaks for `better`, infinite where one failed."""

    seed: int
    better: Outcome
    than: Outcome
    advantage: Outcome


@dataclass(frozen=True)
class Verdict:
    """What the records say of a claim. The figures are None where there is nothing to measure.

    Effects are advantages: positive where they speak for the claim, whichever direction of the metric is better.
    """

    id: str
    claim: str
    verdict: VerdictWord
    effect: float | None = None
    ci_low: float | None = None
    """Bounds of the 95 % confidence interval of the effect; infinite where failed trials leave it open."""
    ci_high: float | None = None
    unit: str = ""
    """Of effect, bounds and margin; '%' where the comparison is a ratio."""
    n: int = 0
    """Seeds (pairs) behind the verdict."""
    conditions: dict[str, Any] = field(default_factory=dict)
    """The scope: column of the frame to the value, or the list of values, that the records have."""
    reason: str = ""
    """One or two sentences for a reader: what was compared, what was found, why this verdict."""
    kind: str = ""
    source: str = ""
    better: str = ""
    than: str = ""
    on: str = ""
    """What was compared, as a column of the frame or in words."""
    margin: float | None = None
    scale: str = ""
    """How advantages are computed, an `advantages.Kind`. The figures of a log ratio are percentages of change: that
    of a ratio of 1.25 is 25, that of 0.8 is -20; in words both are 25 % (`effects`)."""
    p_value: float | None = None
    """Two-sided, of no difference, before correction."""
    p_adjusted: float | None = None
    """After Holm's correction over all claims and their conditions."""
    improvement: float | None = None
    """The share of seeds in which `better` is better, ties counting half."""
    needed_seeds: int | None = None
    """Where undecided: the seeds, in all, for 80 % power against an effect as large as the margin, if these are more
    than there are and at most 100; None for times, which more seeds do not make quieter."""
    lean_favour: float | None = None
    """Where undecided: the probability that the difference is beyond the margin in favour of the claim,"""
    lean_within: float | None = None
    """that it is within the margin,"""
    lean_against: float | None = None
    """and that it is beyond the margin against the claim; None where the seeds have no distribution."""
    step: float | None = None
    """Times are known to within this many updates or seconds, the largest distance between the
    evaluations around them; None for exact ones."""
    too_coarse: bool = False
    """Whether the step leaves the claim undecided with any number of seeds."""
    baseline: str = ""
    """Says so where a cell does not beat a baseline."""
    interquartile_mean: float | None = None
    """Of the advantages of all conditions and seeds, where the claim covers several; with its 95 % interval."""
    interquartile_low: float | None = None
    interquartile_high: float | None = None
    interim_analyses: Annotated[
        tuple[InterimAnalysis, ...], Field(validation_alias=AliasChoices("interim_analyses", "looks"))
    ] = ()
    """Where seeds were added until it was decided; interval and p-values are adjusted for them."""
    most_seeds: int | None = None
    """The most seeds that were to be run, fixed before the first interim analysis."""
    pairs: tuple[Pair, ...] = ()
    trials: tuple[str, ...] = ()
    """Ids of the trials behind the verdict."""
    by_condition: tuple[Verdict, ...] = ()
    """A verdict for each condition, where the claim covers several."""
