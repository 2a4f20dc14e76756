"""The type of a verdict on a claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, PlainSerializer

from harness.store.interim import InterimAnalysis

VerdictWord = Literal["supported", "contradicted", "no practical difference", "depends", "undecided", "not testable"]
DECIDED: tuple[VerdictWord, ...] = ("supported", "contradicted", "no practical difference")
"""The verdicts that decide a sample."""
Outcome = Annotated[
    float,
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(lambda value: None if math.isnan(value) else value, return_type=float | None),
]
"""NaN for a failed trial, written to JSON as null."""


@dataclass(frozen=True)
class Pair:
    """The outcomes of one seed, and its advantage: positive if it favours `better`, infinite if one trial failed."""

    seed: int
    better: Outcome
    than: Outcome
    advantage: Outcome


@dataclass(frozen=True)
class PublishedFigure:
    """A published figure of a cell, and the mean outcome of this cell over the seeds of the verdict."""

    cell: str
    published: float
    measured: float | None = None
    """None if no trial has a finite outcome."""
    low: float | None = None
    """Lower and upper bound of the mean's 95 % interval; infinite for a single seed."""
    high: float | None = None
    n: int = 0
    """Number of seeds in the mean."""

    @property
    def inside(self) -> bool | None:
        """Whether the published figure lies in the interval; None if there is no interval of finite width."""
        if self.low is None or self.high is None or not math.isfinite(self.high - self.low):
            return None
        return self.low <= self.published <= self.high


@dataclass(frozen=True)
class PublishedResult:
    """What a claim quotes from a publication, its figures beside those measured."""

    source: str
    finding: str
    """What was found, in words."""
    unit: str
    setup: str
    """How the published experiment differs from this one."""
    figures: tuple[PublishedFigure, ...]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with its figures. Figures are None if nothing was measured.

    Effects are advantages: positive effects favour the claim, both for metrics to minimise and to maximise.
    """

    id: str
    claim: str
    verdict: VerdictWord
    effect: float | None = None
    ci_low: float | None = None
    """Lower and upper bound of the effect's 95 % confidence interval; infinite if failed trials leave it unbounded."""
    ci_high: float | None = None
    unit: str = ""
    """Unit of effect, bounds and margin; '%' for ratios."""
    n: int = 0
    """Number of seeds (pairs)."""
    conditions: dict[str, Any] = field(default_factory=dict)
    """The scope: for each column of the frame, the value or the list of values of the records."""
    reason: str = ""
    """Sentences for the reader: what was compared, what was found, why this verdict."""
    kind: str = ""
    source: str = ""
    better: str = ""
    than: str = ""
    on: str = ""
    """The compared outcome: a column of the frame."""
    margin: float | None = None
    scale: str = ""
    """How advantages are computed, an `advantages.Kind`. Figures of a log ratio are percent changes: 25 for a ratio of
    1.25, -20 for a ratio of 0.8; in words both are 25 % (`effects`)."""
    p_value: float | None = None
    """Two-sided p-value of no difference, before correction."""
    p_adjusted: float | None = None
    """The p-value after Holm's correction over all claims and their conditions."""
    improvement: float | None = None
    """The share of seeds in which `better` is better; ties count half."""
    needed_seeds: int | None = None
    """For undecided claims: the total number of seeds for 80 % power to detect a difference of the margin. None if this
    is more than 100 or not more than `n`, and for times, whose noise more seeds do not reduce."""
    lean_favour: float | None = None
    """For undecided claims: the probability of a difference beyond the margin in favour of the claim."""
    lean_within: float | None = None
    """For undecided claims: the probability of a difference within the margin."""
    lean_against: float | None = None
    """For undecided claims: the probability of a difference beyond the margin against the claim. The three are None if
    the seeds are too few, or all equal."""
    step: float | None = None
    """Resolution of times to target, in updates or seconds: the largest interval between two evaluations around them.
    Of the data to a target: the largest distance between two sizes around them. None for exact outcomes."""
    crossing: float | None = None
    """For crossings: the value of the factor at which the advantage changes sign, with its 95 % interval; None if it
    does not change sign as claimed."""
    crossing_low: float | None = None
    crossing_high: float | None = None
    too_coarse: bool = False
    """Whether this resolution leaves the claim undecided with any number of seeds."""
    baseline: str = ""
    """Sentences on the cells that do not beat a baseline."""
    interquartile_mean: float | None = None
    """Interquartile mean of the advantages over conditions and seeds, with its 95 % interval, if there are several
    conditions."""
    interquartile_low: float | None = None
    interquartile_high: float | None = None
    interim_analyses: Annotated[
        tuple[InterimAnalysis, ...], Field(validation_alias=AliasChoices("interim_analyses", "looks"))
    ] = ()
    """Analyses made while seeds were added; interval and p-values are adjusted for them."""
    most_seeds: int | None = None
    """Maximum number of seeds, fixed before the first interim analysis."""
    published: PublishedResult | None = None
    """What the claim quotes from a publication; it does not change the verdict."""
    pairs: tuple[Pair, ...] = ()
    trials: tuple[str, ...] = ()
    """Ids of the trials that the verdict is based on."""
    by_condition: tuple[Verdict, ...] = ()
    """The verdict of each condition, if there are several."""


def decided_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Decided verdicts, then 'depends', then the others; each in the order given, the order of the experiment file."""
    rank = {word: place for place, words in enumerate((DECIDED, ("depends",))) for word in words}
    return sorted(verdicts, key=lambda verdict: rank.get(verdict.verdict, len(rank)))
