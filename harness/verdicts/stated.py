"""From evidence to verdicts as they are shown and stored: figures and sentences."""

from __future__ import annotations

from dataclasses import replace

from harness.cells.facts import FactFound
from harness.errors import UserError
from harness.spec.claims import Claim, Comparison, Exact
from harness.verdicts.evidence import Compared, Evidence
from harness.verdicts.published import beside_published
from harness.verdicts.stats import improvement
from harness.verdicts.verdict import Verdict, VerdictWord
from harness.verdicts.words.findings import not_beaten
from harness.verdicts.words.reasons import claim_reason, sample_reason, unmeasured


def claim_verdict(compared: Compared) -> Verdict:
    """The verdict on a comparison that has pairs."""
    parts = tuple(sample_verdict(part) for part in compared.conditions)
    overall = sample_verdict(compared.overall)
    mean, low, high = compared.middle or (None, None, None)
    published = beside_published(compared.overall.claim, overall.pairs)
    return replace(
        overall,
        verdict=compared.word,
        reason=claim_reason(compared, parts, published),
        published=published,
        needed_seeds=overall.needed_seeds if compared.word == overall.verdict else None,
        interquartile_mean=mean,
        interquartile_low=low,
        interquartile_high=high,
        by_condition=parts,
    )


def sample_verdict(evidence: Evidence) -> Verdict:
    """The verdict of one sample."""
    claim, outcome, scale = evidence.claim, evidence.outcome, evidence.scale
    sample, leaning, resolution = evidence.sample, evidence.lean, evidence.resolution
    result, informed = sample.estimate, evidence.informed
    change = evidence.ends.change if evidence.ends else None
    return Verdict(
        id=claim.id,
        claim=claim.claim,
        verdict=evidence.word,
        effect=scale.show(result.effect) if informed else None,
        ci_low=scale.show(result.low) if informed else None,
        ci_high=scale.show(result.high) if informed else None,
        unit=scale.unit,
        n=result.n,
        conditions=dict(evidence.scope),
        reason=sample_reason(evidence),
        kind=claim.kind,
        source=claim.source,
        better=claim.better,
        than=claim.than,
        on=outcome.column,
        margin=scale.show(scale.margin),
        scale=scale.kind,
        p_value=result.p_value,
        p_adjusted=evidence.p_adjusted,
        improvement=improvement(sample.advantages.values),
        needed_seeds=evidence.needed_seeds,
        lean_favour=leaning.favour if leaning else None,
        lean_within=leaning.within if leaning else None,
        lean_against=leaning.against if leaning else None,
        step=resolution.step if resolution else None,
        crossing=change.at if change else None,
        crossing_low=change.low if change else None,
        crossing_high=change.high if change else None,
        too_coarse=bool(resolution and resolution.too_coarse),
        baseline=not_beaten(evidence.baselines),
        interim_analyses=sample.analyses,
        most_seeds=evidence.most_seeds,
        pairs=sample.advantages.pairs,
        trials=evidence.trials,
    )


def unmeasured_verdict(claim: Comparison | Exact, error: UserError) -> Verdict:
    """The verdict on a claim that the records cannot decide, such as one on a metric that they lack."""
    return bare_verdict(claim, "not testable", unmeasured(claim, error))


def fact_verdict(claim: Exact, fact: FactFound) -> Verdict:
    """The verdict on an exact claim."""
    word: VerdictWord = "undecided" if fact.holds is None else "supported" if fact.holds else "contradicted"
    return replace(bare_verdict(claim, word, fact.reason), effect=fact.effect, unit=fact.unit)


def bare_verdict(claim: Claim, word: VerdictWord, reason: str) -> Verdict:
    """A verdict without figures."""
    verdict = Verdict(id=claim.id, claim=claim.claim, verdict=word, reason=reason, kind=claim.kind, source=claim.source)
    if not isinstance(claim, Comparison):
        return verdict
    on = getattr(claim, "on", None) or ""
    return replace(verdict, better=claim.better, than=claim.than, on=on, published=beside_published(claim))
