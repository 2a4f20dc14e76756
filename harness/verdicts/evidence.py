"""What judging a comparison gives, as data: everything that its verdict and the sentences of its verdict state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.spec.claims import Comparison
from harness.verdicts.advantages import Scale
from harness.verdicts.baselines import AgainstBaseline
from harness.verdicts.lean import Lean
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairingCounts
from harness.verdicts.power import ADVISED
from harness.verdicts.resolution import Resolution
from harness.verdicts.samples import Sample
from harness.verdicts.verdict import VerdictWord


@dataclass(frozen=True)
class Evidence:
    """What one sample says of a claim: its one condition, one of several, or all of them pooled."""

    claim: Comparison
    outcome: OutcomeColumn
    scale: Scale
    sample: Sample
    word: VerdictWord
    p_adjusted: float
    scope: Mapping[str, Any]
    trials: tuple[str, ...] = ()
    lean: Lean | None = None
    """Of an undecided claim, where the sample has a distribution."""
    resolution: Resolution | None = None
    """None where outcomes are exact."""
    missing: str = ""
    """What an undecided claim lacks for "no practical difference", in a sentence."""
    seeds_for_power: int | None = None
    """Seeds, in all, for 80 % power against the margin, where that is an advice for an undecided claim."""
    noise_of_times: bool = False
    """Whether the claim is undecided and on a time, which more seeds do not make quieter."""
    most_seeds: int | None = None
    """The most seeds, fixed before the first interim analysis, where seeds were added until the claim was decided."""
    baselines: tuple[tuple[AgainstBaseline, ...], ...] = ()
    """For each condition of the sample."""

    @property
    def informed(self) -> bool:
        """Whether any pair carries information."""
        return self.sample.advantages.uninformative < self.sample.estimate.n

    @property
    def needed_seeds(self) -> int | None:
        """`seeds_for_power`, where these are more than there are, and at most 100."""
        seeds = self.seeds_for_power
        return seeds if seeds is not None and self.sample.estimate.n < seeds <= ADVISED else None


Relation = Literal["one condition", "pooled", "depends", "unlike the conditions", "larger in a condition"]
"""How the verdict of a claim comes from those of its conditions: it has one; they are pooled; two are decided and
differ; all together are decided, unlike one of them; all together are equal, but some effect is beyond the margin."""


@dataclass(frozen=True)
class Compared:
    """What the records say of a comparison."""

    overall: Evidence
    counts: PairingCounts
    conditions: tuple[Evidence, ...] = ()
    """Of each condition, where there are several."""
    relation: Relation = "one condition"
    word: VerdictWord = "undecided"
    middle: tuple[float, float, float] | None = None
    """The interquartile mean of the advantages over conditions and seeds, and its 95 % interval; as `Scale.show`."""
