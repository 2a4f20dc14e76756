"""Add seeds to open claims, one claim at a time, until no claim is open or the time budget is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set

from harness.plan.estimate import load_of, seconds_in_all
from harness.plan.expand import Plan
from harness.runner.loop import left_to_do
from harness.runner.open_claims import further_trials, interim_analysis, is_open, next_claim, next_count
from harness.runner.stages import Run, RunOutcome, run_stage
from harness.spec.trial import TrialSpec
from harness.store.status import learned


def add_seeds(
    run: Run, plan: Plan, most: int, outcome: RunOutcome, *, adding: bool
) -> tuple[RunOutcome, tuple[str, ...]]:
    """Analyse the claims and add seeds to one open claim, repeatedly, until no claim is open or the time is spent.

    most: the maximum number of seeds. outcome: the outcome of the run so far. adding: False only analyses the claims.
    Returns the outcome of the whole run, and the ids of the claims that are still open.
    """
    trials = plan.trials
    claims = {claim.id: claim for claim in run.experiment.claim}
    counts: dict[str, int] = {}
    """The number of seeds that was last planned for each claim."""
    while True:
        verdicts, frame = interim_analysis(run.store, run.experiment.claim, most)
        still_open = [verdict for verdict in verdicts if is_open(verdict)]
        names = tuple(verdict.id for verdict in still_open)
        growing = [verdict for verdict in still_open if counts.get(verdict.id) != most]
        if not adding or not growing or run.store.left_out_ids():
            _forget_what_did_not_fit(run, plan, trials)
            return outcome, names
        wanted = {verdict.id: next_count(verdict, counts.get(verdict.id, 0), most) for verdict in growing}
        further = {id: further_trials(frame, claims[id], trials, plan.wide, count) for id, count in wanted.items()}
        chosen = next_claim(growing, _seconds_of(run, further, plan.wide)).id
        counts[chosen] = wanted[chosen]
        run.say(f"Open claims: {', '.join(names)}. Adding seeds for {chosen}, up to {wanted[chosen]}.")
        trials = {id: spec for id, spec in plan.wide.items() if id in trials or id in further[chosen]}
        outcome = run_stage(run, trials)
        if outcome.stopped:
            return outcome, names


def _forget_what_did_not_fit(run: Run, plan: Plan, trials: Mapping[str, TrialSpec]) -> None:
    """Remove added seeds that the budget left out from the plan: the run is complete without them."""
    if len(trials) > len(plan.trials) and run.store.left_out_ids():
        stored = run.store.attempts()
        run.store.set_plan({id: spec for id, spec in trials.items() if id in plan.trials or id in stored})


def _seconds_of(run: Run, groups: Mapping[str, Set[str]], trials: Mapping[str, TrialSpec]) -> dict[str, float]:
    """The estimated seconds for the remaining trials of each group; `groups` are sets of trial ids."""
    estimator, attempts = learned(run.store.states()), run.store.attempts()

    def seconds(ids: Set[str]) -> float:
        left = left_to_do({id: trials[id] for id in ids}, attempts)
        return seconds_in_all(Counter(load_of(trial.spec) for trial in left).items(), estimator, run.engine.hosts)

    return {name: seconds(ids) for name, ids in groups.items()}
