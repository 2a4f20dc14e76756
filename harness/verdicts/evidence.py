"""The result of judging a comparison as data: all that its verdict and the sentences of its verdict state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.spec.claims import Comparison
from harness.verdicts.advantages import Scale
from harness.verdicts.baselines import AgainstBaseline
from harness.verdicts.crossings import SignChange
from harness.verdicts.lean import Lean
from harness.verdicts.missing_evidence import Missing
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairingCounts
from harness.verdicts.power import ADVISED
from harness.verdicts.resolution import Resolution
from harness.verdicts.samples import Sample
from harness.verdicts.verdict import VerdictWord


@dataclass(frozen=True)
class Ends:
    """A crossing at both ends of the factor, in the unit of `Scale.show`."""

    first: float
    """The advantage of `better` at the smallest value."""
    last: float
    """The advantage of `than` at the largest value."""
    levels: tuple[float, float] | None = None
    """The smallest and the largest value; None if conditions are pooled."""
    change: SignChange | None = None
    """Where the advantage changes sign; None if conditions are pooled, or if it does not change sign as claimed."""


@dataclass(frozen=True)
class Evidence:
    """The evidence of one sample for a claim: its only condition, one of several, or all conditions pooled."""

    claim: Comparison
    outcome: OutcomeColumn
    scale: Scale
    sample: Sample
    word: VerdictWord
    p_adjusted: float
    scope: Mapping[str, Any]
    trials: tuple[str, ...] = ()
    lean: Lean | None = None
    """For undecided claims, if the sample has a distribution."""
    resolution: Resolution | None = None
    """None for exact outcomes."""
    missing: Missing | None = None
    """What an undecided claim lacks for "no practical difference"; None if it is something else."""
    seeds_for_power: int | None = None
    """Total number of seeds for 80 % power to detect a difference of the margin, if more seeds are advised."""
    noise_of_times: bool = False
    """Whether the claim is undecided and on a time, whose noise more seeds do not reduce."""
    most_seeds: int | None = None
    """Maximum number of seeds, fixed before the first interim analysis; None without interim analyses."""
    ends: Ends | None = None
    """For crossings."""
    baselines: tuple[tuple[AgainstBaseline, ...], ...] = ()
    """The comparison with the baselines, for each condition of the sample."""

    @property
    def informed(self) -> bool:
        """Whether any pair carries information."""
        return self.sample.advantages.uninformative < self.sample.estimate.n

    @property
    def needed_seeds(self) -> int | None:
        """`seeds_for_power` if it is more than the present number of seeds and at most 100, else None."""
        seeds = self.seeds_for_power
        return seeds if seeds is not None and self.sample.estimate.n < seeds <= ADVISED else None


Relation = Literal["one condition", "pooled", "depends", "unlike the conditions", "larger in a condition"]
"""How the verdict of a claim follows from its conditions: there is only one; they are pooled; two decided conditions
differ; the pooled verdict differs from that of a decided condition; the pooled conditions show no practical difference,
but the effect in one condition is larger than the margin."""


@dataclass(frozen=True)
class Compared:
    """The evidence for a comparison, overall and by condition."""

    overall: Evidence
    counts: PairingCounts
    conditions: tuple[Evidence, ...] = ()
    """The evidence of each condition, if there are several."""
    relation: Relation = "one condition"
    word: VerdictWord = "undecided"
    middle: tuple[float, float, float] | None = None
    """Interquartile mean of the advantages over conditions and seeds, and its 95 % interval; in `Scale.show`'s unit."""
