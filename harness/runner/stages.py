"""The stages of a run: first the tuning of learning rates, then the trials that use the tuned rates."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rich.console import Console

from harness.plan.estimate import load_of, seconds_in_all
from harness.plan.expand import Plan, make_plan
from harness.runner.budget import Budget, in_rounds
from harness.runner.engine import Engine
from harness.runner.loop import left_to_do, run_plan
from harness.runner.progress import ShowProgress
from harness.spec.experiment import Experiment
from harness.spec.trial import TrialSpec
from harness.spec.tuning import Tuning
from harness.store.record import MAX_CRASHES, TRY_AGAIN, is_given_up
from harness.store.sqlite import NONE, Attempts, Store
from harness.store.status import learned
from harness.words import duration, plural


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run, in numbers of trials of its last plan."""

    planned: int
    stored_before: int
    finished: int
    failed: int
    """Number of the finished trials whose status is not 'ok'."""
    stopped: bool
    """Whether it was stopped (Ctrl-C) before the plan was done."""


@dataclass(frozen=True)
class Run:
    """The arguments that all stages of a run share."""

    experiment: Experiment
    first_plan: Plan
    """The plan without any record: tuned learning rates are not known yet."""
    store: Store
    engine: Engine
    console: Console
    say: Callable[[str], None]
    """Prints a line."""
    deadline: float
    """On the monotonic clock; infinite without a budget."""
    retry: Mapping[str, int]
    """Trials to re-run, by id, with their number of attempts at the start of the run."""
    most_seeds: int | None
    """The maximum number of seeds if this run or an earlier one adds seeds to open claims; otherwise None."""
    planned_before: frozenset[str]
    stored_by_any_code: frozenset[str]
    """`TrialSpec.id_by_any_code` of the trials in the last plan that have a record, by any version of code and data."""
    attempts_before: Mapping[str, Attempts]
    """The attempts at each trial at the start of the run."""


def run_stages(run: Run) -> tuple[RunOutcome, Plan]:
    """Run the plan. If learning rates are tuned, run the tuning first, then the trials that depend on it.

    A tuning trial that crashes is repeated in the same run, up to MAX_CRASHES times, because the comparison needs it.
    Returns the outcome of the run, and the plan with the learning rates known by then.
    """
    plan = _known_plan(run)
    while True:
        stored = run.store.attempts()
        outcome = run_stage(run, plan.trials)
        if outcome.stopped or not _tunes(run.experiment):
            return outcome, plan
        before, plan = plan, _known_plan(run)
        crashed = run.store.attempts() != stored and _crashed_tuning(run, plan.trials)
        if plan.trials.keys() == before.trials.keys() and not crashed:
            return outcome, plan


def run_stage(run: Run, trials: Mapping[str, TrialSpec]) -> RunOutcome:
    """Run those of the trials that have no final record. Returns the outcome of the run up to the end of the stage."""
    store, engine = run.store, run.engine
    store.set_plan(trials)
    states = store.states()
    attempts = store.attempts()
    left = left_to_do(trials, attempts, run.retry)
    ended = [attempts.get(id, NONE) for id in trials.keys() - {trial.id for trial in left}]
    given_up = sum(is_given_up(at.status, at.crashes) for at in ended)
    done = len(trials) - len(left) - given_up
    estimator = learned(states)
    seconds = seconds_in_all(Counter(load_of(trial.spec) for trial in left).items(), estimator, engine.hosts)
    tuning = any(trial.spec.purpose == "tuning" for trial in left)
    run.say(
        f"{run.experiment.title}: {plural(len(trials), 'trial')}, {done} done before, {len(left)} to do"
        + (f", {given_up} given up after {MAX_CRASHES} crashes (--retry crashed)" if given_up else "")
        + (f", {sum(engine.hosts)} in parallel, about {duration(seconds)}" if left else "")
        + (f" (as many as fit into {duration(run.deadline - time.monotonic())})" if run.deadline < math.inf else "")
        + (" (tuning of learning rates; the comparison follows)" if tuning else "")
    )
    again = sum(trial.attempt == 1 and trial.spec.id_by_any_code() in run.stored_by_any_code for trial in left)
    if again:
        run.say(
            f"{again} of them {'has' if again == 1 else 'have'} a record from other code, other data or an older"
            " version of the harness, which does not count. It stays stored"
            " (`harness.load_records(DIR, all_records=True)`)."
        )
    budget = None
    if run.deadline < math.inf:
        budget = Budget(in_rounds(left, trials), estimator, engine.hosts, run.deadline)
    before = len(trials) - len(left)
    with ShowProgress(run.console, left, estimator, engine.hosts, before, run.deadline, trials.values()) as progress:
        stopped = run_plan(left, store, engine, progress, budget)
    if budget and not stopped:
        store.leave_out(budget.left_out())
    return _outcome(run, trials, stopped=stopped)


def _outcome(run: Run, trials: Mapping[str, TrialSpec], *, stopped: bool) -> RunOutcome:
    to_do, attempts = left_to_do(trials, run.attempts_before, run.retry), run.store.attempts()
    last = [attempts[trial.id].status for trial in to_do if attempts.get(trial.id, NONE).number >= trial.attempt]
    finished = [status for status in last if status != "interrupted"]
    failed = sum(status != "ok" for status in finished)
    return RunOutcome(len(trials), len(trials) - len(to_do), len(finished), failed, stopped)


def _known_plan(run: Run) -> Plan:
    """The plan with the learning rates known so far, and with the seeds that earlier runs added."""
    losses = _final_losses(run.store) if _tunes(run.experiment) else {}
    if not losses and run.most_seeds is None:
        return run.first_plan
    plan = make_plan(run.experiment, losses, most_seeds=run.most_seeds or 0)
    trials = {id: spec for id, spec in plan.wide.items() if id in plan.trials or id in run.planned_before}
    return replace(plan, trials=trials)


def _final_losses(store: Store) -> dict[str, float]:
    """Validation losses of the tuning trials, by trial id; infinite for a trial that failed or was given up."""
    losses = {}
    given_up = {trial_id for trial_id, at in store.attempts().items() if is_given_up(at.status, at.crashes)}
    for record in store.records(all_records=True):
        final = record["status"] not in TRY_AGAIN or record["trial_id"] in given_up
        if record["spec"]["purpose"] == "tuning" and final:
            losses[record["trial_id"]] = record["validation"].get("loss", math.inf)
    return losses


def _tunes(experiment: Experiment) -> bool:
    return any(isinstance(sweep.learning_rate, Tuning) for sweep in experiment.sweep)


def _crashed_tuning(run: Run, trials: Mapping[str, TrialSpec]) -> bool:
    """Whether a tuning trial has crashed and is not given up."""
    attempts = run.store.attempts()
    left = left_to_do(trials, attempts)
    return any(t.spec.purpose == "tuning" and attempts.get(t.id, NONE).status == "crashed" for t in left)
