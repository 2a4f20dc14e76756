"""Judging: claims and a frame of trials in, verdicts out. The same records give the same verdicts, in whatever order.

The rule, for each comparison (docs/method.md, Judging): no practical difference where a test of equivalence rules out a
difference as large as the margin; else supported or contradicted where the test, after Holm's correction across the
experiment's claims, and the 95 % interval agree on a direction; else undecided. With fewer than 5 seeds: undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from harness.analysis.advantages import Scale, scale_of
from harness.analysis.claims import Claim, Comparison, Exact, NotTestable, Proportion
from harness.analysis.effects import quantity, size
from harness.analysis.exact import FactFound, facts
from harness.analysis.looks import Looks
from harness.analysis.missing_evidence import equality_wanted
from harness.analysis.outcomes import Outcome, with_outcome
from harness.analysis.pairs import Found, Pairs, find_pairs, looked_for
from harness.analysis.power import ADVISED, seeds_for_difference, seeds_for_proportion
from harness.analysis.resolution import decided, finer, step_of, too_coarse
from harness.analysis.samples import Judged, if_exact, judged
from harness.analysis.stats import (
    ALPHA,
    FEWEST_SEEDS,
    Estimate,
    bounded_by,
    holm,
    improvement,
    interquartile_mean,
    interquartile_mean_interval,
)
from harness.analysis.verdict import Verdict, VerdictWord
from harness.analysis.verdicts import read_verdicts, write_verdicts
from harness.analysis.words import (
    DECIDED,
    capital,
    finding,
    instead_of_seeds,
    known_within,
    looked_at,
    measured_better,
    mixture,
    not_beaten,
    seeds_wanted,
    unknown_words,
    why,
)
from harness.errors import UserError

__all__ = ["judge", "judge_pairs", "read_verdicts", "write_verdicts"]


def judge(
    claims: Sequence[Claim],
    frame: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    looks: Mapping[str, Looks] = MappingProxyType({}),
) -> list[Verdict]:
    """A verdict for each claim, in the claims' order.

    frame: a row a trial, as `to_frame` gives it. curves: as `curves_frame` gives them; only time-to-target claims read
    them, and are not testable without. looks: of the claims (by id) for which seeds were added until they were decided;
    such a claim is judged by what its looks have seen, at levels that allow for them.
    """
    verdicts: dict[str, Verdict] = {}
    measured: list[tuple[Comparison, Found, Outcome]] = []
    for claim in claims:
        if isinstance(claim, Exact):
            verdicts[claim.id] = _exact(claim, frame)
        elif isinstance(claim, NotTestable):
            verdicts[claim.id] = _bare(claim, "not testable", claim.reason)
        else:
            try:
                trials, outcome = with_outcome(frame, claim, curves)
                found = find_pairs(trials, claim, outcome.column, outcome.low)
            except UserError as error:
                verdicts[claim.id] = _bare(claim, "not testable", f"It cannot be measured here: {error}.")
                continue
            if found.conditions:
                measured.append((claim, found, outcome))
            else:
                reason = f"No records to judge by: {looked_for(claim, frame)}"
                verdicts[claim.id] = _bare(claim, "undecided", reason)
    verdicts |= {verdict.id: verdict for verdict in judge_pairs(measured, looks)}
    return [verdicts[claim.id] for claim in claims]


def judge_pairs(
    measured: Sequence[tuple[Comparison, Found, Outcome]], looks: Mapping[str, Looks] = MappingProxyType({})
) -> list[Verdict]:
    """The verdicts of comparisons whose pairs are at hand, corrected as one family."""
    drafts = [_draft(claim, found, outcome, looks.get(claim.id)) for claim, found, outcome in measured]
    adjusted = _corrected([draft.overall for draft in drafts])
    open_claims = max(1, sum(p > ALPHA for p in adjusted))
    return [_overall(draft, p, open_claims) for draft, p in zip(drafts, adjusted, strict=True)]


@dataclass(frozen=True)
class _Draft:
    claim: Comparison
    found: Found
    outcome: Outcome
    scale: Scale
    conditions: tuple[Judged, ...]
    overall: Judged
    most: int | None
    """The most seeds that were to be run, where the claim was looked at while seeds were added."""


def _draft(claim: Comparison, found: Found, outcome: Outcome, looks: Looks | None) -> _Draft:
    scale = scale_of(claim, found.conditions, outcome)

    def of(conditions: tuple[Pairs, ...]) -> Judged:
        return judged(claim, conditions, outcome, scale, looks)

    overall = of(found.conditions)
    conditions = tuple(of((pairs,)) for pairs in found.conditions) if len(found.conditions) > 1 else ()
    return _Draft(claim, found, outcome, scale, conditions, overall, looks.most if looks else None)


def _corrected(samples: Sequence[Judged]) -> list[float]:
    """Holm's adjusted p-values; samples too small to be decided are no part of the family."""
    tested = [index for index, sample in enumerate(samples) if sample.estimate.n >= FEWEST_SEEDS]
    adjusted = [1.0] * len(samples)
    for index, p in zip(tested, holm([samples[index].estimate.p_value for index in tested]), strict=True):
        adjusted[index] = float(p)
    return adjusted


def _word(result: Estimate, p_adjusted: float) -> VerdictWord:
    if result.n < FEWEST_SEEDS:
        return "undecided"
    if result.equivalent:
        return "no practical difference"
    if p_adjusted <= ALPHA and (result.low > 0 or result.high < 0):
        return "supported" if result.low > 0 else "contradicted"
    return "undecided"


def _verdict(draft: _Draft, sample: Judged, p_adjusted: float, family: int) -> Verdict:
    """The verdict of one sample by itself."""
    claim, scale, result = draft.claim, draft.scale, sample.estimate
    word = _word(result, p_adjusted)
    informed = sample.found.uninformative < result.n
    resolution = _resolution(draft, sample, word)
    is_open, is_time = word == "undecided" and not resolution.too_coarse, draft.outcome.unit == "s"
    needed = _needed(draft, sample, family) if is_open and not is_time else None
    margin = scale.show(scale.margin)
    equality = equality_wanted(claim, sample, scale) if is_open and not is_time else ""
    if needed is not None and needed <= result.n and (equality or not _small_and_informed(sample, scale)):
        needed = None
    shown = (sample.pairs,) if sample.pairs else draft.found.conditions
    trials = {id for pairs in shown for pair in sample.found.pairs for id in pairs.trials.get(pair.seed, ())}
    sentences = [
        finding(claim, result, sample.found, scale, draft.outcome),
        why(word, result, sample.found, p_adjusted, scale, unknown_words(claim)),
        resolution.sentence,
        equality,
        seeds_wanted(
            needed,
            result.n,
            size(margin, scale.unit, scale.kind),
            draft.most,
            instead_of_seeds(claim, draft.outcome),
        ),
        measured_better(claim, draft.outcome) if is_open and is_time else "",
        looked_at(sample.looks, draft.most, sample.later) if draft.most else "",
    ]
    return Verdict(
        id=claim.id,
        claim=claim.claim,
        verdict=word,
        effect=scale.show(result.effect) if informed else None,
        ci_low=scale.show(result.low) if informed else None,
        ci_high=scale.show(result.high) if informed else None,
        unit=scale.unit,
        n=result.n,
        conditions=sample.pairs.scope if sample.pairs else draft.found.scope,
        reason=" ".join(filter(None, sentences)),
        kind=claim.kind,
        source=claim.source,
        better=claim.better,
        than=claim.than,
        on=draft.outcome.column,
        margin=margin,
        scale=scale.kind,
        p_value=result.p_value,
        p_adjusted=p_adjusted,
        improvement=improvement(sample.found.values),
        needed_seeds=needed if needed is not None and result.n < needed <= ADVISED else None,
        step=resolution.step,
        too_coarse=resolution.too_coarse,
        baseline=not_beaten([_not_beaten(draft, pairs) for pairs in shown]),
        looks=sample.looks,
        most_seeds=draft.most,
        pairs=sample.found.pairs,
        trials=tuple(sorted(trials)),
    )


def _small_and_informed(sample: Judged, scale: Scale) -> bool:
    """Whether the effect is within the margin and most pairs carry information: then power speaks against more."""
    return abs(sample.estimate.effect) < scale.margin and 2 * sample.found.uninformative < sample.estimate.n


@dataclass(frozen=True)
class _Resolution:
    """How finely the outcomes are known, and what that does to the verdict, in a sentence."""

    step: float | None = None
    too_coarse: bool = False
    sentence: str = ""


def _resolution(draft: _Draft, sample: Judged, word: VerdictWord) -> _Resolution:
    shown = (sample.pairs,) if sample.pairs else draft.found.conditions
    step = step_of(shown, draft.outcome)
    if step is None:
        return _Resolution()
    coarse = word == "undecided" and too_coarse(sample.found, draft.scale)
    helps = ""
    if coarse or (word == "undecided" and decided(if_exact(draft.claim, sample, draft.scale))):
        helps = finer(shown, draft.outcome, draft.scale)
    return _Resolution(step, coarse, known_within(quantity(step, draft.outcome.unit), coarse, helps))


def _overall(draft: _Draft, p_adjusted: float, family: int) -> Verdict:
    """The verdict of the claim: of its one condition, or of the pooled sample where its conditions do not disagree."""
    verdict = _verdict(draft, draft.overall, p_adjusted, family)
    if not draft.conditions:
        return _noted(verdict, draft)
    corrected = _corrected(draft.conditions)
    parts = tuple(
        _verdict(draft, sample, p, len(draft.conditions)) for sample, p in zip(draft.conditions, corrected, strict=True)
    )
    decided = {verdict.verdict, *(part.verdict for part in parts)} & set(DECIDED)
    reason = f"{capital(mixture(parts))}; over all: {verdict.reason}"
    over_all = finding(draft.claim, draft.overall.estimate, draft.overall.found, draft.scale, draft.outcome)
    word, mixed = verdict.verdict, ""
    if len(decided) > 1:
        word, mixed = "undecided", f"mixed: {mixture(parts)}"
        reason = f"{capital(mixed)}; over all: {over_all}"
    elif word == "no practical difference" and any(_large(draft, sample) for sample in draft.conditions):
        word, reason = "undecided", f"{reason} In some condition the difference seen is larger than that."
    over_conditions = replace(
        verdict,
        verdict=word,
        reason=reason,
        needed_seeds=verdict.needed_seeds if word == verdict.verdict else None,
        mixed=mixed,
        by_condition=parts,
    )
    return _noted(_with_middle(over_conditions, draft), draft)


def _with_middle(verdict: Verdict, draft: _Draft) -> Verdict:
    """With the interquartile mean over conditions and seeds, and its interval; infinite advantages as in `pooled`."""
    samples = [sample.found.values for sample in draft.conditions]
    finite = np.concatenate([values[np.isfinite(values)] for values in samples])
    bounded = [bounded_by(values, float(np.abs(finite).max(initial=0.0))) for values in samples]
    if not np.isfinite(np.concatenate(bounded)).all():
        return verdict
    low, high = interquartile_mean_interval(bounded)
    return replace(
        verdict,
        interquartile_mean=draft.scale.show(interquartile_mean(np.concatenate(bounded))),
        interquartile_low=draft.scale.show(low),
        interquartile_high=draft.scale.show(high),
    )


def _large(draft: _Draft, sample: Judged) -> bool:
    return abs(sample.estimate.effect) > draft.scale.margin


def _noted(verdict: Verdict, draft: _Draft) -> Verdict:
    notes = [verdict.reason, verdict.baseline, draft.found.left_out]
    if draft.overall.seeds_left_out:
        notes.append("Over all, only seeds that every condition has count.")
    return replace(verdict, reason=" ".join(filter(None, notes)))


def _needed(draft: _Draft, sample: Judged, family: int) -> int | None:
    """Seeds for 80 % power at the level to which Holm holds the most significant of `family` open claims."""
    alpha, margin = ALPHA / family, draft.scale.margin
    if isinstance(draft.claim, Proportion) and sample.pairs is not None:
        solved = [np.nan_to_num(side) for side in (sample.pairs.better, sample.pairs.than)]
        return seeds_for_proportion(solved[0], solved[1], margin, alpha)
    return seeds_for_difference(sample.found.values, margin, alpha)


def _not_beaten(draft: _Draft, pairs: Pairs) -> list[tuple[str, str, float, float]]:
    """Each cell that is, on the mean of its seeds, no better than the best baseline: (cell, baseline, mean, score)."""
    if not pairs.baselines:
        return []
    lower = draft.outcome.lower_is_better
    name, score = (min if lower else max)(pairs.baselines, key=lambda baseline: baseline[1])
    found = []
    for cell, values in ((draft.claim.better, pairs.better), (draft.claim.than, pairs.than)):
        finished = values[np.isfinite(values)]
        mean = float(finished.mean()) if len(finished) else np.nan
        if mean >= score if lower else mean <= score:
            found.append((cell, name, mean, score))
    return found


def _exact(claim: Exact, frame: pd.DataFrame) -> Verdict:
    try:
        found = FactFound(*facts[claim.fact](frame))
    except UserError as error:
        return _bare(claim, "not testable", f"It cannot be evaluated here: {error}.")
    word: VerdictWord = "undecided" if found.holds is None else "supported" if found.holds else "contradicted"
    return replace(_bare(claim, word, found.reason), effect=found.effect, unit=found.unit)


def _bare(claim: Claim, word: VerdictWord, reason: str) -> Verdict:
    """A verdict without figures."""
    verdict = Verdict(
        id=claim.id,
        claim=claim.claim,
        verdict=word,
        effect=None,
        ci_low=None,
        ci_high=None,
        unit="",
        n=0,
        reason=reason,
        kind=claim.kind,
        source=claim.source,
    )
    if isinstance(claim, Exact | NotTestable):
        return verdict
    return replace(verdict, better=claim.better, than=claim.than, on=getattr(claim, "on", None) or "")
