"""The command `harness`: arguments in, words out. It imports what a command needs only when that command runs."""

from __future__ import annotations

import io
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completion
from harness.errors import UserError
from harness.files import is_file, resolved, user_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from harness.runner.cluster.connect import Cluster
    from harness.spec.experiment import Experiment
    from harness.verdicts.verdict import Verdict

app = typer.Typer(
    help="Which recurrent network is better, and for what: simple RNN, GRU and LSTM compared with evidence.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="An experiment file (TOML), or the name of a bundled one.",
        parser=user_path,
        autocompletion=completion.experiments,
    ),
]
Directory = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="A results folder, such as results/compare.",
        parser=user_path,
        autocompletion=completion.results,
    ),
]
Claims = Annotated[
    Path | None,
    typer.Option(
        "--claims",
        metavar="FILE",
        help="Judge by the claims of this file.",
        parser=user_path,
        autocompletion=completion.experiments,
    ),
]
Trial = Annotated[str, typer.Argument(metavar="TRIAL", help="A trial's id, or the beginning of it.")]
Results = Annotated[
    Path, typer.Option("--results", metavar="DIR", help="Where the folder <name>/ goes.", parser=user_path)
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, metavar="N", help="Trials side by side; default: the cores.")
]
Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds", min=1, metavar="N", help="Number of seeds: those of the file, then the following integers."
    ),
]


_LARGEST_SIZE = 1_000_000
_PIPED_WIDTH = 120
"""Columns of tables that go to a file or a pipe."""


class Format(StrEnum):
    """What `harness export` writes."""

    csv = "csv"
    parquet = "parquet"
    jsonl = "jsonl"


class DiffFormat(StrEnum):
    """How `harness diff` tells what changed."""

    table = "table"
    json = "json"


class ReportFormat(StrEnum):
    """What `harness report` writes."""

    html = "html"
    md = "md"


class Kind(StrEnum):
    """What `harness list` lists."""

    cells = "cells"
    backends = "backends"
    tasks = "tasks"
    experiments = "experiments"


class EngineName(StrEnum):
    """What `harness run` gets trials done with."""

    local = "local"
    dask = "dask"


@app.command()
def run(
    file: File,
    results: Results = Path("results"),
    jobs: Jobs = None,
    seeds: Seeds = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="Stop in time: 90s, 10m, 1h30m. Whole blocks only.")
    ] = None,
    retry: Annotated[
        list[str] | None,
        typer.Option("--retry", metavar="STATUS", help="Re-run trials with this status, such as timeout. Repeatable."),
    ] = None,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Add seeds where claims are open, until they are decided.")
    ] = False,
    most_seeds: Annotated[
        int | None,
        typer.Option("--most-seeds", min=1, metavar="N", help="With --until-decided: up to so many; default: 40."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the trials; run nothing.")] = False,
    engine: Annotated[
        EngineName | None,
        typer.Option("--engine", help="local, or dask: here, or on a scheduler's workers."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, such as tls://HOST:8786.")
    ] = None,
    scheduler_file: Annotated[
        Path | None,
        typer.Option(
            "--scheduler-file",
            metavar="FILE",
            help="Dask scheduler file (JSON) with the scheduler's address.",
            parser=user_path,
        ),
    ] = None,
    any_versions: Annotated[
        bool, typer.Option("--any-versions", help="Use workers with other code or versions, and record it.")
    ] = False,
) -> None:
    """Run what is left of an experiment, judge its claims, write its report.

    Exit status: 0 all done, or all that fits into the budget; 1 done, but a sweep cannot go on, trials are still to do,
    more than half of the trials failed, or all trials of a cell crashed; 2 wrong use; 130 interrupted.
    """
    from harness.runner.budget import seconds_of

    seconds = None if budget is None else seconds_of(budget)
    console = _console()
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
        console.print(f"Stopped: {left} trials left. The same command goes on from here.", soft_wrap=True)
        raise typer.Exit(finished.exit_code)
    console.print(VerdictTable(finished.verdicts, finished.report))
    if outcome.failed:
        console.print(f"{outcome.failed} trials failed; the report shows them.", soft_wrap=True)
    if finished.left_out:
        trials = sum(block.trials for block in finished.left_out)
        first = finished.left_out[0]
        console.print(
            f"The budget left {trials} trials out, such as {first.cell} on {first.task}, {first.why}."
            " The same command goes on from here.",
            soft_wrap=True,
            markup=False,
        )
    if until_decided and finished.open_claims:
        console.print(f"Still open: {', '.join(finished.open_claims)}.", soft_wrap=True, markup=False)
    elif until_decided and not finished.left_out:
        console.print("No claim is open.", soft_wrap=True, markup=False)
    console.print(f"Report: {finished.report}", soft_wrap=True, markup=False, highlight=False)
    for problem in finished.problems:
        console.print(f"Problem: {problem}.", soft_wrap=True, markup=False)
    raise typer.Exit(finished.exit_code)


@app.command()
def check(file: File, results: Results = Path("results"), seeds: Seeds = None) -> None:
    """Validate an experiment file; print its plan with an estimate of its time."""
    from harness.cgroup import usable_cores
    from harness.cli.terminal import data_lines, plan_table
    from harness.plan.estimate import Estimator, load_of, seconds_in_all
    from harness.plan.expand import make_plan
    from harness.runner.loop import left_to_do
    from harness.store.record import MAX_CRASHES, is_given_up
    from harness.store.sqlite import FILE_NAME, naming_damage, open_store
    from harness.store.status import learned
    from harness.words import duration, plural

    experiment = _load(file, seeds)
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
        console = _console()
        console.print(plan_table(experiment, trials))
        for line in (*data_lines(trials.values()), *(f"{file}: {note}." for note in experiment.renamed)):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        cores = usable_cores()
        seconds = seconds_in_all(((load_of(trial.spec), 1) for trial in left), estimator, (cores,))
        console.print(
            f"{file} is valid: {plural(len(trials), 'trial')}, {plural(len(experiment.claim), 'claim')};"
            f" {plural(len(left), 'trial')} to do, about {duration(seconds)} on {cores} cores"
            + (f"; {given_up} given up after {MAX_CRASHES} crashes (--retry crashed)." if given_up else "."),
            soft_wrap=True,
            markup=False,
        )


@app.command("list")
def list_(kind: Annotated[Kind | None, typer.Argument(help="One of them; default: all.")] = None) -> None:
    """List the cells, backends, tasks and experiments."""
    from harness.cli.terminal import listing

    for text in listing(kind):
        print(text)


@app.command()
def schema() -> None:
    """Print the JSON schema of experiment files, by which editors complete and check them."""
    import json

    from harness.spec.schema import experiment_schema

    print(json.dumps(experiment_schema(), indent=1))


@app.command()
def status(directory: Directory) -> None:
    """How far a results folder is: trials per cell and status, time spent, time left."""
    from harness.cgroup import usable_cores
    from harness.cli.terminal import status_notes, status_table
    from harness.store.sqlite import naming_damage, open_store
    from harness.store.status import status_of

    jobs = usable_cores()
    with naming_damage(directory):
        with open_store(directory) as store:
            found = status_of(store, jobs)
        console = _console()
        console.print(status_table(found))
        for note in status_notes(found, jobs):
            console.print(note, soft_wrap=True)


@app.command()
def report(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR",
            help="A results folder; or several, to see them side by side.",
            parser=user_path,
            autocompletion=completion.more_results,
        ),
    ],
    format: Annotated[
        ReportFormat, typer.Option("--format", help="html, or md: a summary for a pull request.")
    ] = ReportFormat.html,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Output folder [default: DIR, or A+B beside A for several].",
            parser=user_path,
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Judge the stored records and write the report anew; runs nothing."""
    from harness.results import OUTPUT, judged, render_beside, render_results
    from harness.store.folder import make_writable
    from harness.store.sqlite import FILE_NAME

    if len(directories) == 1:
        try:
            if is_file(directories[0] / FILE_NAME):
                make_writable(output or directories[0], OUTPUT)
        except UserError:
            _print_verdicts(judged(directories[0]))
            raise
        path = render_results(directories[0], format=format.value, output=output)
    else:
        names = "+".join(resolved(directory).name for directory in directories)
        path = render_beside(directories, output or directories[0].parent / names, format=format.value)
    _console().print(f"Report: {path}", soft_wrap=True, markup=False, highlight=False)
    if open_:
        _open(resolved(path).as_uri())


@app.command()
def merge(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR",
            help="Results folders of one experiment.",
            parser=user_path,
            autocompletion=completion.results,
        ),
    ],
    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="The new folder for all of their records.", parser=user_path)
    ],
) -> None:
    """Put the records of several coordinators into one new results folder; tell which contradict each other."""
    from harness.cli.terminal import conflict_lines
    from harness.store.datasets import differences
    from harness.store.merge import merge as merge_results

    merged = merge_results(directories, into)
    console = _console()
    for line in [*differences(merged.data), *conflict_lines(merged.conflicts)]:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(
        f"{into}: {merged.records} records of {merged.trials} trials; {merged.copies} copies left out,"
        f" {len(merged.conflicts)} trials in conflict.",
        soft_wrap=True,
        markup=False,
    )


@app.command()
def serve(
    directory: Directory,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any that is free.")] = 8000,
    every: Annotated[
        float, typer.Option("--every", min=0.5, metavar="SECONDS", help="Look for new records at most so often.")
    ] = 10.0,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Show the report while a sweep runs, on this machine only; the page follows the records. Stop it with Ctrl-C."""
    import os

    from harness.cli.serve import serve as serve_report

    def ready(address: str) -> None:
        print(f"{directory} at {address} (Ctrl-C stops it)", flush=True)
        if open_:
            _open(address)

    os.nice(5)  # the trials come first
    serve_report(directory, port=port, every=every, say=lambda text: print(text, flush=True), ready=ready)


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        print(f"harness: no browser could be started; open {address}", file=sys.stderr)


@app.command()
def judge(
    directory: Directory,
    claims: Claims = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File for the verdicts (JSON) [default: DIR/verdicts.json; with --claims: none].",
            parser=user_path,
        ),
    ] = None,
) -> None:
    """Judge the stored records again, also by claims written later; runs nothing."""
    from harness.results import judged, write_judged

    verdicts = judged(directory, claims)
    _print_verdicts(verdicts)
    write_judged(verdicts, directory, claims, output)


def _print_verdicts(verdicts: Sequence[Verdict]) -> None:
    from harness.cli.terminal import VerdictTable

    _console().print(VerdictTable(verdicts))


@app.command()
def show(directory: Directory, trial: Trial) -> None:
    """Print one trial's record whole, and the command that repeats it in the foreground."""
    import json
    import shlex

    from harness.store.sqlite import open_store

    with open_store(directory) as store:
        attempts = store.attempts_at(trial)
        command = shlex.join(["harness", "trial", str(directory), attempts[-1]["trial_id"]])
    for record in attempts:
        print(json.dumps(record, indent=2))
    print(f"# again, in the foreground: {command}")


@app.command("trial")
def trial_(directory: Directory, trial: Trial) -> None:
    """Repeat one trial alone, in this process, where a debugger and print work; stores nothing."""
    from harness.store.folder import find_modules
    from harness.store.sqlite import open_store

    with open_store(directory) as store:
        record = store.attempts_at(trial)[-1]
        find_modules(directory, (record["spec"]["task"], record["spec"]["cell"]))
        from harness.trial.foreground import run_in_foreground, spec_of, threads_of

        spec, threads = spec_of(record), threads_of(record)
    run_in_foreground(spec, threads)


@app.command()
def diff(
    first: Annotated[Path, typer.Argument(metavar="A", help="A results folder.", parser=user_path)],
    second: Annotated[
        Path,
        typer.Argument(
            metavar="B", help="Another results folder: of another commit, or another machine.", parser=user_path
        ),
    ],
    format: Annotated[DiffFormat, typer.Option("--format", help="table, or json with all that was compared.")] = (
        DiffFormat.table
    ),
) -> None:
    """Compare two results folders: what changed in parameters, accuracy, memory and, on one machine, time."""
    from harness.cli.diff import as_json, diff_results, introduction, summary, table

    ours, theirs, found = diff_results(first, second)
    if format is DiffFormat.json:
        print(as_json(ours, theirs, found))
        return
    console = _console()
    for line in introduction(ours, theirs, found):
        console.print(line, markup=False, soft_wrap=True)
    changed = [change for change in found.changes if change.finding == "changed"]
    if changed:
        console.print(table(changed))
    for line in summary(found.changes):
        console.print(line, markup=False)


@app.command()
def export(
    directory: Directory,
    format: Annotated[
        Format, typer.Option("--format", help="csv, parquet or jsonl (one record a line, whole).")
    ] = Format.csv,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Output file [default: DIR/records.FORMAT].", parser=user_path
        ),
    ] = None,
) -> None:
    """Write the records as a table, a row a trial."""
    from harness.store.export import export_records

    print(export_records(directory, format.value, output))


@app.command()
def summary(
    cell: Annotated[
        str,
        typer.Argument(help="A cell: simple_rnn, gru, lstm, or module:attribute.", autocompletion=completion.cells),
    ],
    backend: Annotated[
        str | None, typer.Option("--backend", help="article, keras or fused.", autocompletion=completion.backends)
    ] = None,
    units: Annotated[
        list[int] | None, typer.Option("--units", help="Units of a recurrent layer; repeat for more.")
    ] = None,
) -> None:
    """Print the summary of the article's model for a cell."""
    from harness.cells import BACKENDS, cells
    from harness.errors import check_name
    from harness.registry import find_beside

    find_beside(Path.cwd(), [cell] if ":" in cell else [])
    backends = cells[cell].backends
    if backend is not None:
        check_name("backend", backend, BACKENDS)
    from harness.trial.quiet import quiet_stderr
    from harness.trial.settings import settle

    with quiet_stderr():
        settle()
        from harness.cells.network import summary_text

        text = summary_text(cell, backend=backend or backends[0], rnn_units=tuple(units or (32, 32)))
    print(text, end="")


@app.command()
def backends(
    shape: Annotated[str, typer.Option("--shape", help="batch,time,features,units")] = "32,256,256,32",
    cell: Annotated[
        list[str] | None,
        typer.Option("--cell", help="A cell; repeat for more. Default: all.", autocompletion=completion.cells),
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option("--backend", help="A backend; likewise.", autocompletion=completion.backends)
    ] = None,
    dropout: Annotated[float, typer.Option("--dropout", min=0.0, max=0.99, help="On inputs and hidden state.")] = 0.5,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Maximum number of rounds.")] = 60,
    predict: Annotated[
        bool, typer.Option("--predict", help="Time prediction: of a batch, and of a time step at batch size 1.")
    ] = False,
) -> None:
    """Time training updates, or predictions, of every cell by every backend on the article's network.

    Each has a process of its own. They take turns until the ratios to backend keras are known to 2 %, or for the
    maximum number of rounds. Leave the machine alone meanwhile.
    """
    from harness.cells import BACKENDS, cells
    from harness.cli.terminal import backend_notes, backend_table, backend_title
    from harness.errors import check_name
    from harness.registry import find_beside
    from harness.runner.backends import Shape, Work, measure_backends

    sizes = _shape(shape)
    for name in backend or ():
        check_name("backend", name, BACKENDS)
    names = tuple(cell or cells)
    find_beside(Path.cwd(), (name for name in names if ":" in name))
    for name in names:
        cells[name]
    console, failed = _console(), False
    works: tuple[Work, ...] = ("batch", "step") if predict else ("update",)
    for work in works:
        measured = measure_backends(
            names,
            tuple(backend or BACKENDS),
            work=work,
            shape=Shape(*sizes),
            dropout=dropout,
            most_rounds=rounds,
            say=lambda line: console.print(line, markup=False, soft_wrap=True),
        )
        console.print(backend_title(measured), markup=False, soft_wrap=True)
        console.print(backend_table(measured))
        for line in backend_notes(measured):
            console.print(line, markup=False, soft_wrap=True)
        failed = failed or any(record.status != "ok" for record in measured)
    if failed:
        raise typer.Exit(1)


def _shape(text: str) -> tuple[int, int, int, int]:
    try:
        batch, time, features, units = map(int, text.split(","))
        if not 1 <= min(batch, time, features, units) <= max(batch, time, features, units) <= _LARGEST_SIZE:
            raise ValueError
    except ValueError:
        raise UserError(
            f"--shape {text!r}: expected four whole numbers from 1 to {_LARGEST_SIZE:,}, such as 32,256,256,32"
        ) from None
    return batch, time, features, units


def _load(file: Path, seeds: int | None) -> Experiment:
    from harness.runner.more_seeds import with_number_of_seeds
    from harness.spec.load import load_experiment

    experiment = load_experiment(file)
    return experiment if seeds is None else with_number_of_seeds(experiment, seeds)


def _cluster(
    engine: EngineName | None, scheduler: str | None, scheduler_file: Path | None, *, any_versions: bool
) -> Cluster | None:
    """Where Dask's workers are, if they are to be used."""
    from harness.runner.cluster.connect import Cluster

    asked = scheduler is not None or scheduler_file is not None or any_versions
    if engine is EngineName.dask or (engine is None and asked):
        return Cluster(scheduler, scheduler_file, any_versions)
    if asked:
        raise UserError("--scheduler, --scheduler-file and --any-versions are for --engine dask")
    return None


def _console() -> Console:
    import os

    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPED_WIDTH
    return console


def main() -> None:
    """Entry point: a user's mistake is one message on stderr and exit status 2; Ctrl-C is exit status 130.

    A file that the operating system refuses is reported in the same way.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files are bytes, which need not be text
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except UserError as error:
        print(f"harness: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        print(f"harness: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
