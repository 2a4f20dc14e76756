"""The steps of `harness run`: experiment -> plan -> trials -> store -> verdicts -> report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from harness.files import remove_parts, user_path, write_atomically
from harness.plan.digest import code_version
from harness.plan.expand import make_plan
from harness.results import judge_and_render
from harness.runner.add_seeds import add_seeds
from harness.runner.arguments import check_count, check_seconds, check_statuses
from harness.runner.cluster.connect import Cluster, cluster_engine
from harness.runner.engine import Engine
from harness.runner.limits import Limits
from harness.runner.local import scratch
from harness.runner.local.child import server_context, without_main
from harness.runner.local.engine import LocalEngine
from harness.runner.open_claims import most_seeds_of
from harness.runner.precision import precision_for
from harness.runner.problems import problems_of
from harness.runner.stages import Run, RunOutcome, run_stages
from harness.spec.experiment import Experiment, with_number_of_seeds
from harness.spec.load import checked, load_experiment
from harness.spec.trial import TrialSpec
from harness.store.folder import EXPERIMENT_NAME, cache_folder, exclusive, summary_file, write_summary
from harness.store.machine import fingerprint_of, this_machine
from harness.store.record import OTHER_MACHINE, TRY_AGAIN
from harness.store.sqlite import LeftOut, Store, open_store
from harness.trial.process import begin_in, model_summary
from harness.verdicts.verdict import Verdict
from harness.words import plural

CLOSING_SECONDS, CLOSING_SHARE = 25.0, 0.1
"""Time reserved for verdicts and report: this share of the budget, but at most this number of seconds."""


@dataclass(frozen=True)
class Finished:
    """The result of a run. If the run was stopped early, `verdicts` is empty and `report` is None."""

    directory: Path
    outcome: RunOutcome
    verdicts: list[Verdict]
    report: Path | None
    left_out: Sequence[LeftOut] = ()
    """Trials that did not fit into the budget, with the reasons."""
    open_claims: tuple[str, ...] = ()
    """Ids of the claims that are still open after seeds were added."""
    problems: tuple[str, ...] = ()
    """Reasons for exit code 1: a sweep that cannot continue, trials without a record, or too many failures."""
    bottom_line: tuple[str, ...] = ()
    """The sentences at the top of the report."""

    @property
    def exit_code(self) -> int:
        """The exit code of `harness run`: 0 success, 1 `problems`, 130 stopped by the user."""
        return 130 if self.outcome.stopped else 1 if self.problems else 0


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
    """Run the trials that have no record, judge the claims and write the report into `results/<name>/`.

    A run that was stopped continues. Check `problems` of the result: a run in which all trials failed returns too.

    experiment:    a path, the name of a bundled experiment, or an Experiment: loaded, changed, or made in Python (its
                   relative paths start at the current folder)
    results:       the folder in which the results folder `<name>/` is
    jobs:          number of parallel trials; default: the number of cores
    seeds:         number of seeds in every sweep: those of the experiment, then the following integers
    console:       where progress and verdicts are printed; default: the terminal
    budget:        time limit in seconds; trials that would not finish in time are skipped
    retry:         statuses, such as "timeout": trials that ended with one of them are re-run
    until_decided: whether seeds are added to undecided claims
    most_seeds:    maximum number of seeds with `until_decided`; default: 40
    cluster:       a Dask cluster that runs the trials

    Raises UserError for arguments and experiments that cannot be run.
    """
    begun = time.monotonic()
    check_count("jobs", jobs)
    check_count("most_seeds", most_seeds)
    check_count("seeds", seeds)
    check_seconds("budget", budget)
    retry = (retry,) if isinstance(retry, str) else retry
    check_statuses(retry, on_cluster=cluster is not None)
    given = checked(experiment) if isinstance(experiment, Experiment) else load_experiment(experiment)
    experiment = given if seeds is None else with_number_of_seeds(given, seeds)
    console = console or Console()
    say = partial(console.print, markup=False, soft_wrap=True)
    for note in given.renamed:
        say(f"{given.source}: {note}.")
    directory = user_path(results) / experiment.name
    first_plan = make_plan(experiment, {})  # raises UserError before anything is written
    with open_store(directory, create=True) as store, exclusive(directory):
        cache = cache_folder(directory.parent)
        remove_parts(cache)
        deadline = math.inf if budget is None else begun + budget - min(CLOSING_SECONDS, CLOSING_SHARE * budget)
        again = {trial_id: at.number for trial_id, at in store.attempts().items() if at.status in retry}
        if cluster is None:
            again |= _timed_elsewhere(store, say, retry=OTHER_MACHINE in retry)
        most = most_seeds_of(experiment, store, most_seeds, adding=until_decided)
        with _engine(experiment, cluster, jobs, cache, say) as engine:
            write_atomically(directory / EXPERIMENT_NAME, given.text())  # not earlier: a refused run changes nothing
            run = Run(
                experiment=experiment,
                first_plan=first_plan,
                store=store,
                engine=engine,
                console=console,
                say=say,
                deadline=deadline,
                retry=again,
                most_seeds=most,
                planned_before=frozenset(store.planned_trials()),
                stored_by_any_code=_by_any_code(store),
                attempts_before=store.attempts(),
            )
            outcome, plan = run_stages(run)
            open_claims: tuple[str, ...] = ()
            if most is not None and not outcome.stopped:
                outcome, open_claims = add_seeds(run, plan, most, outcome, adding=until_decided)
        left_out = store.left_out()
        if outcome.stopped:
            return Finished(directory, outcome, [], None, left_out)
        problems = problems_of(plan, store)
        _summarise_models(experiment, directory)
        verdicts, report, bottom_line = judge_and_render(directory, experiment=given)
        return Finished(directory, outcome, verdicts, report, left_out, open_claims, problems, bottom_line)


def _timed_elsewhere(store: Store, say: Callable[[str], None], *, retry: bool) -> dict[str, int]:
    """With `retry`: the speed trials that were timed on other machines, by id, with their numbers of attempts.

    Without `retry`: prints how many there are, and returns none.
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
        say(
            f"{plural(len(elsewhere), 'stored speed trial was', 'stored speed trials were')} timed on another machine"
            f" ({'; '.join(sorted(machines))}). Times from different machines are not compared."
            f" --retry {OTHER_MACHINE} re-runs them on this machine."
        )
    return {trial_id: attempts for trial_id, (attempts, _) in elsewhere.items()} if retry else {}


def _engine(
    experiment: Experiment, cluster: Cluster | None, jobs: int | None, cache: Path, say: Callable[[str], None]
) -> AbstractContextManager[Engine]:
    given, precision = experiment.limits, precision_for(experiment.claim)
    limits = Limits(given.seconds, int(given.memory_gib * 2**30) if given.memory_gib else None)
    if cluster is None:
        return nullcontext(LocalEngine(jobs, limits, cache, precision=precision))
    return cluster_engine(cluster, jobs, limits, precision, say)


def _by_any_code(store: Store) -> frozenset[str]:
    """`TrialSpec.id_by_any_code` of the trials in the last plan that have a final record."""
    stored = store.attempts()
    ids = set()
    for planned in store.plan():
        if planned.trial_id in stored and stored[planned.trial_id][1] not in TRY_AGAIN:
            with suppress(ValidationError):  # planned by a version with other fields
                ids.add(TrialSpec.model_validate_json(planned.spec).id_by_any_code())
    return frozenset(ids)


def _summarise_models(experiment: Experiment, directory: Path) -> None:
    """Store the model summaries for the report, because rendering a report does not import TensorFlow."""
    versions = {cell: code_version(experiment.sweep[0].task, cell) for cell in experiment.trained_cells}
    missing = [cell for cell, version in versions.items() if not summary_file(directory, cell, version).is_file()]
    if missing:
        temporary = scratch.new_folder()
        pool = ProcessPoolExecutor(1, server_context(), begin_in, (str(temporary),))
        with without_main(), pool as isolated:
            for cell, text in zip(missing, isolated.map(model_summary, missing), strict=True):
                write_summary(directory, cell, versions[cell], text)
        scratch.remove(temporary)
