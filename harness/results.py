"""A results folder as a whole: its records as a frame, its verdicts, its report."""

from __future__ import annotations

import inspect
import os
import shlex
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.analysis.claims import Verdict
from harness.cells import Cell, cells
from harness.cells.facts import counts
from harness.experiment import Experiment, load_experiment, parse_experiment
from harness.files import make_folder
from harness.store import EXPERIMENT_NAME, Store, open_store, stored_experiment, write_atomically
from harness.tasks import tasks

if TYPE_CHECKING:
    import pandas as pd

    from harness.report import ReportData

VERDICTS_NAME = "verdicts.json"
SUMMARIES_FOLDER = "summaries"
_FEATURES, _UNITS = 256, 32
"""Of the first recurrent layer of the document's network."""


def load_records(directory: str | Path, *, all_records: bool = False) -> pd.DataFrame:
    """The records of a results folder as a tidy frame, a row a trial (docs/results.md explains the columns).

    `all_records` includes those that the folder's present plan does not ask for. Raises UserError.
    """
    from harness.analysis.frame import to_frame

    with open_store(directory) as store:
        return to_frame(store.records(all_records=all_records))


def load_stored_experiment(directory: str | Path) -> Experiment:
    """The experiment that the folder's last run used. Raises UserError."""
    directory = Path(directory)
    text = stored_experiment(directory)
    return parse_experiment(text, source=str(directory / "experiment.toml"), folder=directory.resolve())


def judge_results(directory: str | Path, claims_file: str | Path | None = None) -> list[Verdict]:
    """Judge the folder's records by its experiment's claims, and write verdicts.json. Raises UserError.

    With `claims_file`, an experiment file written later, by the claims of that one.
    """
    from harness.analysis.frame import curves_frame, to_frame
    from harness.analysis.judge import judge, write_verdicts

    with open_store(directory) as store:
        records, looks = list(store.records()), store.looks()
    experiment = load_experiment(claims_file) if claims_file else load_stored_experiment(directory)
    claims = experiment.claim
    verdicts = judge(claims, to_frame(records), curves_frame(records), looks)
    write_verdicts(verdicts, Path(directory) / VERDICTS_NAME)
    return verdicts


def render_results(directory: str | Path, verdicts: list[Verdict] | None = None) -> Path:
    """Write the folder's report anew from what is stored; returns the path of report.html. Raises UserError."""
    from harness.report import render

    directory = Path(directory)
    if verdicts is None:
        verdicts = judge_results(directory)
    with open_store(directory) as store:
        data = report_data(store, verdicts)
    return render(data, directory)


def report_data(store: Store, verdicts: list[Verdict]) -> ReportData:
    """All that a report shows, read from an open store."""
    from harness.analysis.frame import curves_frame, lengths_frame, reach_frame, to_frame
    from harness.analysis.target_times import target_times
    from harness.report import ReportData

    experiment = load_stored_experiment(store.directory)
    records = list(store.records())
    planned = store.planned_trials()
    recorded = {record["trial_id"] for record in records}
    left = {trial_id: of for trial_id, of in planned.items() if trial_id not in recorded}
    frame, curves = to_frame(records), curves_frame(records)
    return ReportData(
        name=experiment.name,
        title=experiment.title,
        description=experiment.description,
        experiment_toml=stored_experiment(store.directory),
        command=_command(store, experiment),
        frame=frame,
        curves=curves,
        lengths=lengths_frame(records),
        reach=reach_frame(records),
        examples={record["trial_id"]: record["example"] for record in records if record.get("example")},
        target_times=target_times(frame, curves),
        verdicts=verdicts,
        summaries=read_summaries(store.directory),
        architectures=[_architecture(name) for name in experiment.cells],
        machines=_distinct(record["machine"] for record in records),
        failures=[_failure(record) for record in records if record["status"] != "ok"],
        tasks={sweep.task: _task(sweep.task) for sweep in experiment.sweep},
        planned=len(planned),
        done=len(records),
        missing=[(*of, count) for of, count in sorted(Counter(left.values()).items())],
        limits=_limits(experiment),
        left_out=[(block.task, block.cell, block.trials, block.why) for block in store.left_out()],
        versions="; ".join(sorted({_versions(record["machine"]) for record in records})),
        commit=", ".join(sorted({record["git_commit"] or "unknown" for record in records})),
        dirty="yes" if any(record["git_dirty"] for record in records) else "",
        generated_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_summaries(directory: Path) -> dict[str, str]:
    """The stored summaries of the document's models, by cell; those that are there."""
    folder = directory / SUMMARIES_FOLDER
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}


def write_summary(directory: Path, cell: str, text: str) -> None:
    """Keep the summary of a cell's model for the report. Raises UserError."""
    folder = directory / SUMMARIES_FOLDER
    make_folder(folder)
    write_atomically(folder / f"{cell.replace(os.sep, '_')}.txt", text)


def _architecture(name: str) -> dict[str, Any]:
    cell = cells[name]
    return {
        "name": name,
        "title": cell.title,
        "summary": cell.summary,
        "gates": cell.gates,
        "blocks": cell.blocks,
        "states": cell.states,
        **_equations(cell),
    }


def _equations(cell: Cell) -> dict[str, Any]:
    """What is read off the cell's equations, where it has such."""
    if cell.step is None:
        return {}
    try:
        source = inspect.getsource(cell.step)
    except OSError:  # made by a program, not written in a file
        return {}
    found = counts(cell)
    return {
        "step": source,
        "recurrent_bias": cell.recurrent_bias,
        "counts": {
            "recurrent products": found.products,
            "sigmoids and tanhs, a unit": found.functions,
            "additions and multiplications, a unit": found.elementwise,
            "statements of the step": found.lines,
            f"operations a time step ({_FEATURES} features, {_UNITS} units)": found.operations(_FEATURES, _UNITS),
            f"parameters of such a layer ({_FEATURES} features, {_UNITS} units)": cell.parameters(_FEATURES, _UNITS),
        },
    }


def _task(name: str) -> dict[str, Any]:
    task = tasks[name]
    metrics = [{"name": "loss", "title": "loss", "unit": task.loss_unit, "better": "lower"}]
    metrics += [
        {"name": metric.name, "title": metric.title, "unit": metric.unit, "better": metric.better}
        for metric in task.metrics
    ]
    return {
        "title": task.title,
        "summary": task.summary,
        "metrics": metrics,
        "solved": task.solved,
        "target": task.target or task.solved,
        "train_size_unit": task.train_size_unit,
    }


def _command(store: Store, experiment: Experiment) -> str:
    """What runs the experiment again: the folder's own copy of its file, with as many seeds as the last run had."""
    file = store.directory / EXPERIMENT_NAME
    command = f"harness run {shlex.quote(str(file))} --results {shlex.quote(str(store.directory.parent))}"
    seeds = store.planned_seeds()
    in_the_file = {seed for sweep in experiment.sweep for seed in sweep.seeds or experiment.seeds}
    return f"{command} --seeds {len(seeds)}" if seeds not in (set(), in_the_file) else command


def _limits(experiment: Experiment) -> str:
    memory = experiment.limits.memory_gib
    share = f"{memory:g} GiB" if memory else "nine tenths of the machine's memory, shared out among the trials that run"
    return f"{experiment.limits.seconds:g} s; {share}"


def _versions(machine: dict[str, Any]) -> str:
    names = ("python", "tensorflow", "keras", "numpy")
    return ", ".join(f"{name} {machine[name]}" for name in names)


def _failure(record: dict[str, Any]) -> dict[str, Any]:
    failure = record["failure"] or {}
    spec = {key: record["spec"][key] for key in ("task", "cell", "kernel", "train_size", "sequence_length", "seed")}
    return {"trial_id": record["trial_id"], "status": record["status"], **spec, **failure}


def _distinct(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    for value in values:
        if value not in seen:
            seen.append(value)
    return seen
