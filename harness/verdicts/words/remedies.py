"""What would decide an open claim, in sentences: finer times, more seeds, another margin."""

from __future__ import annotations

from collections.abc import Sequence

from harness.spec.claims import Comparison, Horizon, Proportion, TimeToTarget, Trend
from harness.store.interim import InterimAnalysis
from harness.verdicts.evidence import Evidence
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.power import ADVISED
from harness.verdicts.resolution import Resolution
from harness.verdicts.rounds import COLUMN
from harness.verdicts.words.findings import margin_of, spaced
from harness.words import plural, quantity


def known_within(resolution: Resolution, unit: str) -> str:
    """How finely times are known; whether no number of seeds would decide; and what would help, where that is why."""
    step = quantity(resolution.step, unit)
    text = f"Times are known to within {step}, the largest distance between the evaluations around them."
    every = resolution.finer
    helps = "a smaller `evaluate_every`" if every is None else f"`evaluate_every = {every}`"
    if resolution.too_coarse:
        return f"{text} That is too coarse to decide the claim with any number of seeds; {helps} would be finer."
    return f"{text} With exact times it might be decided: {helps} would be finer." if resolution.finer_helps else text


def seeds_wanted(evidence: Evidence) -> str:
    """How many seeds it would take to decide a claim, or what else where these would be more than 100."""
    needed, n, most = evidence.seeds_for_power, evidence.sample.estimate.n, evidence.most_seeds
    margin = margin_of(evidence.scale)
    if needed is None:
        return ""
    if needed <= n:
        return (
            f"{n} seeds have at least 80 % power against a difference of {margin}: if there is a difference, it is"
            " probably smaller."
        )
    if needed > ADVISED:
        return (
            f"For 80 % power against a difference of {margin} it would take more than {max(ADVISED, n)} seeds:"
            f" {_instead_of_seeds(evidence.claim, evidence.outcome)}, would decide sooner."
        )
    how = f"harness run FILE --seeds {needed}" if most is None else "harness run FILE --until-decided"
    if most is not None and needed > most:
        how = f"more than the {most} that were fixed beforehand"
    return f"For 80 % power against a difference of {margin} it would take about {needed} seeds ({how})."


def _instead_of_seeds(claim: Comparison, outcome: OutcomeColumn) -> str:
    """What else than more seeds would decide an undecided claim."""
    if isinstance(claim, TimeToTarget | Horizon | Proportion):
        return "a wider margin, or longer training"
    if isinstance(claim, Trend):
        return f"a wider margin, or more values of {spaced(claim.along)}"
    return "a wider margin, or more test data" if outcome.column.startswith("test_") else "a wider margin"


def measured_better(outcome: OutcomeColumn) -> str:
    """What would decide an undecided claim on time."""
    rounds = ", or more rounds (a smaller margin asks for more)" if outcome.column == COLUMN else ""
    return f"A time is known better on a quiet machine{rounds}; more seeds are no remedy for noise."


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
