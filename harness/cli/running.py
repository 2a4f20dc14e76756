"""Commands that run trials or print the plan: run, check."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli.arguments import File, Jobs, Results, Seeds, Verbose, new_console, path_option, say
from harness.errors import UserError
from harness.files import is_file

if TYPE_CHECKING:
    from harness.runner.cluster.connect import Cluster
    from harness.spec.experiment import Experiment


EngineName = Literal["local", "dask"]


def run(
    file: File,
    results: Results = Path("results"),
    jobs: Jobs = None,
    seeds: Seeds = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="TIME",
            help="Time budget: 90s, 10m, 1h30m. Trials that would not finish in time are skipped.",
        ),
    ] = None,
    retry: Annotated[
        list[str] | None,
        typer.Option(
            "--retry",
            metavar="STATUS",
            help="Re-run trials that ended with this status (timeout, crashed, ...). Repeatable.",
        ),
    ] = None,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Add seeds to undecided claims until they are decided.")
    ] = False,
    most_seeds: Annotated[
        int | None,
        typer.Option(
            "--most-seeds", min=1, metavar="N", help="Maximum number of seeds with --until-decided [default: 40]."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the planned trials and exit.")] = False,
    verbose: Verbose = False,
    engine: Annotated[
        EngineName | None,
        typer.Option(
            "--engine", help="Where trials run: this machine, or the workers of a Dask cluster [default: local]."
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Address of the Dask scheduler, such as tls://HOST:8786."),
    ] = None,
    scheduler_file: Annotated[
        Path | None,
        path_option(
            "--scheduler-file",
            metavar="FILE",
            help="Dask scheduler file (JSON) that holds the address of the scheduler.",
        ),
    ] = None,
    any_versions: Annotated[
        bool,
        typer.Option(
            "--any-versions",
            help="Accept workers whose code or package versions differ; each record lists the differences.",
        ),
    ] = False,
) -> None:
    """Run an experiment, judge its claims and write the report.

    Trials that are stored already are not run again, so the same command continues an interrupted run.

    Exit status: 0 if all trials ran, or all that fit into the budget; 1 if trials are missing, a sweep cannot continue,
    more than half of the trials failed, or all trials of a cell crashed; 2 for wrong usage; 130 if interrupted.
    """
    from harness.runner.budget import seconds_of

    seconds = None if budget is None else seconds_of(budget)
    console = new_console()
    if dry_run:
        from harness.cli.terminal import tasks_of
        from harness.plan.expand import make_plan

        planned = make_plan(_load(file, seeds)).trials
        for (trial_id, spec), task in zip(planned.items(), tasks_of(planned.values()), strict=True):
            print(
                f"{trial_id}  {task} {spec.cell}/{spec.backend} units {spec.units} size {spec.train_size}"
                f" length {spec.sequence_length} rate {spec.learning_rate:g} updates {spec.updates} seed {spec.seed}"
            )
        return
    from harness.cli.terminal import VerdictTable
    from harness.runner.flow import run_experiment
    from harness.stopping import interrupt_on_signals

    with interrupt_on_signals():
        finished = run_experiment(
            file,
            results=results,
            jobs=jobs,
            seeds=seeds,
            console=console,
            budget=seconds,
            retry=retry or (),
            until_decided=until_decided,
            most_seeds=most_seeds,
            cluster=_cluster(engine, scheduler, scheduler_file, any_versions=any_versions),
        )
    outcome = finished.outcome
    if outcome.stopped:
        left = outcome.planned - outcome.stored_before - outcome.finished
        say(console, f"Stopped: {left} trials left. The same command continues from here.")
        raise typer.Exit(finished.exit_code)
    console.print(VerdictTable(finished.verdicts, finished.report, verbose=verbose))
    for sentence in finished.bottom_line:
        say(console, sentence)
    if outcome.failed:
        say(console, f"{outcome.failed} trials failed. The report lists them.")
    if finished.left_out:
        trials = sum(block.trials for block in finished.left_out)
        first = finished.left_out[0]
        say(
            console,
            f"The budget was too small for {trials} trials, such as {first.cell} on {first.task}, {first.why}."
            " The same command continues from here.",
        )
    if until_decided and finished.open_claims:
        more = " The same command adds more seeds." if budget is not None and not finished.left_out else ""
        say(console, f"Still open: {', '.join(finished.open_claims)}.{more}")
    elif until_decided and not finished.left_out:
        say(console, "No claim is open.")
    say(console, f"Report: {finished.report}")
    for problem in finished.problems:
        say(console, f"Problem: {problem}.")
    raise typer.Exit(finished.exit_code)


def check(file: File, results: Results = Path("results"), seeds: Seeds = None) -> None:
    """Validate an experiment file and print its plan.

    The plan states the number of trials, those that are not stored yet, and an estimate of their time.
    """
    from harness.cgroup import usable_cores
    from harness.cli.terminal import data_lines, plan_table, rate_lines
    from harness.plan.estimate import Estimator, load_of, seconds_in_all
    from harness.plan.expand import make_plan
    from harness.runner.loop import left_to_do
    from harness.store.record import MAX_CRASHES, is_given_up
    from harness.store.sqlite import FILE_NAME, naming_damage, open_store
    from harness.store.status import learned
    from harness.words import duration, plural

    experiment = _load(file, seeds)
    with _cached(results):
        trials = make_plan(experiment).trials
    attempts, estimator = {}, Estimator()
    directory = results / experiment.name
    stored = [directory] if is_file(directory / FILE_NAME) else []
    with naming_damage(*stored):
        for folder in stored:
            with open_store(folder) as store:
                attempts, estimator = store.attempts(), learned(store.states())
        left = left_to_do(trials, attempts)
        given_up = sum(is_given_up(at.status, at.crashes) for trial_id, at in attempts.items() if trial_id in trials)
        console = new_console()
        console.print(plan_table(experiment, trials))
        for line in (
            *rate_lines(experiment),
            *data_lines(trials.values()),
            *(f"{file}: {note}." for note in experiment.renamed),
        ):
            say(console, line)
        cores = usable_cores()
        seconds = seconds_in_all(((load_of(trial.spec), 1) for trial in left), estimator, (cores,))
        say(
            console,
            f"{file} is valid: {plural(len(trials), 'trial')}, {plural(len(experiment.claim), 'claim')};"
            f" {plural(len(left), 'trial')} to do, about {duration(seconds)} on {cores} cores"
            + (f"; {given_up} given up after {MAX_CRASHES} crashes (--retry crashed)." if given_up else "."),
        )


@contextmanager
def _cached(results: Path) -> Iterator[None]:
    """Use, in the block, the cache of data of runs into this folder, if the folder exists."""
    from harness.store.folder import cache_folder
    from harness.tasks.common.cache import VARIABLE

    if os.environ.get(VARIABLE) or not results.is_dir():
        yield
        return
    os.environ[VARIABLE] = str(cache_folder(results))
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def _load(file: Path, seeds: int | None) -> Experiment:
    from harness.spec.experiment import with_number_of_seeds
    from harness.spec.load import load_experiment

    experiment = load_experiment(file)
    return experiment if seeds is None else with_number_of_seeds(experiment, seeds)


def _cluster(
    engine: EngineName | None, scheduler: str | None, scheduler_file: Path | None, *, any_versions: bool
) -> Cluster | None:
    """The Dask cluster that the options choose; None for this machine."""
    from harness.runner.cluster.connect import Cluster

    asked = scheduler is not None or scheduler_file is not None or any_versions
    if engine == "dask" or (engine is None and asked):
        return Cluster(scheduler, scheduler_file, any_versions)
    if asked:
        raise UserError("--scheduler, --scheduler-file and --any-versions are for --engine dask")
    return None
