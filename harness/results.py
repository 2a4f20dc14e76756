"""A results folder as a whole: its records as a frame, its verdicts, its report."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.cells import cells
from harness.errors import UserError, check_name
from harness.files import resolved, user_path
from harness.report.data import FailedTrial
from harness.spec.claims import Claim
from harness.spec.experiment import Experiment
from harness.spec.load import load_claims
from harness.store.datasets import Summary
from harness.store.folder import (
    EXPERIMENT_NAME,
    load_stored_experiment,
    make_writable,
    read_summaries,
    stored_experiment,
)
from harness.store.hosts import Host, Whereabouts
from harness.store.interim import InterimAnalyses
from harness.store.machine import fingerprint_of
from harness.store.sqlite import LeftOut, naming_damage, open_store
from harness.tasks import Example, tasks
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

    from harness.report import ReportData

ReportFormat = Literal["html", "md"]
VERDICTS_NAME = "verdicts.json"
OUTPUT = "--output DIR"
"""The option of `harness report` that chooses another folder."""
MOST_FAILURES = 200
"""Failures that are told with message and stderr; all of them count."""
_BATCH = 500
"""Records in memory at a time: learning curves as JSON values take fifty times the room of a frame's."""


@dataclass(frozen=True)
class Stored:
    """What a results folder holds, read once for verdicts and report."""

    directory: Path
    experiment: Experiment
    frame: pd.DataFrame
    curves: pd.DataFrame
    lengths: pd.DataFrame
    reach: pd.DataFrame
    examples: dict[str, Example]
    """By trial."""
    planned: int
    """How many trials the present plan has."""
    seeds: set[int]
    """Of the present plan's comparison."""
    missing: list[tuple[str, str, int]]
    """(task, cell, trials) of the plan that have no record, or one that only says that somebody stopped the trial."""
    stopped: list[tuple[tuple[str, str], int]]
    """((task, cell), trials) of those that somebody stopped, other than those left out."""
    left_out: list[LeftOut]
    """Those that the last run left out for want of time."""
    analyses: dict[str, InterimAnalyses]
    """Interim analyses of claims (by id), made while seeds were added."""
    machines: list[dict[str, Any]]
    datasets: list[dict[str, str]]
    """The trials' data, a row a task and data."""
    data_notes: list[str]
    hosts: list[Host]
    """On which trials ran, where an engine of several ran them."""
    versions: list[str]
    commits: list[str]
    dirty: bool
    failures: list[FailedTrial]
    """Why trials failed; of a great many, the first."""


def read_results(directory: str | Path, experiment: Experiment | None = None) -> Stored:
    """Read a results folder; the records pass by in small batches and are not kept. Raises UserError.

    `experiment` is the one that was run; default: the one that is stored.
    """
    from harness.store.frame import curves_frame, lengths_frame, named_data, reach_frame, to_frame

    directory = user_path(directory)
    frame_makers = (to_frame, curves_frame, lengths_frame, reach_frame)
    tables = [[make([])] for make in frame_makers]
    examples: dict[str, Example] = {}
    stopped: Counter[tuple[str, str]] = Counter()
    machines: dict[str, dict[str, Any]] = {}
    versions: set[str] = set()
    whereabouts = Whereabouts()
    datasets = Summary()
    commits: set[str] = set()
    dirty = False
    failures: list[FailedTrial] = []
    with open_store(directory) as store:
        left = store.planned_trials()
        planned, seeds = len(left), store.planned_seeds()
        left_out, out_of_time, analyses = store.left_out(), store.left_out_ids(), store.analyses()
        for batch in _batches(store.records(), _BATCH):
            for parts, make in zip(tables, frame_makers, strict=True):
                parts.append(make(batch))
            examples |= {record["trial_id"]: _example(record["example"]) for record in batch if record.get("example")}
            commits |= {record["git_commit"] or "unknown" for record in batch}
            dirty = dirty or any(record["git_dirty"] for record in batch)
            for record in batch:
                whereabouts.add(record)
                datasets.add(record)
                versions.add(_versions(record["machine"]))
                fingerprint = fingerprint_of(record["machine"])
                machines.setdefault(fingerprint, {**record["machine"], "fingerprint": fingerprint})
                of = left.get(record["trial_id"], (record["spec"]["task"], record["spec"]["cell"]))  # planned meanwhile
                if record["status"] == "interrupted":
                    if record["trial_id"] not in out_of_time:
                        stopped[of] += 1
                    continue
                left.pop(record["trial_id"], None)
                if record["status"] != "ok" and len(failures) < MOST_FAILURES:
                    failures.append(_failure(record, of[0]))
    with naming_damage(directory):
        frame, curves, lengths, reach = map(_joined, tables)
        frame = frame.assign(dataset=named_data(frame))  # of all batches together
    return Stored(
        directory=directory,
        experiment=experiment or load_stored_experiment(directory),
        frame=frame,
        curves=curves,
        lengths=lengths,
        reach=reach,
        examples=examples,
        planned=planned,
        seeds=seeds,
        missing=[(*of, count) for of, count in sorted(Counter(left.values()).items())],
        stopped=sorted(stopped.items()),
        left_out=left_out,
        analyses=analyses,
        machines=list(machines.values()),
        datasets=list(datasets.rows()),
        data_notes=list(datasets.warnings()),
        hosts=whereabouts.hosts(),
        versions=sorted(versions),
        commits=sorted(commits),
        dirty=dirty,
        failures=failures,
    )


def _batches(records: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(records, size)):
        yield batch


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all tables, under the columns of the first, which has no rows, and then whatever others there are."""
    import pandas as pd

    first, *others = tables
    filled = [table for table in others if len(table)]
    if not filled:
        return first
    whole = pd.concat(filled, ignore_index=True)
    return whole[[*first.columns, *sorted(set(whole.columns) - set(first.columns))]]


def judge_results(
    directory: str | Path, claims_file: str | Path | None = None, *, output: str | Path | None = None
) -> list[Verdict]:
    """Judge the folder's records by its experiment's claims, and write its verdicts.json. Raises UserError.

    With `claims_file`, judge by the claims of that file: an experiment file, or one with claims alone. Then nothing is
    written. `output` is a file for the verdicts in either case.
    """
    verdicts = judged(directory, claims_file)
    write_judged(verdicts, directory, claims_file, output)
    return verdicts


def judged(directory: str | Path, claims_file: str | Path | None = None) -> list[Verdict]:
    """The verdicts of `judge_results`; writes nothing. Raises UserError."""
    experiment = load_stored_experiment(directory)  # first, so that its modules are found for the claims too
    claims = load_claims(claims_file) if claims_file else None
    with naming_damage(directory):
        return _judged(read_results(directory, experiment), claims)


def write_judged(
    verdicts: Sequence[Verdict], directory: str | Path, claims_file: str | Path | None, output: str | Path | None
) -> None:
    """Write the verdicts as `judge_results` says. Raises UserError."""
    from harness.verdicts.judge import write_verdicts

    if output is not None:
        write_verdicts(verdicts, output)
    elif claims_file is None:
        write_verdicts(verdicts, user_path(directory) / VERDICTS_NAME)


def render_results(
    directory: str | Path,
    verdicts: list[Verdict] | None = None,
    *,
    format: ReportFormat = "html",
    output: str | Path | None = None,
) -> Path:
    """Judge what is stored and write the report, `report.html` (format "html") or `report.md` ("md"); returns its path.

    It goes into the results folder, or into the folder `output`. `verdicts` are shown in place of new ones. Raises
    UserError.
    """
    return judge_and_render(directory, verdicts, format=format, output=output)[1]


def judge_and_render(
    directory: str | Path,
    verdicts: list[Verdict] | None = None,
    *,
    format: ReportFormat = "html",
    output: str | Path | None = None,
    experiment: Experiment | None = None,
) -> tuple[list[Verdict], Path]:
    """The verdicts, and the path of the report, from one reading of the folder. Raises UserError."""
    from harness.verdicts.judge import write_verdicts

    render = _renderer(format)
    stored = read_results(directory, experiment)
    output = stored.directory if output is None else user_path(output)
    make_writable(output, OUTPUT)
    with naming_damage(directory):
        if verdicts is None:
            verdicts = _judged(stored)
            write_verdicts(verdicts, output / VERDICTS_NAME)
        return verdicts, render(report_data(stored, verdicts), output)


def _renderer(format: ReportFormat) -> Callable[[ReportData, Path], Path]:
    from harness.report import render, render_markdown

    check_name("format", format, get_args(ReportFormat))
    return render if format == "html" else render_markdown


def render_beside(directories: Sequence[str | Path], output: str | Path, *, format: ReportFormat = "html") -> Path:
    """Write one report of several results folders side by side into `output`; returns its path.

    Nothing is pooled: each folder is judged and drawn by itself. Raises UserError.
    """
    from harness.report.data import beside

    render = _renderer(format)
    output, folders = user_path(output), [user_path(directory) for directory in directories]
    labels = _labels(folders)
    if resolved(output) in {resolved(folder) for folder in folders}:
        raise UserError(f"{output}: has a report of its own. Choose another folder with --output DIR")
    stored = [read_results(folder) for folder in folders]
    make_writable(output, OUTPUT)
    with naming_damage(*folders):
        data = beside({label: report_data(one, _judged(one)) for label, one in zip(labels, stored, strict=True)})
        return render(data, output)


def live_report(directory: str | Path, state: str) -> dict[str, bytes]:
    """The files of the report as it would be written now, by their paths; nothing is written. Raises UserError.

    The page asks its server for `state` and shows itself anew when that has changed.
    """
    from harness.report import report_files

    with naming_damage(directory):
        stored = read_results(directory)
        return report_files(report_data(stored, _judged(stored)), state=state)


def _labels(directories: Sequence[Path]) -> list[str]:
    """What tells the folders apart: their names or, where these are the same, as much of their paths as it takes."""
    paths = [resolved(directory) for directory in directories]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise UserError(f"{twice}: given twice. Name two results folders to see them side by side")
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        labels = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(labels)) == len(labels):
            break
    return labels


def _judged(stored: Stored, claims: Sequence[Claim] | None = None) -> list[Verdict]:
    from harness.verdicts.judge import judge

    return judge(stored.experiment.claim if claims is None else claims, stored.frame, stored.curves, stored.analyses)


def report_data(stored: Stored, verdicts: list[Verdict]) -> ReportData:
    """All that a report shows."""
    from harness.report import ReportData
    from harness.verdicts.target_times import target_times

    experiment = stored.experiment
    return ReportData(
        name=experiment.name,
        title=experiment.title,
        description=experiment.description,
        experiment_toml=stored_experiment(stored.directory),
        command=_command(stored),
        frame=stored.frame,
        curves=stored.curves,
        lengths=stored.lengths,
        reach=stored.reach,
        examples=stored.examples,
        target_times=target_times(stored.frame, stored.curves),
        verdicts=verdicts,
        summaries=read_summaries(stored.directory),
        architectures={name: cells[name] for name in experiment.trained_cells},
        machines=stored.machines,
        datasets=stored.datasets,
        data_notes=stored.data_notes,
        hosts=stored.hosts,
        failures=stored.failures,
        tasks={sweep.task: tasks[sweep.task] for sweep in experiment.sweep},
        figures=experiment.figures,
        planned=stored.planned,
        done=stored.planned - sum(count for _, _, count in stored.missing),
        missing=stored.missing,
        left_out=[
            *((block.task, block.cell, block.trials, block.why) for block in stored.left_out),
            *((*of, count, "stopped before its end") for of, count in stored.stopped),
        ],
        limits=_limits(experiment),
        versions="; ".join(stored.versions),
        commit=", ".join(stored.commits),
        dirty="yes" if stored.dirty else "",
        generated_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _command(stored: Stored) -> str:
    """What runs the experiment again: the folder's own copy of its file, with as many seeds as the last run had."""
    file = stored.directory / EXPERIMENT_NAME
    command = f"harness run {shlex.quote(str(file))} --results {shlex.quote(str(stored.directory.parent))}"
    in_the_file = {seed for sweep in stored.experiment.sweep for seed in sweep.seeds or stored.experiment.seeds}
    return f"{command} --seeds {len(stored.seeds)}" if stored.seeds not in (set(), in_the_file) else command


def _limits(experiment: Experiment) -> str:
    memory = experiment.limits.memory_gib
    share = f"{memory:g} GiB" if memory else "nine tenths of the machine's memory, shared out among the trials that run"
    return f"{experiment.limits.seconds:g} s; {share}"


def _versions(machine: dict[str, Any]) -> str:
    names = ("python", "tensorflow", "keras", "numpy")
    return ", ".join(f"{name} {machine[name]}" for name in names)


def _failure(record: dict[str, Any], task: str) -> FailedTrial:
    """`task`: with the name of its data, where the plan has several of the task."""
    spec, why = record["spec"], record["failure"] or {"phase": "", "message": ""}
    return FailedTrial(
        record["trial_id"], task, spec["cell"], spec["seed"], record["status"],
        phase=why["phase"], message=why["message"], stderr=why.get("stderr") or "",
    )  # fmt: skip


def _example(fields: dict[str, Any]) -> Example:
    """The example of a record, whose lists were tuples before they were JSON."""
    title, low, high = fields["axis"]
    texts = {name: tuple(fields[name]) for name in ("picture", "labels", "there", "heard")}
    return Example(axis=(title, low, high), seconds=fields["seconds"], **texts)
