"""How well the ratios within the rounds of a timing block are to be known, and how a run's claims decide that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.spec.claims import Claim, Paired, TimeToTarget, Trend
from harness.spec.trial import TrialSpec
from harness.verdicts.rounds import COLUMN, MOST_ROUNDS, PRECISION

_SHARE_OF_MARGIN = 1 / 2
_LEAST, _MOST = 0.005, 0.05


@dataclass(frozen=True)
class Precision:
    """When a timing block has enough rounds. The same for all blocks of a run."""

    pairs: tuple[tuple[str, str, float], ...] = ()
    """Pairs of cells, or of backends, whose ratios are compared. Rounds are added until the 95 % interval of each ratio
    reaches at most this far to either side, as a share of it. Empty: every two cells of a backend, at PRECISION."""
    most_rounds: int = MOST_ROUNDS
    """The maximum number of rounds."""

    def half_width(self, first: TrialSpec, second: TrialSpec) -> float | None:
        """How well the ratio of two trials is to be known; None where it is not compared.

        Compared trials differ in the cell alone, or in the backend alone.
        """
        if first.backend == second.backend:
            names = {first.cell, second.cell}
            if not self.pairs:
                return PRECISION
        elif first.cell == second.cell:
            names = {first.backend, second.backend}
        else:
            return None
        return min((share for one, other, share in self.pairs if names == {one, other}), default=None)


EVERY_PAIR = Precision()


def precision_for(claims: Sequence[Claim]) -> Precision:
    """The precision that an experiment's claims on time ask for.

    That is half of a claim's margin, at least 0.5 % and at most 5 %, and 2 % where the margin is no share. Only the
    cells of such claims are compared; without such claims, every two cells of a backend are, at 2 %.
    """
    shares: dict[tuple[str, str], float] = {}
    for claim in filter(_is_on_time, claims):
        assert isinstance(claim, Paired | Trend | TimeToTarget)
        pair = claim.better, claim.than
        shares[pair] = min(shares.get(pair, _MOST), _wanted(claim.margin))
    return Precision(tuple((better, than, share) for (better, than), share in shares.items()))


def _is_on_time(claim: Claim) -> bool:
    if isinstance(claim, TimeToTarget):
        return claim.by == "seconds"
    return isinstance(claim, Paired | Trend) and claim.on == COLUMN


def _wanted(margin: float | str) -> float:
    if not isinstance(margin, str):
        return PRECISION
    return min(_MOST, max(_LEAST, _SHARE_OF_MARGIN * float(margin.removesuffix("%")) / 100))
