"""Open claims, to which a run adds seeds until they are decided: which claim is next, its trials, interim analyses.

However often a claim is analysed, it gets a wrong direction with a probability of at most 5 %: each interim analysis
tests at a level that allows for all of them (harness/verdicts/sequential.py). For that the most seeds have to be fixed
before the first one, and every one has to be on record: both are in the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.errors import UserError
from harness.spec.claims import Claim, Comparison
from harness.spec.experiment import Experiment
from harness.spec.trial import TrialSpec
from harness.spec.types import MOST_SEEDS as LARGEST
from harness.store.frame import curves_frame, to_frame
from harness.store.sqlite import Store
from harness.verdicts.judge import judge
from harness.verdicts.pairs import selected
from harness.verdicts.stats import FEWEST_SEEDS
from harness.verdicts.verdict import Verdict

BLOCK = 6
"""Seeds that are added between two interim analyses."""
CLEAR = 0.8
"""A claim that leans by this probability gets its seeds before those that lean less: they decide it sooner."""
MOST_SEEDS = 40
"""The most seeds that are run, where the user says nothing else."""


def most_seeds_of(experiment: Experiment, store: Store, asked: int | None, *, adding: bool) -> int | None:
    """The most seeds that were, or by a run that adds seeds now are, fixed beforehand; None where none are added.

    Raises UserError where it cannot be what is asked for.
    """
    analyses = store.analyses()
    largest = max(len(sweep.seeds or experiment.seeds) for sweep in experiment.sweep)
    if analyses:
        fixed = next(iter(analyses.values())).most
        if asked not in (None, fixed):
            raise UserError(
                f"--most-seeds {asked}: claims in {store.directory} were analysed with at most {fixed} seeds in mind,"
                " and that cannot be changed afterwards. Leave the option out, or start again with --results DIR"
            )
        return fixed
    if asked is not None and asked < largest:
        raise UserError(f"--most-seeds {asked}: the experiment begins with {largest} seeds. Give a larger number")
    if asked is not None and asked > LARGEST:
        raise UserError(f"--most-seeds {asked}: expected at most {LARGEST:,}")
    return (asked or max(MOST_SEEDS, largest)) if adding else None


@dataclass(frozen=True)
class AnalysedClaims:
    """The claims judged by the seeds so far, and what they were judged by."""

    verdicts: list[Verdict]
    frame: pd.DataFrame
    """Of the records."""


def interim_analysis(store: Store, claims: Sequence[Claim], most: int) -> AnalysedClaims:
    """Judge the claims, and note this interim analysis for each that is open and has more seeds than at the last one.

    most: the number of seeds at the last interim analysis that may be.
    """
    frame, curves, analyses = to_frame(store.records()), curves_frame(store.records()), store.analyses()
    before = {verdict.id: verdict for verdict in judge(claims, frame, curves, analyses)}
    through = {}
    for whole in judge(claims, frame, curves):
        analysed = before[whole.id].interim_analyses
        seen = analysed[-1].n if analysed else FEWEST_SEEDS - 1
        if seen < len(whole.pairs) <= most and (is_open(before[whole.id]) or whole.id not in analyses):
            through[whole.id] = max(pair.seed for pair in whole.pairs)
    store.add_analyses(through, most)
    return AnalysedClaims(judge(claims, frame, curves, store.analyses()), frame)


def is_open(verdict: Verdict) -> bool:
    """Whether more seeds may decide the claim.

    Not where there is nothing to pair, where no pair carries information, or where outcomes are not known finely
    enough.
    """
    silent = verdict.n >= FEWEST_SEEDS and verdict.effect is None
    return verdict.verdict == "undecided" and bool(verdict.pairs) and not (silent or verdict.too_coarse)


def next_claim(open_verdicts: Sequence[Verdict], seconds: Mapping[str, float]) -> Verdict:
    """The claim whose seeds come next: of those that lean clearly the one whose seeds take least, else the one that
    leans most.

    seconds: what the next seeds of each claim, by id, are expected to take.
    """
    clear = [verdict for verdict in open_verdicts if _lean(verdict) >= CLEAR]
    return min(clear, key=lambda verdict: seconds[verdict.id]) if clear else max(open_verdicts, key=_lean)


def _lean(verdict: Verdict) -> float:
    """The largest of the probabilities that an open claim leans by; 0 where nothing is known.

    Several conditions may be decided together in one direction, or each by itself: then the least of them counts.
    1 for a condition that is decided, and where there are too few seeds for any decision.
    """
    if verdict.n < FEWEST_SEEDS:
        return 1.0
    if verdict.by_condition:
        together = max(verdict.lean_favour or 0.0, verdict.lean_against or 0.0)
        return max(together, min(map(_lean, verdict.by_condition)))
    leans = (verdict.lean_favour, verdict.lean_within, verdict.lean_against)
    return 1.0 if verdict.verdict != "undecided" else max(share or 0.0 for share in leans)


def next_count(verdict: Verdict, before: int, most: int) -> int:
    """Up to how many seeds an open claim is brought next; `before` is the last such number, 0 at first."""
    reached = max(verdict.n, before)
    return min(most, reached + BLOCK if reached >= FEWEST_SEEDS else FEWEST_SEEDS)


def further_trials(
    frame: pd.DataFrame, claim: Claim, trials: Mapping[str, TrialSpec], wide: Mapping[str, TrialSpec], count: int
) -> set[str]:
    """The ids of the trials that bring every condition of a claim to this number of seeds.

    frame: of the records. trials: those planned so far. wide: those of the experiment with the most seeds. count: of
    seeds.
    """
    behind = set(selected(frame, claim)["trial_id"]) if isinstance(claim, Comparison) else set()
    wanted = {_but_the_seed(spec) for id, spec in trials.items() if id in behind}
    seeds: dict[str, list[tuple[int, str]]] = {}
    for trial_id, spec in wide.items():
        condition = _but_the_seed(spec)
        if condition in wanted:
            seeds.setdefault(condition, []).append((spec.seed, trial_id))
    return {trial_id for numbered in seeds.values() for _, trial_id in sorted(numbered)[:count]}


def _but_the_seed(spec: TrialSpec) -> str:
    return spec.model_dump_json(exclude={"seed"})
