"""The reason of a verdict: its sentences in order. Report, terminal, Markdown and README show this text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from harness.errors import UserError
from harness.spec.claims import Comparison, Crossing, DataToTarget, Exact, Trend
from harness.verdicts.evidence import Compared, Evidence
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairingCounts, instead
from harness.verdicts.verdict import DECIDED, PublishedResult, Verdict, VerdictWord
from harness.verdicts.words.conditions import condition_names
from harness.verdicts.words.effects import effect_in_words
from harness.verdicts.words.equality import equality_wants
from harness.verdicts.words.findings import (
    beaten,
    capital,
    finding,
    lean_in_words,
    margin_of,
    not_beaten,
    opposite,
    spaced,
    title,
    why,
)
from harness.verdicts.words.published import published_in_words
from harness.verdicts.words.remedies import (
    interim_analyses,
    known_within,
    measured_better,
    seeds_wanted,
    sizes_known_within,
)
from harness.words import plural


def sample_reason(evidence: Evidence) -> str:
    """The reason of a sample's verdict: the finding, why this verdict and, if undecided, what would decide it."""
    return _joined(
        finding(evidence),
        why(evidence),
        lean_in_words(evidence.lean, margin_of(evidence.scale)) if evidence.lean else "",
        _known_within(evidence),
        equality_wants(evidence),
        seeds_wanted(evidence),
        measured_better(evidence.outcome) if evidence.noise_of_times else "",
        interim_analyses(evidence.sample.analyses, evidence.most_seeds, evidence.sample.later)
        if evidence.most_seeds
        else "",
        beaten(evidence.baselines),
    )


def _known_within(evidence: Evidence) -> str:
    if evidence.resolution is None:
        return ""
    if isinstance(evidence.claim, DataToTarget):
        return sizes_known_within(evidence.resolution)
    return known_within(evidence.resolution, evidence.outcome.unit)


def claim_reason(compared: Compared, conditions: Sequence[Verdict], published: PublishedResult | None = None) -> str:
    """The reason of the verdict of a claim.

    conditions: the verdict of each condition, if there are several
    published:  the figures of a publication that the claim quotes, beside those measured
    """
    overall = compared.overall
    counts = (
        "The pooled result uses only the seeds that every condition has."
        if overall.sample.advantages.seeds_left_out
        else ""
    )
    return _joined(
        _over_conditions(compared, conditions),
        not_beaten(overall.baselines),
        left_out(compared.counts, overall.outcome),
        counts,
        published_in_words(published) if published else "",
    )


def _over_conditions(compared: Compared, conditions: Sequence[Verdict]) -> str:
    overall = compared.overall
    reason = sample_reason(overall)
    match compared.relation:
        case "one condition":
            return reason
        case "pooled":
            return f"{capital(mixture(conditions))}. All conditions pooled: {reason}"
        case "depends":
            return f"{dependence(overall.claim, overall.outcome, conditions)} All conditions pooled: {finding(overall)}"
        case "unlike the conditions":
            return f"{capital(mixture(conditions))}, in contrast to all conditions pooled: {reason}"
        case "larger in a condition":
            larger = "In at least one condition the observed difference is larger than the margin."
            return f"{capital(mixture(conditions))}. All conditions pooled: {reason} {larger}"


def mixture(conditions: Sequence[Verdict]) -> str:
    """'supported in 3 of 8 conditions, contradicted in 2', the most frequent first."""
    counts = Counter(condition.verdict for condition in conditions).most_common()
    first, *others = [f"{word} in {count}" for word, count in counts]
    return ", ".join([f"{first} of {plural(len(conditions), 'condition')}", *others])


def dependence(claim: Comparison, outcome: OutcomeColumn, conditions: Sequence[Verdict]) -> str:
    """'It depends: GRU faster for backend fused (+18 % [15, 21]); GRU slower for backend keras (−17 % [−20, −14]).'"""
    names_of: dict[str, list[str]] = {}
    for name, condition in zip(condition_names(conditions), conditions, strict=True):
        if condition.verdict in DECIDED:
            comparative = _comparative(claim, outcome, condition.verdict)
            names_of.setdefault(comparative, []).append(f"{name} ({effect_in_words(condition)})")
    parts = [f"{comparative} for {', '.join(names)}" for comparative, names in names_of.items()]
    return f"It depends: {'; '.join(parts)}."


def _comparative(claim: Comparison, outcome: OutcomeColumn, word: VerdictWord) -> str:
    """How the verdict of a condition describes the cell that the claim holds to be better."""
    if word == "no practical difference":
        return word
    if isinstance(claim, Trend):
        return f"the advantage {claim.advantage if word == 'supported' else opposite(claim)}"
    if isinstance(claim, Crossing):
        return f"the advantage {'changes' if word == 'supported' else 'does not change'} sign as claimed"
    if isinstance(claim, DataToTarget):
        return f"{title(claim.better)} needs {'less' if word == 'supported' else 'more'} data"
    better, worse = ("faster", "slower") if outcome.unit in ("s", "updates") else ("better", "worse")
    return f"{title(claim.better)} {better if word == 'supported' else worse}"


def left_out(counts: PairingCounts, outcome: OutcomeColumn) -> str:
    """Sentences on trials that count as failed because their outcome is not finite, and on trials in no pair."""
    sentences = []
    if count := counts.not_finite:
        sentences.append(
            f"{count} of the failed trials ran to the end, but the {spaced(outcome.column)} is not finite."
        )
    if count := counts.unpaired:
        are = "are" if count > 1 else "is"
        sentences.append(f"{plural(count, 'trial')} without a counterpart {are} left out.")
    if count := counts.reused:
        are = "are" if count > 1 else "is"
        sentences.append(
            f"{plural(count, 'trial')} {are} left out because the compiled program of an earlier trial was reused:"
            " memory and compile time are measured in the first trial of a process."
        )
    return _joined(*sentences)


def unmeasured(claim: Comparison | Exact, error: UserError) -> str:
    """Why the records cannot decide a claim."""
    return f"These records cannot {'evaluate' if isinstance(claim, Exact) else 'measure'} the claim: {error}."


def nothing_paired(claim: Comparison, frame: pd.DataFrame) -> str:
    """Which pairs of trials a claim without pairs requires, and what the records have instead."""
    asked = [
        f"{name} {wanted if isinstance(wanted, str) else ' or '.join(map(str, wanted))}"
        for name, wanted in claim.where.asked.items()
    ]
    along = ""
    if isinstance(claim, Trend | Crossing):
        along = f", at {claim.fewest_levels} or more values of {claim.along}"
    trials = ", ".join([f"trials of {claim.better} and {claim.than} with the same seed{along}", *asked])
    if frame.empty:
        there_are = "There are no records."
    elif others := instead(claim, frame):
        having = (
            f"{name} {' and '.join(map(str, values))}" if values else f"no {name}" for name, values in others.items()
        )
        there_are = f"The records have {', '.join(having)}."
    else:
        there_are = "No two records form such a pair."
    return f"No records for this claim: it requires {trials}. {there_are}"


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
