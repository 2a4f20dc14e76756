"""Sentences on what would decide an undecided claim: more frequent evaluations, more seeds, another margin."""

from __future__ import annotations

from collections.abc import Sequence

from harness.spec.claims import Comparison, DataToTarget, Horizon, Proportion, TimeToTarget, Trend
from harness.store.interim import InterimAnalysis
from harness.verdicts.evidence import Evidence
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.power import ADVISED
from harness.verdicts.resolution import Resolution
from harness.verdicts.rounds import COLUMN
from harness.verdicts.words.findings import along_in_words, margin_of
from harness.words import plural, quantity


def known_within(resolution: Resolution, unit: str) -> str:
    """The resolution of times to target; if it prevents a decision, which `evaluate_every` would help."""
    step = quantity(resolution.step, unit)
    text = f"Times to target are known to within {step}, the largest interval between two evaluations around them."
    every = resolution.finer
    helps = "a smaller `evaluate_every`" if every is None else f"`evaluate_every = {every}`"
    if resolution.too_coarse:
        return f"{text} That is too coarse to decide the claim with any number of seeds; use {helps}."
    return f"{text} Exact times might decide the claim; use {helps}." if resolution.finer_helps else text


def sizes_known_within(resolution: Resolution) -> str:
    """The resolution of the data needed; if it prevents a decision, what would help."""
    text = (
        f"The data needed are known to within {quantity(resolution.step, '')}, the largest distance between two values"
        " of train size around them."
    )
    if resolution.too_coarse:
        return f"{text} That is too coarse to decide the claim with any number of seeds; use more values in between."
    return f"{text} Values in between might decide the claim." if resolution.finer_helps else text


def seeds_wanted(evidence: Evidence) -> str:
    """How many seeds would decide a claim; what to change instead if more than 100 would be required."""
    needed, n, most = evidence.seeds_for_power, evidence.sample.estimate.n, evidence.most_seeds
    margin = margin_of(evidence.scale)
    if needed is None:
        return ""
    if needed <= n:
        return (
            f"{n} seeds have at least 80 % power to detect a difference of {margin}: if there is a difference, it is"
            " probably smaller."
        )
    if needed > ADVISED:
        return (
            f"80 % power to detect a difference of {margin} requires more than {max(ADVISED, n)} seeds. Instead, use"
            f" {_instead_of_seeds(evidence.claim, evidence.outcome)}."
        )
    how = f"harness run FILE --seeds {needed}" if most is None else "harness run FILE --until-decided"
    if most is not None and needed > most:
        how = f"more than the maximum of {most} that was fixed beforehand"
    return f"80 % power to detect a difference of {margin} requires about {needed} seeds ({how})."


def _instead_of_seeds(claim: Comparison, outcome: OutcomeColumn) -> str:
    """What would decide an undecided claim, other than more seeds."""
    if isinstance(claim, TimeToTarget | Horizon | Proportion):
        return "a wider margin or longer training"
    if isinstance(claim, Trend | DataToTarget):
        return f"a wider margin or more values of {along_in_words(claim.along)}"
    return "a wider margin or more test data" if outcome.column.startswith("test_") else "a wider margin"


def measured_better(outcome: OutcomeColumn) -> str:
    """What would decide an undecided claim on a time."""
    rounds = " or with more rounds (a smaller margin causes more rounds)" if outcome.column == COLUMN else ""
    return f"Measure times on an otherwise idle machine{rounds}; more seeds do not reduce timing noise."


def interim_analyses(analyses: Sequence[InterimAnalysis], most: int, later: int) -> str:
    """When a claim was tested while seeds were added; `later` seeds came after the last analysis."""
    counts = [str(analysis.n) for analysis in analyses]
    text = ""
    if counts:
        when = " and ".join(filter(None, (", ".join(counts[:-1]), counts[-1])))
        name, them = ("Interim analysis", "it") if len(counts) == 1 else ("Interim analyses", "them")
        text = f"{name} after {when} of at most {most} seeds; p-value and interval are adjusted for {them}."
    if later:
        do = "does" if later == 1 else "do"
        text += f" {plural(later, 'seed')} came after the last interim analysis and {do} not count."
    return text.strip()
