"""Open claims, to which a run adds seeds until they are decided: interim analyses, and the choice of the next claim.

The type I error over all interim analyses of a claim is at most 5 %, because each analysis tests at an adjusted level
(harness/verdicts/sequential.py). This requires that the maximum number of seeds is fixed before the first analysis, and
that every analysis is recorded; the store has both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
"""Claims that lean by at least this probability get seeds first: few seeds may decide them."""
MOST_SEEDS = 40
"""Default of --most-seeds."""


def most_seeds_of(experiment: Experiment, store: Store, asked: int | None, *, adding: bool) -> int | None:
    """The maximum number of seeds: fixed by an earlier run, or by this one if `adding`; None without added seeds.

    asked: the value of --most-seeds. Raises UserError if it conflicts with the fixed number or the experiment.
    """
    analyses = store.analyses()
    largest = max(len(sweep.seeds or experiment.seeds) for sweep in experiment.sweep)
    if analyses:
        fixed = next(iter(analyses.values())).most
        if asked not in (None, fixed):
            raise UserError(
                f"--most-seeds {asked}: the interim analyses in {store.directory} assume at most {fixed} seeds,"
                " and the maximum cannot change after the first analysis. Omit the option, or use a new --results DIR"
            )
        return fixed
    if asked is not None and asked < largest:
        raise UserError(f"--most-seeds {asked}: the experiment begins with {largest} seeds. Give a larger number")
    if asked is not None and asked > LARGEST:
        raise UserError(f"--most-seeds {asked}: expected at most {LARGEST:,}")
    return (asked or max(MOST_SEEDS, largest)) if adding else None


def interim_analysis(store: Store, claims: Sequence[Claim], most: int) -> tuple[list[Verdict], pd.DataFrame]:
    """Judge the claims. Record an interim analysis of each open claim that has more seeds than at its last analysis.

    most: the maximum number of seeds. Returns the verdicts, and a frame with one row per record.
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
    return judge(claims, frame, curves, store.analyses()), frame


def is_open(verdict: Verdict) -> bool:
    """Whether more seeds may decide the claim.

    False if the claim has no pairs, if no pair carries information, or if the resolution of the outcomes is too coarse.
    """
    silent = verdict.n >= FEWEST_SEEDS and verdict.effect is None
    return verdict.verdict == "undecided" and bool(verdict.pairs) and not (silent or verdict.too_coarse)


def next_claim(open_verdicts: Sequence[Verdict], seconds: Mapping[str, float]) -> Verdict:
    """The claim that gets seeds next: of those that lean by CLEAR or more, the one with the shortest trials; otherwise
    the one that leans most.

    seconds: by claim id, the estimated seconds for its next seeds.
    """
    clear = [verdict for verdict in open_verdicts if _lean(verdict) >= CLEAR]
    return min(clear, key=lambda verdict: seconds[verdict.id]) if clear else max(open_verdicts, key=_lean)


def _lean(verdict: Verdict) -> float:
    """The largest of the probabilities by which an open claim leans; 0 if none is known.

    A claim on several conditions may be decided for all conditions pooled, or for each condition; in the second case
    the condition that leans least counts. 1 for a decided condition, and with fewer than FEWEST_SEEDS seeds.
    """
    if verdict.n < FEWEST_SEEDS:
        return 1.0
    if verdict.by_condition:
        together = max(verdict.lean_favour or 0.0, verdict.lean_against or 0.0)
        return max(together, min(map(_lean, verdict.by_condition)))
    leans = (verdict.lean_favour, verdict.lean_within, verdict.lean_against)
    return 1.0 if verdict.verdict != "undecided" else max(share or 0.0 for share in leans)


def next_count(verdict: Verdict, before: int, most: int) -> int:
    """The next number of seeds for an open claim; `before` is the last such number, 0 at first."""
    reached = max(verdict.n, before)
    return min(most, reached + BLOCK if reached >= FEWEST_SEEDS else FEWEST_SEEDS)


def further_trials(
    frame: pd.DataFrame, claim: Claim, trials: Mapping[str, TrialSpec], wide: Mapping[str, TrialSpec], count: int
) -> set[str]:
    """The ids of the trials that give every condition of a claim `count` seeds.

    frame: one row per record. trials: the plan so far. wide: the plan with the maximum number of seeds.
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
