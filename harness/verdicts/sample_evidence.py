"""The verdict of one sample: of a claim's one condition, of one of several, or of all of them pooled.

No practical difference where a test of equivalence rules out a difference as large as the margin; else supported or
contradicted where the test, corrected as one of its family, and the 95 % interval agree on a direction; else undecided.
With fewer than 5 seeds: undecided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.spec.claims import Comparison, Proportion
from harness.store.looks import Looks
from harness.verdicts.advantages import Scale, scale_of
from harness.verdicts.effects import size
from harness.verdicts.lean import lean
from harness.verdicts.missing_evidence import equality_wanted
from harness.verdicts.outcomes import Outcome
from harness.verdicts.pairs import Found, Pairs
from harness.verdicts.power import ADVISED, seeds_for_difference, seeds_for_proportion
from harness.verdicts.resolution import decided, finer, step_of, too_coarse
from harness.verdicts.samples import Judged, if_exact, judged
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, Estimate, improvement
from harness.verdicts.verdict import Verdict, VerdictWord
from harness.verdicts.words.findings import (
    AgainstBaseline,
    beaten,
    finding,
    instead_of_seeds,
    known_within,
    lean_in_words,
    looked_at,
    measured_better,
    not_beaten,
    seeds_wanted,
    unknown_words,
    why,
)
from harness.words import quantity


@dataclass(frozen=True)
class Draft:
    """A claim, what was found for it, and its samples."""

    claim: Comparison
    found: Found
    outcome: Outcome
    scale: Scale
    conditions: tuple[Judged, ...]
    overall: Judged
    most: int | None
    """The most seeds that were to be run, where the claim was looked at while seeds were added."""


def draft(claim: Comparison, found: Found, outcome: Outcome, looks: Looks | None, conditions: int) -> Draft:
    """What is to be judged of a claim.

    conditions: of all claims that have several; over these the error of equivalence in a condition is divided.
    """
    scale = scale_of(claim, found.conditions, outcome)
    overall = judged(claim, found.conditions, outcome, scale, looks)
    parts = found.conditions if len(found.conditions) > 1 else ()
    by_condition = tuple(judged(claim, (pairs,), outcome, scale, looks, conditions) for pairs in parts)
    return Draft(claim, found, outcome, scale, by_condition, overall, looks.most if looks else None)


def _word(result: Estimate, p_adjusted: float) -> VerdictWord:
    if result.n < FEWEST_SEEDS:
        return "undecided"
    if result.equivalent:
        return "no practical difference"
    if p_adjusted <= ALPHA and (result.low > 0 or result.high < 0):
        return "supported" if result.low > 0 else "contradicted"
    return "undecided"


def sample_verdict(draft: Draft, sample: Judged, p_adjusted: float, level: float | None = None) -> Verdict:
    """The verdict of one sample by itself.

    level: of its test, for the number of seeds that would decide it; None: nothing is advised, as for a condition.
    """
    claim, scale, result = draft.claim, draft.scale, sample.estimate
    word = _word(result, p_adjusted)
    informed = sample.found.uninformative < result.n
    resolution = _resolution(draft, sample, word)
    is_open = word == "undecided" and not resolution.too_coarse and level is not None
    is_time = draft.outcome.unit == "s"
    needed = _needed(draft, sample, level or ALPHA) if is_open and not is_time else None
    margin = scale.show(scale.margin)
    leaning = lean(claim, sample, scale.margin) if word == "undecided" else None
    equality = equality_wanted(claim, sample, scale) if is_open and not is_time else ""
    if needed is not None and needed <= result.n and (equality or not _small_and_informed(sample, scale)):
        needed = None
    shown = (sample.pairs,) if sample.pairs else draft.found.conditions
    trials = {id for pairs in shown for pair in sample.found.pairs for id in pairs.trials.get(pair.seed, ())}
    baselines = [_against_baselines(draft, pairs) for pairs in shown]
    sentences = [
        finding(claim, result, sample.found, scale, draft.outcome),
        why(word, result, sample.found, p_adjusted, scale, unknown_words(claim)),
        lean_in_words(leaning, size(margin, scale.unit, scale.kind)) if leaning else "",
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
        beaten(baselines),
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
        lean_favour=leaning.favour if leaning else None,
        lean_within=leaning.within if leaning else None,
        lean_against=leaning.against if leaning else None,
        step=resolution.step,
        too_coarse=resolution.too_coarse,
        baseline=not_beaten(baselines),
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


def _resolution(draft: Draft, sample: Judged, word: VerdictWord) -> _Resolution:
    shown = (sample.pairs,) if sample.pairs else draft.found.conditions
    step = step_of(shown, draft.outcome)
    if step is None:
        return _Resolution()
    coarse = word == "undecided" and too_coarse(sample.found, draft.scale)
    helps = ""
    if coarse or (word == "undecided" and decided(if_exact(draft.claim, sample, draft.scale))):
        helps = finer(shown, draft.outcome, draft.scale)
    return _Resolution(step, coarse, known_within(quantity(step, draft.outcome.unit), coarse, helps))


def _needed(draft: Draft, sample: Judged, alpha: float) -> int | None:
    """Seeds for 80 % power at a level."""
    margin = draft.scale.margin
    if isinstance(draft.claim, Proportion) and sample.pairs is not None:
        solved = [np.nan_to_num(side) for side in (sample.pairs.better, sample.pairs.than)]
        return seeds_for_proportion(solved[0], solved[1], margin, alpha)
    return seeds_for_difference(sample.found.values, margin, alpha)


def _against_baselines(draft: Draft, pairs: Pairs) -> list[AgainstBaseline]:
    """How each cell, on the mean of its seeds, stands against the best of the baselines, where there are some."""
    if not pairs.baselines:
        return []
    lower = draft.outcome.lower_is_better
    name, score = (min if lower else max)(pairs.baselines, key=lambda baseline: baseline[1])
    found = []
    for cell, values in ((draft.claim.better, pairs.better), (draft.claim.than, pairs.than)):
        finished = values[np.isfinite(values)]
        if len(finished):
            mean = float(finished.mean())
            found.append(AgainstBaseline(cell, name, mean, score, beats=mean < score if lower else mean > score))
    return found
