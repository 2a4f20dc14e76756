"""Judging: claims and a frame of trials in, verdicts out. The same records give the same verdicts, in whatever order.

The rule (docs/method.md, Judging): each claim, and each of its conditions where it has several, is judged by itself
(`sample_verdict`), with p-values corrected over all of them (`family`). A claim whose conditions are decided
differently depends on the condition.
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
from harness.store.looks import Looks
from harness.verdicts.family import Corrected, corrected
from harness.verdicts.outcomes import Outcome, with_outcome
from harness.verdicts.pairs import Found, find_pairs, looked_for
from harness.verdicts.sample_evidence import Draft, draft, sample_verdict
from harness.verdicts.samples import Judged
from harness.verdicts.saved import read_verdicts, write_verdicts
from harness.verdicts.stats import bounded_by, interquartile_mean, interquartile_mean_interval
from harness.verdicts.verdict import Verdict, VerdictWord
from harness.verdicts.words.findings import DECIDED, capital, dependence, finding, mixture

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
    several = sum(len(found.conditions) for _, found, _ in measured if len(found.conditions) > 1)
    drafts = [draft(claim, found, outcome, looks.get(claim.id), several) for claim, found, outcome in measured]
    return [_overall(draft, p) for draft, p in zip(drafts, corrected(drafts), strict=True)]


def _overall(draft: Draft, p: Corrected) -> Verdict:
    """The verdict of the claim: of its one condition, or of all of them.

    Where two conditions are decided and differ, the claim depends on the condition. Where the conditions pooled are
    decided, and one is decided otherwise or has a difference that the pooled verdict rules out, it is undecided.
    """
    verdict = sample_verdict(draft, draft.overall, p.overall, p.level)
    if not draft.conditions:
        return _noted(verdict, draft)
    parts = tuple(sample_verdict(draft, one, own) for one, own in zip(draft.conditions, p.conditions, strict=True))
    decided = {part.verdict for part in parts} & set(DECIDED)
    over_all = finding(draft.claim, draft.overall.estimate, draft.overall.found, draft.scale, draft.outcome)
    word, reason = verdict.verdict, f"{capital(mixture(parts))}; over all: {verdict.reason}"
    if len(decided) > 1:
        word, reason = "depends", f"{dependence(draft.claim, draft.outcome, parts)} Over all: {over_all}"
    elif decided - {word} and word in DECIDED:
        word, reason = "undecided", f"{capital(mixture(parts))}, unlike the conditions together: {verdict.reason}"
    elif word == "no practical difference" and any(_large(draft, sample) for sample in draft.conditions):
        word, reason = "undecided", f"{reason} In some condition the difference seen is larger than that."
    needed = verdict.needed_seeds if word == verdict.verdict else None
    over_conditions = replace(verdict, verdict=word, reason=reason, needed_seeds=needed, by_condition=parts)
    return _noted(_with_middle(over_conditions, draft), draft)


def _with_middle(verdict: Verdict, draft: Draft) -> Verdict:
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


def _large(draft: Draft, sample: Judged) -> bool:
    return abs(sample.estimate.effect) > draft.scale.margin


def _noted(verdict: Verdict, draft: Draft) -> Verdict:
    notes = [verdict.reason, verdict.baseline, draft.found.left_out]
    if draft.overall.seeds_left_out:
        notes.append("Over all, only seeds that every condition has count.")
    return replace(verdict, reason=" ".join(filter(None, notes)))


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
