"""Why an undecided claim is not "no practical difference" although its seeds agree, and what would establish it."""

from __future__ import annotations

from harness.spec.claims import DataToTarget, TimeToTarget
from harness.verdicts.evidence import Evidence
from harness.verdicts.missing_evidence import (
    NoBounds,
    OneSidedFailures,
    TooFewForSpread,
    UnseenMisses,
    UnseenOutcomes,
)
from harness.verdicts.power import ADVISED
from harness.verdicts.samples import ONE_SIDED_FAILURES
from harness.verdicts.verdict import VerdictWord
from harness.verdicts.words.effects import size

_EQUAL: VerdictWord = "no practical difference"


def equality_wants(evidence: Evidence) -> str:
    """The sentence on what is missing for equality; empty if nothing is."""

    def shown(margin: float) -> str:
        return size(evidence.scale.show(margin), evidence.scale.unit, evidence.scale.kind)

    match evidence.missing:
        case OneSidedFailures(share):
            failed = "missed the target" if isinstance(evidence.claim, TimeToTarget | DataToTarget) else "failed"
            return (
                f"In {_percent(share)} of the pairs one cell {failed} and the other did not; '{_EQUAL}' allows at most"
                f" {_percent(ONE_SIDED_FAILURES)}."
            )
        case UnseenMisses(n, share, enough, margin):
            return (
                f"After {n} seeds, one cell may still miss the target in up to {_percent(share)} of all seeds;"
                f" '{_EQUAL}' requires {_seeds(enough)}, or a margin above {shown(margin)}."
            )
        case UnseenOutcomes(n, share, enough, margin):
            wider = "" if margin is None else f", or a margin above {shown(margin)}"
            return (
                f"{n} seeds agree, but up to {_percent(share)} of all seeds may still have another outcome;"
                f" '{_EQUAL}' requires {_seeds(enough)} that agree{wider}."
            )
        case TooFewForSpread(n, wanted):
            more = f"more than {max(ADVISED, n)} seeds, or a wider margin"
            seeds = f"about {wanted} seeds" if wanted <= ADVISED else more
            return f"At this mean and spread, '{_EQUAL}' requires {seeds}."
        case NoBounds(of_a_ratio=True):
            return f"A ratio of such outcomes has no bounds: '{_EQUAL}' requires a margin in the metric's unit."
        case NoBounds():
            return (
                "The task is either solved or not solved, and this metric has no bounds, so that rare large differences"
                f" cannot be ruled out. '{_EQUAL}' requires a claim of the kind 'proportion', or a metric with bounds."
            )
        case None:
            return ""


def _seeds(enough: int | None) -> str:
    return f"at least {enough} seeds" if enough else f"more than {ADVISED} seeds"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
