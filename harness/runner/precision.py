"""The precision required of time ratios in a timing block, and how it follows from the claims of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.spec.claims import Claim, Crossing, Paired, TimeToTarget, Trend
from harness.spec.trial import TrialSpec
from harness.verdicts.rounds import COLUMN, MOST_ROUNDS, PRECISION

_SHARE_OF_MARGIN = 1 / 2
_LEAST, _MOST = 0.005, 0.05


@dataclass(frozen=True)
class Precision:
    """Decides when a timing block has enough rounds. All blocks of a run use the same one."""

    pairs: tuple[tuple[str, str, float], ...] = ()
    """(cell, cell, share) or (backend, backend, share): the pairs whose time ratio is compared. Rounds are added until
    the half-width of the ratio's 95 % interval is at most this share of the ratio. Empty: every pair of cells of the
    same backend, with PRECISION."""
    most_rounds: int = MOST_ROUNDS
    """The maximum number of rounds."""

    def half_width(self, first: TrialSpec, second: TrialSpec) -> float | None:
        """The required relative half-width for the ratio of two trials; None if they are not compared.

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
    """The precision that the claims on time of an experiment require.

    It is half of a claim's margin, at least 0.5 % and at most 5 %; or 2 % if the margin is not in percent. Only the
    cells in these claims are compared. Without such claims, all pairs of cells of the same backend are, at 2 %.
    """
    shares: dict[tuple[str, str], float] = {}
    for claim in filter(_is_on_time, claims):
        assert isinstance(claim, Paired | Trend | Crossing | TimeToTarget)
        pair = claim.better, claim.than
        shares[pair] = min(shares.get(pair, _MOST), _wanted(claim.margin))
    return Precision(tuple((better, than, share) for (better, than), share in shares.items()))


def _is_on_time(claim: Claim) -> bool:
    if isinstance(claim, TimeToTarget):
        return claim.by == "seconds"
    return isinstance(claim, Paired | Trend | Crossing) and claim.on == COLUMN


def _wanted(margin: float | str) -> float:
    if not isinstance(margin, str):
        return PRECISION
    return min(_MOST, max(_LEAST, _SHARE_OF_MARGIN * float(margin.removesuffix("%")) / 100))
