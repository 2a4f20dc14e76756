"""Judging: claims and a frame of trials in, verdicts out. The same records give the same verdicts, in whatever order.

The rule (docs/method.md, Judging): each claim, and each of its conditions where it has several, is judged by itself
(`sample_evidence`), with p-values corrected over all of them (`family`). A claim whose conditions are decided
differently depends on the condition. What is found is data (`evidence`); its sentences are written last (`stated`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

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
from harness.verdicts.stated import bare_verdict, claim_verdict
from harness.verdicts.stats import bounded_by, interquartile_mean
from harness.verdicts.verdict import DECIDED, Verdict, VerdictWord
from harness.verdicts.words.reasons import nothing_paired

__all__ = ["judge", "judge_pairs", "read_verdicts", "write_verdicts"]

Measured = tuple[Comparison, PairedTrials, OutcomeColumn]
"""A comparison, its pairs, and what they compare."""
_NONE: Mapping[str, InterimAnalyses] = MappingProxyType({})


def judge(
    claims: Sequence[Claim],
    frame: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    interim: Mapping[str, InterimAnalyses] = _NONE,
) -> list[Verdict]:
    """A verdict for each claim, in the claims' order.

    frame: a row a trial, as `to_frame` gives it. curves: as `curves_frame` gives them; only time-to-target claims read
    them, and are not testable without. interim: of the claims (by id) for which seeds were added until they were
    decided; such a claim is judged by what its interim analyses have seen, at levels that allow for them.
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
                reason = f"It cannot be measured here: {error}."
                verdicts[claim.id] = bare_verdict(claim, "not testable", reason)
                continue
            if paired.conditions:
                measured.append((claim, paired, outcome))
            else:
                verdicts[claim.id] = bare_verdict(claim, "undecided", nothing_paired(claim, frame))
    verdicts |= {verdict.id: verdict for verdict in judge_pairs(measured, interim)}
    return [verdicts[claim.id] for claim in claims]


def judge_pairs(measured: Sequence[Measured], interim: Mapping[str, InterimAnalyses] = _NONE) -> list[Verdict]:
    """The verdicts of comparisons whose pairs are at hand, corrected as one family."""
    return [claim_verdict(compared) for compared in examine_pairs(measured, interim)]


def examine_pairs(measured: Sequence[Measured], interim: Mapping[str, InterimAnalyses] = _NONE) -> list[Compared]:
    """What pairs that are at hand say of comparisons, corrected as one family."""
    several = sum(len(paired.conditions) for _, paired, _ in measured if len(paired.conditions) > 1)
    claims = [samples_of(claim, paired, outcome, interim.get(claim.id), several) for claim, paired, outcome in measured]
    return [_compared(samples, p) for samples, p in zip(claims, corrected(claims), strict=True)]


def _evaluated(claim: Exact, frame: pd.DataFrame) -> Verdict:
    try:
        fact = FactFound(*facts[claim.fact](frame))
    except UserError as error:
        return bare_verdict(claim, "not testable", f"It cannot be evaluated here: {error}.")
    word: VerdictWord = "undecided" if fact.holds is None else "supported" if fact.holds else "contradicted"
    return replace(bare_verdict(claim, word, fact.reason), effect=fact.effect, unit=fact.unit)


def _compared(samples: ClaimSamples, p: Corrected) -> Compared:
    """What is paired of the claim: by its one condition, or by all of them."""
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
    """The verdict on a claim of several conditions, and how it comes about.

    Where two conditions are decided and differ, the claim depends on the condition. Where the conditions pooled are
    decided, and one is decided otherwise or has a difference that the pooled verdict rules out, it is undecided.
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
    """The interquartile mean over conditions and seeds; infinite advantages as in `pooled`."""
    by_condition = [sample.advantages.values for sample in samples.conditions]
    finite = np.concatenate([values[np.isfinite(values)] for values in by_condition])
    bounded = [bounded_by(values, float(np.abs(finite).max(initial=0.0))) for values in by_condition]
    if not np.isfinite(np.concatenate(bounded)).all():
        return None
    mean, low, high = map(samples.scale.show, interquartile_mean(bounded))
    return mean, low, high
