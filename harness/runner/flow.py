"""The main job from one end to the other: experiment -> plan -> trials -> store -> verdicts -> report."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from harness.errors import UserError, check_name
from harness.files import remove_parts, user_path, write_atomically
from harness.plan.digest import code_version
from harness.plan.estimate import load_of, seconds_in_all
from harness.plan.expand import plan
from harness.results import judge_and_render
from harness.runner import more_seeds
from harness.runner.budget import Budget, in_rounds
from harness.runner.cluster.connect import Cluster, cluster_engine
from harness.runner.engine import Engine
from harness.runner.limits import Limits
from harness.runner.local import scratch
from harness.runner.local.child import server_context, without_main
from harness.runner.local.engine import LocalEngine
from harness.runner.loop import Outcome, left_to_do, run_plan
from harness.runner.precision import precision_for
from harness.runner.problems import problems_of
from harness.runner.progress import ShowProgress
from harness.spec.experiment import Experiment
from harness.spec.load import checked, load_experiment
from harness.spec.trial import TrialSpec
from harness.spec.tuning import Tune
from harness.store.folder import EXPERIMENT_NAME, exclusive, summary_file, write_summary
from harness.store.frame import to_frame
from harness.store.machine import fingerprint_of, this_machine
from harness.store.record import MAX_CRASHES, OTHER_MACHINE, RETRIED, TRY_AGAIN, is_given_up
from harness.store.sqlite import NONE, Attempts, LeftOut, Store, open_store
from harness.store.status import learned
from harness.tasks.common.cache import VARIABLE as CACHE_VARIABLE
from harness.trial.process import begin_in, model_summary
from harness.verdicts.verdict import Verdict
from harness.words import duration

CACHE_FOLDER = ".cache"
"""Beside the results folders, where HARNESS_CACHE names no other: data that take long to make. It can be deleted."""
CLOSING_SECONDS, CLOSING_SHARE = 25.0, 0.1
"""Of a budget, what is kept for judging and the report: a share, at most so many seconds."""


@dataclass(frozen=True)
class Finished:
    """What a run gave: `report` and `verdicts` are empty where it was stopped before the end."""

    directory: Path
    outcome: Outcome
    verdicts: list[Verdict]
    report: Path | None
    left_out: Sequence[LeftOut] = ()
    """What did not fit into the budget, and why."""
    open_claims: tuple[str, ...] = ()
    """Ids of the claims that are still open after seeds were added."""
    problems: tuple[str, ...] = ()
    """Why the run does not count as successful: a sweep that cannot go on, trials still to do, too many failures."""

    @property
    def exit_code(self) -> int:
        """The exit status of `harness run`: 0 all done, 1 done but with `problems`, 130 stopped."""
        return 130 if self.outcome.stopped else 1 if self.problems else 0


@dataclass(frozen=True)
class _Run:
    """What every stage of a run has in common."""

    experiment: Experiment
    store: Store
    engine: Engine
    console: Console
    deadline: float
    """On the monotonic clock; infinite without a budget."""
    retry: Mapping[str, int]
    """Trials to be done again (by id), with the attempts they had when the run began."""
    most_seeds: int | None
    """The most seeds that claims are looked at with, where seeds are, or have been, added; then those stay planned."""
    planned_before: frozenset[str]
    stored_by_any_code: frozenset[str]
    """`TrialSpec.id_by_any_code` of the trials of the last plan that have a record, by this code and data or others."""
    attempts_before: Mapping[str, Attempts]
    """When the run began."""


def run_experiment(
    experiment: Experiment | str | Path,
    *,
    results: str | Path = "results",
    jobs: int | None = None,
    seeds: int | None = None,
    console: Console | None = None,
    budget: float | None = None,
    retry: Collection[str] = (),
    until_decided: bool = False,
    most_seeds: int | None = None,
    cluster: Cluster | None = None,
) -> Finished:
    """Run what is left of an experiment's plan, judge its claims and write its report into `results/<name>/`.

    `experiment` is a path, a bundled experiment's name, or an Experiment: one that was loaded, a copy of it with
    changes, or one made in Python (whose relative paths are those of the current folder). `jobs` trials run side by
    side (default: as many as there are cores). `seeds`: their number in every sweep: the experiment's own, then the
    following integers. A run that was stopped continues. `budget`: seconds that the run may take; trials that do not
    fit are left out, in whole blocks. `retry`: statuses; trials that ended with one of them are re-run.
    `until_decided`: add seeds where claims are undecided, up to `most_seeds` (40). `cluster`: run trials on Dask's
    workers, not here. Look at the result's `problems`: a run in which all trials failed returns, too. Raises UserError
    for arguments and experiments that cannot be run.
    """
    begun = time.monotonic()
    _check_count("jobs", jobs)
    _check_count("most_seeds", most_seeds)
    _check_count("seeds", seeds)
    _check_seconds("budget", budget)
    retry = (retry,) if isinstance(retry, str) else retry
    for status in retry:
        check_name("status", status, RETRIED)
    if cluster is not None and OTHER_MACHINE in retry:
        raise UserError(f"--retry {OTHER_MACHINE} is for runs on one machine: on a cluster each block has its own host")
    given = checked(experiment) if isinstance(experiment, Experiment) else load_experiment(experiment)
    experiment = given if seeds is None else more_seeds.with_number_of_seeds(given, seeds)
    console = console or Console()
    for note in given.renamed:
        console.print(f"{given.source}: {note}.", markup=False, soft_wrap=True)
    directory = user_path(results) / experiment.name
    plan(experiment, {})  # a plan that cannot be made is told before anything is written
    with open_store(directory, create=True) as store, exclusive(directory):
        cache = Path(os.environ.get(CACHE_VARIABLE) or directory.parent / CACHE_FOLDER)
        remove_parts(cache)
        deadline = math.inf if budget is None else begun + budget - min(CLOSING_SECONDS, CLOSING_SHARE * budget)
        again = {trial_id: at.number for trial_id, at in store.attempts().items() if at.status in retry}
        if cluster is None:
            again |= _timed_elsewhere(store, console, retry=OTHER_MACHINE in retry)
        most = more_seeds.most_seeds(experiment, store, most_seeds, adding=until_decided)
        with _engine(experiment, cluster, jobs, cache, console) as engine:
            write_atomically(directory / EXPERIMENT_NAME, given.text())  # not earlier: a refused run changes nothing
            before = frozenset(store.planned_trials())
            run = _Run(
                experiment,
                store,
                engine,
                console,
                deadline,
                again,
                most,
                before,
                _by_any_code(store),
                store.attempts(),
            )
            outcome = _run_stages(run)
            open_claims: tuple[str, ...] = ()
            if most is not None and not outcome.stopped:
                outcome, open_claims = _look_and_add(run, most, outcome, adding=until_decided)
        left_out = store.left_out()
        problems = problems_of(experiment, _losses(run), store)
        if outcome.stopped:
            return Finished(directory, outcome, [], None, left_out)
        _summarise_models(experiment, directory)
        verdicts, report = judge_and_render(directory, experiment=given)
        return Finished(directory, outcome, verdicts, report, left_out, open_claims, problems)


def _timed_elsewhere(store: Store, console: Console, *, retry: bool) -> dict[str, int]:
    """The speed trials to be timed again, by id, with their attempts: with `retry` those of other machines.

    Without it, says how many there are.
    """
    here = this_machine().fingerprint
    elsewhere = {
        trial_id: (attempts, machine)
        for trial_id, (attempts, machine) in store.speed_machines().items()
        if fingerprint_of(machine) != here
    }
    if elsewhere and not retry:
        machines = {
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, TensorFlow"
            f" {machine['tensorflow']}"
            for _, machine in elsewhere.values()
        }
        console.print(
            f"{len(elsewhere)} stored speed trial{'s were' if len(elsewhere) != 1 else ' was'} timed on another machine"
            f" ({'; '.join(sorted(machines))}). Times of two machines are not compared."
            f" --retry {OTHER_MACHINE} times them again here.",
            markup=False,
            soft_wrap=True,
        )
    return {trial_id: attempts for trial_id, (attempts, _) in elsewhere.items()} if retry else {}


def _check_count(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1):
        raise UserError(f"{name} is {value!r}, expected a whole number of at least 1")


def _check_seconds(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, int | float) and value > 0):
        raise UserError(f"{name} is {value!r}, expected a positive number of seconds")


@contextmanager
def _engine(
    experiment: Experiment, cluster: Cluster | None, jobs: int | None, cache: Path, console: Console
) -> Iterator[Engine]:
    limits, precision = _limits(experiment), precision_for(experiment.claim)
    if cluster is None:
        yield LocalEngine(jobs, limits, cache, precision=precision)
        return

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    with cluster_engine(cluster, jobs, limits, precision, say) as engine:
        yield engine


def _limits(experiment: Experiment) -> Limits:
    given = experiment.limits
    return Limits(given.seconds, int(given.memory_gib * 2**30) if given.memory_gib else None)


def _by_any_code(store: Store) -> frozenset[str]:
    """What the trials of the last plan that have a record asked for, by whichever code and version of their data."""
    stored = store.attempts()
    found = set()
    for planned in store.plan():
        if planned.trial_id in stored and stored[planned.trial_id][1] not in TRY_AGAIN:
            with suppress(ValidationError):  # planned by a version with other fields
                found.add(TrialSpec.model_validate_json(planned.spec).id_by_any_code())
    return frozenset(found)


def final_losses(store: Store) -> dict[str, float]:
    """Validation losses by trial id, for tuning; infinite for a trial that failed, or crashed too often."""
    losses = {}
    given_up = {trial_id for trial_id, at in store.attempts().items() if is_given_up(at.status, at.crashes)}
    for record in store.records(all_records=True):
        final = record["status"] not in TRY_AGAIN or record["trial_id"] in given_up
        if record["spec"]["purpose"] == "tuning" and final:
            losses[record["trial_id"]] = record["validation"].get("loss", math.inf)
    return losses


def _run_stages(run: _Run) -> Outcome:
    """Run the plan; where learning rates are tuned, first the tuning and then what it makes known of the plan.

    A tuning trial that crashes is repeated at once, until it ends otherwise or is given up: the comparison needs it.
    """
    trials = _planned(run)
    outcome = stage = _run_stage(run, trials)
    while not outcome.stopped and _tunes(run.experiment):
        known_now = _planned(run)
        if known_now.keys() == trials.keys() and not (stage.finished and _crashed_tuning(run, trials)):
            break
        trials = known_now
        stage = _run_stage(run, trials)
        outcome = outcome.then(stage)
    return outcome


def _crashed_tuning(run: _Run, trials: Mapping[str, TrialSpec]) -> bool:
    """Whether a tuning trial has crashed and is not given up."""
    attempts = run.store.attempts()
    left = left_to_do(trials, attempts)
    return any(t.spec.purpose == "tuning" and attempts.get(t.id, NONE).status == "crashed" for t in left)


def _given_up(attempts: Mapping[str, Attempts], ids: Collection[str]) -> int:
    """How many of these trials have crashed too often to be tried again."""
    return sum(is_given_up(at.status, at.crashes) for trial_id, at in attempts.items() if trial_id in ids)


def _planned(run: _Run) -> dict[str, TrialSpec]:
    """The plan as far as it is known, with the seeds that earlier runs have added."""
    trials = plan(run.experiment, _losses(run))
    if run.most_seeds is None:
        return trials
    return {id: spec for id, spec in _wide_plan(run).items() if id in trials or id in run.planned_before}


def _wide_plan(run: _Run) -> dict[str, TrialSpec]:
    """The plan with the most seeds that may be added."""
    return plan(more_seeds.with_seeds(run.experiment, run.most_seeds or 0), _losses(run))


def _losses(run: _Run) -> dict[str, float]:
    return final_losses(run.store) if _tunes(run.experiment) else {}


def _tunes(experiment: Experiment) -> bool:
    return any(isinstance(sweep.learning_rate, Tune) for sweep in experiment.sweep)


def _look_and_add(run: _Run, most: int, outcome: Outcome, *, adding: bool) -> tuple[Outcome, tuple[str, ...]]:
    """Look at the claims; add seeds for those that are open, and look again, until none is or the time is spent.

    Returns how the run ended and the ids of the claims that are still open.
    """
    trials, wide = _planned(run), _wide_plan(run)
    counts: dict[str, int] = {}
    """By claim, the number of seeds that it was last brought to."""
    while True:
        verdicts = more_seeds.look(run.store, run.experiment.claim, most)
        still_open = [verdict for verdict in verdicts if more_seeds.is_open(verdict)]
        names = tuple(verdict.id for verdict in still_open)
        growing = [verdict for verdict in still_open if counts.get(verdict.id) != most]
        if not adding or not growing or run.store.count_left_out():
            return outcome, names
        frame, claims = to_frame(run.store.records()), {claim.id: claim for claim in run.experiment.claim}
        wanted = {one.id: more_seeds.next_count(one, counts.get(one.id, 0), most) for one in growing}
        further = {
            id: more_seeds.further_trials(frame, claims[id], trials, wide, count) for id, count in wanted.items()
        }
        chosen = more_seeds.next_claim(growing, _seconds_of(run, further, wide)).id
        counts[chosen] = wanted[chosen]
        run.console.print(
            f"Open: {', '.join(names)}. Going on with {chosen}, to {wanted[chosen]} seeds.",
            markup=False, soft_wrap=True, highlight=False,
        )  # fmt: skip
        trials = {id: spec for id, spec in wide.items() if id in trials or id in further[chosen]}
        outcome = outcome.then(_run_stage(run, trials))
        if outcome.stopped:
            return outcome, names


def _seconds_of(run: _Run, groups: Mapping[str, Set[str]], trials: Mapping[str, TrialSpec]) -> dict[str, float]:
    """What the trials (ids) of each group that are still to do are expected to take together, in seconds."""
    estimator, attempts = learned(run.store.states()), run.store.attempts()

    def seconds(ids: Set[str]) -> float:
        left = left_to_do({id: trials[id] for id in ids}, attempts)
        return seconds_in_all(Counter(load_of(trial.spec) for trial in left).items(), estimator, run.engine.hosts)

    return {name: seconds(ids) for name, ids in groups.items()}


def _run_stage(run: _Run, trials: Mapping[str, TrialSpec]) -> Outcome:
    """Run what is left of the plan as far as it is known."""
    store, engine = run.store, run.engine
    store.set_plan(trials)
    states = store.states()
    attempts = store.attempts()
    left = left_to_do(trials, attempts, run.retry)
    repeated = sum(trial.attempt - 1 > run.attempts_before.get(trial.id, NONE).number for trial in left)
    given_up = _given_up(attempts, trials.keys() - {trial.id for trial in left})
    done = len(trials) - len(left) - given_up
    estimator = learned(states)
    seconds = seconds_in_all(Counter(load_of(trial.spec) for trial in left).items(), estimator, engine.hosts)
    tuning = any(trial.spec.purpose == "tuning" for trial in left)
    run.console.print(
        f"{run.experiment.title}: {len(trials)} trials, {done} done before, {len(left)} to do"
        + (f", {given_up} given up after {MAX_CRASHES} crashes (--retry crashed)" if given_up else "")
        + (f", {engine.jobs} side by side, about {duration(seconds)}" if left else "")
        + (f" (as many as fit into {duration(run.deadline - time.monotonic())})" if run.deadline < math.inf else "")
        + (" (to tune learning rates; the comparison follows)" if tuning else ""),
        markup=False,
        soft_wrap=True,
    )
    again = sum(trial.attempt == 1 and trial.spec.id_by_any_code() in run.stored_by_any_code for trial in left)
    if again:
        run.console.print(
            f"{again} of them {'was' if again == 1 else 'were'} run before, by other code, on other data or by an older"
            " version of the harness. Their records are kept (`harness.load_records(DIR, all_records=True)`).",
            markup=False,
            soft_wrap=True,
        )
    budget = None
    if run.deadline < math.inf:
        budget = Budget(in_rounds(left, trials), estimator, engine.hosts, run.deadline)
    before = len(trials) - len(left)
    with ShowProgress(run.console, left, estimator, engine.hosts, before, run.deadline, trials.values()) as progress:
        outcome = run_plan(left, len(trials), store, engine, progress, budget)
    outcome = replace(outcome, repeated=repeated)
    if budget and not outcome.stopped:
        store.leave_out(budget.left_out())
    return outcome


def _summarise_models(experiment: Experiment, directory: Path) -> None:
    """Keep the summaries of the article's models for the report, which itself never imports TensorFlow."""
    versions = {cell: code_version(experiment.sweep[0].task, cell) for cell in experiment.trained_cells}
    missing = [cell for cell, version in versions.items() if not summary_file(directory, cell, version).is_file()]
    if missing:
        temporary = scratch.new_folder()
        pool = ProcessPoolExecutor(1, server_context(), begin_in, (str(temporary),))
        with without_main(), pool as isolated:
            for cell, text in zip(missing, isolated.map(model_summary, missing), strict=True):
                write_summary(directory, cell, versions[cell], text)
        scratch.remove(temporary)
