"""The evidence of one sample: the only condition of a claim, one of several, or all conditions pooled.

The verdict is "no practical difference" if an equivalence test rules out a difference as large as the margin. Otherwise
it is "supported" or "contradicted" if the corrected test and the 95 % interval agree on a direction, and "undecided" if
they do not. Fewer than 5 seeds are always "undecided".
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.spec.claims import Comparison, DataToTarget, Proportion
from harness.store.interim import InterimAnalyses
from harness.verdicts.advantages import Scale, scale_of
from harness.verdicts.baselines import against_baselines
from harness.verdicts.crossings import sign_change
from harness.verdicts.evidence import Ends, Evidence
from harness.verdicts.lean import lean
from harness.verdicts.missing_evidence import missing_for_equality
from harness.verdicts.needed_sizes import needed_sizes
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairedTrials, Pairs
from harness.verdicts.power import seeds_for_difference, seeds_for_proportion
from harness.verdicts.resolution import Resolution, decided, finer, step_of, too_coarse
from harness.verdicts.samples import Sample, if_exact, sample_of
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, Estimate, estimate
from harness.verdicts.verdict import VerdictWord


@dataclass(frozen=True)
class ClaimSamples:
    """A claim with its pairs and samples."""

    claim: Comparison
    paired: PairedTrials
    outcome: OutcomeColumn
    scale: Scale
    conditions: tuple[Sample, ...]
    """One sample for each condition, if there are several."""
    overall: Sample
    most_seeds: int | None
    """Maximum number of seeds, fixed before the first interim analysis; None without interim analyses."""


def samples_of(
    claim: Comparison, paired: PairedTrials, outcome: OutcomeColumn, interim: InterimAnalyses | None, conditions: int
) -> ClaimSamples:
    """The samples of a claim.

    conditions: the number of conditions of all claims with several; the error rate of equivalence tests of single
                conditions is divided by it
    """
    scale = scale_of(claim, paired.conditions, outcome)
    overall = sample_of(claim, paired.conditions, outcome, scale, interim)
    parts = paired.conditions if len(paired.conditions) > 1 else ()
    by_condition = tuple(sample_of(claim, (pairs,), outcome, scale, interim, conditions) for pairs in parts)
    return ClaimSamples(claim, paired, outcome, scale, by_condition, overall, interim.most if interim else None)


def sample_evidence(of: ClaimSamples, sample: Sample, p_adjusted: float, level: float | None = None) -> Evidence:
    """The evidence of one sample.

    level: the level of its test, to compute how many seeds would decide it; None for a condition, which gets no advice
    """
    claim, scale, result = of.claim, of.scale, sample.estimate
    conditions = (sample.pairs,) if sample.pairs else of.paired.conditions
    word = _word(result, p_adjusted)
    resolution = _resolution(of, sample, conditions, word)
    is_open = word == "undecided" and not (resolution and resolution.too_coarse) and level is not None
    on_seeds = is_open and of.outcome.unit != "s"
    missing = missing_for_equality(claim, sample, scale) if on_seeds else None
    seeds = _seeds_for_power(of, sample, level or ALPHA) if on_seeds else None
    if seeds is not None and seeds <= result.n and (missing or not _small_and_informed(sample, scale)):
        seeds = None
    trials = {id for pairs in conditions for pair in sample.advantages.pairs for id in pairs.trials.get(pair.seed, ())}
    return Evidence(
        claim=claim,
        outcome=of.outcome,
        scale=scale,
        sample=sample,
        word=word,
        p_adjusted=p_adjusted,
        scope=sample.pairs.scope if sample.pairs else of.paired.scope,
        trials=tuple(sorted(trials)),
        lean=lean(claim, sample, scale.margin) if word == "undecided" else None,
        resolution=resolution,
        missing=missing,
        seeds_for_power=seeds,
        noise_of_times=is_open and not on_seeds,
        most_seeds=of.most_seeds,
        ends=_ends(sample, scale),
        baselines=tuple(against_baselines(claim, pairs, of.outcome) for pairs in conditions),
    )


def _ends(sample: Sample, scale: Scale) -> Ends | None:
    """The advantages at both ends of a crossing, and where the advantage changes sign; None for other claims."""
    advantages = sample.advantages
    if advantages.ends is None:
        return None
    first, last = (scale.show(estimate(values).effect) for values in advantages.ends)
    if sample.pairs is None or advantages.by_level is None:
        return Ends(first, last)
    levels = sample.pairs.levels
    return Ends(first, last, (levels[0], levels[-1]), sign_change(levels, advantages.by_level))


def _word(result: Estimate, p_adjusted: float) -> VerdictWord:
    if result.n < FEWEST_SEEDS:
        return "undecided"
    if result.equivalent:
        return "no practical difference"
    if p_adjusted <= ALPHA and (result.low > 0 or result.high < 0):
        return "supported" if result.low > 0 else "contradicted"
    return "undecided"


def _small_and_informed(sample: Sample, scale: Scale) -> bool:
    """Whether the effect is within the margin and most pairs are informative: then a larger difference is unlikely."""
    return abs(sample.estimate.effect) < scale.margin and 2 * sample.advantages.uninformative < sample.estimate.n


def _resolution(
    of: ClaimSamples, sample: Sample, conditions: tuple[Pairs, ...], word: VerdictWord
) -> Resolution | None:
    if isinstance(of.claim, DataToTarget):
        conditions = tuple(map(needed_sizes, conditions))
    step = step_of(conditions, of.outcome)
    if step is None:
        return None
    coarse = word == "undecided" and too_coarse(sample.advantages, of.scale)
    might = coarse or (word == "undecided" and decided(if_exact(of.claim, sample, of.scale)))
    return Resolution(step, coarse, might, finer(conditions, of.outcome, of.scale) if might else None)


def _seeds_for_power(of: ClaimSamples, sample: Sample, alpha: float) -> int | None:
    """Seeds for 80 % power at this level; None if no pair is informative, since more such seeds would not be either."""
    margin = of.scale.margin
    if sample.advantages.uninformative == sample.estimate.n:
        return None
    if isinstance(of.claim, Proportion) and sample.pairs is not None:
        return seeds_for_proportion(*sample.advantages.outcomes, margin, alpha)
    parts = sample.advantages.ends or (sample.advantages.values,)
    return max(filter(None, (seeds_for_difference(values, margin, alpha) for values in parts)), default=None)
