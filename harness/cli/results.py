"""Commands about results folders: status, report, serve, judge, diff, merge, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli import completion
from harness.cli.arguments import Claims, Directory, Verbose, new_console, path_argument, path_option, say
from harness.errors import UserError
from harness.files import is_file, resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.verdicts.verdict import Verdict


ReportFormat = Literal["html", "md"]


def status(directory: Directory) -> None:
    """Print the progress of an experiment.

    A table has the trials per cell and status, the time spent and the time left.
    """
    from harness.cgroup import usable_cores
    from harness.cli.terminal import status_notes, status_table
    from harness.store.sqlite import naming_damage, open_store
    from harness.store.status import status_of

    jobs = usable_cores()
    with naming_damage(directory):
        with open_store(directory) as store:
            state = status_of(store, jobs)
        console = new_console()
        console.print(status_table(state))
        for note in status_notes(state, jobs):
            say(console, note)


def report(
    directories: Annotated[
        list[Path],
        path_argument(
            metavar="DIR",
            help="Results folder, or several to compare them side by side; or a folder with results folders below it.",
            autocompletion=completion.more_results,
        ),
    ],
    format: Annotated[
        ReportFormat,
        typer.Option("--format", help="html: the full report; md: a summary for a pull request."),
    ] = "html",
    output: Annotated[
        Path | None,
        path_option(
            "--output", "-o", metavar="DIR", help="Output folder [default: DIR; for several folders, A+B next to A]."
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Judge the stored records again and rewrite the report. No trial runs.

    If DIR is no results folder, but has some below it, an index of them is written: DIR/index.html.
    """
    from harness.results import OUTPUT, judged, render_beside, render_results
    from harness.store import FILE_NAME
    from harness.store.folder import make_writable

    if len(directories) == 1 and not is_file(directories[0] / FILE_NAME):
        path = _index(directories[0], format, output)
    elif len(directories) == 1:
        try:
            make_writable(output or directories[0], OUTPUT)
        except UserError:
            _print_verdicts(judged(directories[0]), verbose=False)
            raise
        path = render_results(directories[0], format=format, output=output)
    else:
        names = "+".join(resolved(directory).name for directory in directories)
        path = render_beside(directories, output or directories[0].parent / names, format=format)
    say(new_console(), f"Report: {path}")
    if open_:
        _open(resolved(path).as_uri())


def _index(directory: Path, format: ReportFormat, output: Path | None) -> Path:
    """Write the index of the results folders below the folder."""
    from harness.results_index import find_results, write_index

    if format != "html" and any(find_results(directory)):
        raise UserError(f"{directory}: no results here, and an index of results is HTML. Leave out --format {format}")
    return write_index(directory, output)


def merge(
    directories: Annotated[
        list[Path],
        path_argument(metavar="DIR", help="Results folders of the same experiment.", autocompletion=completion.results),
    ],
    into: Annotated[Path, path_option("--into", metavar="DIR", help="New results folder for all records.")],
) -> None:
    """Merge results folders of several machines into a new one.

    Conflicting records are all kept, and listed.
    """
    from harness.cli.terminal import conflict_lines
    from harness.store.datasets import differences
    from harness.store.merge import merge as merge_results
    from harness.words import plural

    merged = merge_results(directories, into)
    console = new_console()
    for line in [*differences(merged.data), *conflict_lines(merged.conflicts)]:
        say(console, line)
    say(
        console,
        f"{into}: {plural(merged.records, 'record')} of {plural(merged.trials, 'trial')};"
        f" {plural(merged.copies, 'copy', 'copies')} left out,"
        f" {plural(len(merged.conflicts), 'trial')} in conflict.",
    )


def serve(
    directory: Directory,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 chooses a free port.")] = 8000,
    every: Annotated[
        float, typer.Option("--every", min=0.5, metavar="SECONDS", help="Minimum number of seconds between rebuilds.")
    ] = 10.0,
    open_: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Serve the report while an experiment runs. The page updates itself.

    Only browsers on this machine can open it. Ctrl-C stops the server.
    """
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


def judge(
    directory: Directory,
    claims: Claims = None,
    output: Annotated[
        Path | None,
        path_option(
            "--output",
            "-o",
            metavar="FILE",
            help="File for the verdicts (JSON) [default: DIR/verdicts.json; with --claims: none].",
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Judge the stored records again. No trial runs.

    With --claims, the claims of another file are judged, and the stored verdicts stay as they are.
    """
    from harness.results import judged, write_judged

    verdicts = judged(directory, claims)
    _print_verdicts(verdicts, verbose=verbose)
    write_judged(verdicts, directory, claims, output)


def _print_verdicts(verdicts: Sequence[Verdict], *, verbose: bool) -> None:
    from harness.cli.terminal import VerdictTable

    new_console().print(VerdictTable(verdicts, verbose=verbose))


def diff(
    first: Annotated[Path, path_argument(metavar="A", help="First results folder.")],
    second: Annotated[
        Path,
        path_argument(metavar="B", help="Second results folder, such as that of another commit or machine."),
    ],
    format: Annotated[
        Literal["table", "json"], typer.Option("--format", help="table: what changed; json: every comparison.")
    ] = "table",
) -> None:
    """Compare two results folders.

    Compared are parameters, accuracy and memory, and time if both ran on the same machine.
    """
    from harness.cli.diff import as_json, diff_results, introduction, summary, table

    side_a, side_b, compared = diff_results(first, second)
    if format == "json":
        print(as_json(side_a, side_b, compared))
        return
    console = new_console()
    for line in introduction(side_a, side_b, compared):
        say(console, line)
    changed = [change for change in compared.changes if change.finding == "changed"]
    if changed:
        console.print(table(changed))
    for line in summary(compared.changes):
        console.print(line, markup=False)


def export(
    directory: Directory,
    format: Annotated[
        Literal["csv", "parquet", "jsonl"],
        typer.Option("--format", help="Format; jsonl has one complete record per line."),
    ] = "csv",
    output: Annotated[
        Path | None,
        path_option("--output", "-o", metavar="FILE", help="Output file [default: DIR/records.FORMAT]."),
    ] = None,
) -> None:
    """Export the records as a table with one row per trial."""
    from harness.store.export import export_records

    print(export_records(directory, format, output))
