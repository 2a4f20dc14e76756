"""Judge claims by a frame of trials. The order of the records does not change the verdicts.

The rule (docs/method.md, Judging): each claim, and each condition of a claim with several, is judged separately
(`sample_evidence`), with p-values corrected over all of them (`family`). A claim whose conditions are decided
differently has the verdict "depends". The result is data (`evidence`); `stated` writes its sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.cells.facts import FactFound, facts
from harness.errors import UserError
from harness.spec.claims import Claim, Comparison, Exact, NotTestable
from harness.store.interim import InterimAnalyses
from harness.verdicts.evidence import Compared, Evidence, Relation
from harness.verdicts.family import Corrected, corrected
from harness.verdicts.outcomes import OutcomeColumn, with_outcome
from harness.verdicts.pairs import PairedTrials, find_pairs
from harness.verdicts.sample_evidence import ClaimSamples, sample_evidence, samples_of
from harness.verdicts.saved import read_verdicts, write_verdicts
from harness.verdicts.stated import bare_verdict, claim_verdict, fact_verdict, unmeasured_verdict
from harness.verdicts.stats import bounded_by, interquartile_mean
from harness.verdicts.verdict import DECIDED, Verdict, VerdictWord
from harness.verdicts.words.reasons import nothing_paired

__all__ = ["judge", "judge_pairs", "read_verdicts", "write_verdicts"]

Measured = tuple[Comparison, PairedTrials, OutcomeColumn]
"""A comparison, its pairs, and the outcome that they compare."""


def judge(
    claims: Sequence[Claim],
    frame: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    interim: Mapping[str, InterimAnalyses] | None = None,
) -> list[Verdict]:
    """A verdict for each claim, in the order of the claims.

    frame:   one row per trial, from `to_frame`
    curves:  learning curves from `curves_frame`; time-to-target claims are not testable without them
    interim: interim analyses by claim id, for claims with added seeds; such a claim is judged by the seeds of its
             analyses, with p-value and interval adjusted for them
    """
    verdicts: dict[str, Verdict] = {}
    measured: list[Measured] = []
    for claim in claims:
        if isinstance(claim, Exact):
            verdicts[claim.id] = _evaluated(claim, frame)
        elif isinstance(claim, NotTestable):
            verdicts[claim.id] = bare_verdict(claim, "not testable", claim.reason)
        else:
            try:
                trials, outcome = with_outcome(frame, claim, curves)
                paired = find_pairs(trials, claim, outcome.column, outcome.low)
            except UserError as error:
                verdicts[claim.id] = unmeasured_verdict(claim, error)
                continue
            if paired.conditions:
                measured.append((claim, paired, outcome))
            else:
                verdicts[claim.id] = bare_verdict(claim, "undecided", nothing_paired(claim, frame))
    verdicts |= {verdict.id: verdict for verdict in judge_pairs(measured, interim)}
    return [verdicts[claim.id] for claim in claims]


def judge_pairs(measured: Sequence[Measured], interim: Mapping[str, InterimAnalyses] | None = None) -> list[Verdict]:
    """The verdicts of comparisons with their pairs, corrected as one family of tests."""
    return [claim_verdict(compared) for compared in examine_pairs(measured, interim)]


def examine_pairs(measured: Sequence[Measured], interim: Mapping[str, InterimAnalyses] | None = None) -> list[Compared]:
    """The evidence for comparisons with their pairs, corrected as one family of tests."""
    several = sum(len(paired.conditions) for _, paired, _ in measured if len(paired.conditions) > 1)
    analyses = interim or {}
    claims = [samples_of(*one, analyses.get(one[0].id), several) for one in measured]
    return [_compared(samples, p) for samples, p in zip(claims, corrected(claims), strict=True)]


def _evaluated(claim: Exact, frame: pd.DataFrame) -> Verdict:
    try:
        return fact_verdict(claim, FactFound(*facts[claim.fact](frame)))
    except UserError as error:
        return unmeasured_verdict(claim, error)


def _compared(samples: ClaimSamples, p: Corrected) -> Compared:
    """The evidence of a claim: overall, and of each condition if it has several."""
    overall = sample_evidence(samples, samples.overall, p.overall, p.level)
    counts = samples.paired.counts
    if not samples.conditions:
        return Compared(overall, counts, word=overall.word)
    parts = tuple(
        sample_evidence(samples, sample, p_adjusted)
        for sample, p_adjusted in zip(samples.conditions, p.conditions, strict=True)
    )
    relation, word = _related(overall, parts)
    return Compared(overall, counts, parts, relation, word, _middle(samples))


def _related(overall: Evidence, parts: Sequence[Evidence]) -> tuple[Relation, VerdictWord]:
    """How the verdict of a claim with several conditions follows from theirs, and the verdict.

    "depends" if two decided conditions differ. "undecided" if the pooled conditions are decided, but one condition is
    decided differently, or has a difference that the pooled verdict rules out. Otherwise the pooled verdict.
    """
    decided = {part.word for part in parts} & set(DECIDED)
    if len(decided) > 1:
        return "depends", "depends"
    if decided - {overall.word} and overall.word in DECIDED:
        return "unlike the conditions", "undecided"
    large = any(abs(part.sample.estimate.effect) > part.scale.margin for part in parts)
    if overall.word == "no practical difference" and large:
        return "larger in a condition", "undecided"
    return "pooled", overall.word


def _middle(samples: ClaimSamples) -> tuple[float, float, float] | None:
    """The interquartile mean over conditions and seeds, with its interval; infinite advantages count as in `pooled`."""
    by_condition = [sample.advantages.values for sample in samples.conditions]
    finite = np.concatenate([values[np.isfinite(values)] for values in by_condition])
    bounded = [bounded_by(values, float(np.abs(finite).max(initial=0.0))) for values in by_condition]
    if not np.isfinite(np.concatenate(bounded)).all():
        return None
    mean, low, high = map(samples.scale.show, interquartile_mean(bounded))
    return mean, low, high
