"""Read a results folder once, for its verdicts and its report."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import cells
from harness.files import user_path
from harness.report.data import FailedTrial, ReportData
from harness.spec.experiment import Experiment
from harness.store.datasets import Summary
from harness.store.folder import EXPERIMENT_NAME, load_stored_experiment, read_summaries, stored_experiment
from harness.store.hosts import Whereabouts
from harness.store.interim import InterimAnalyses
from harness.store.machine import fingerprint_of
from harness.store.sqlite import naming_damage, open_store
from harness.tasks import Example, tasks

if TYPE_CHECKING:
    import pandas as pd

MOST_FAILURES = 200
"""Maximum number of failures reported with message and stderr; all failures are counted."""
_BATCH = 500
"""Records in memory at a time: learning curves need fifty times as much memory in JSON as in a frame."""


@dataclass(frozen=True)
class Stored:
    """The content of a results folder."""

    directory: Path
    experiment: Experiment
    analyses: dict[str, InterimAnalyses]
    """Interim analyses that were made while seeds were added, by claim id."""
    data: ReportData
    """The data of the report, except for verdicts and times to target."""


def read_results(directory: str | Path, experiment: Experiment | None = None) -> Stored:
    """Read a results folder in small batches of records. Raises UserError.

    experiment: the experiment of the folder; default: the stored one
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
        records = store.records()
        while batch := list(islice(records, _BATCH)):
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
                # A trial that was planned after the plan was read is not in `left`.
                of = left.get(record["trial_id"], (record["spec"]["task"], record["spec"]["cell"]))
                if record["status"] == "interrupted":
                    if record["trial_id"] not in out_of_time:
                        stopped[of] += 1
                    continue
                left.pop(record["trial_id"], None)
                if record["status"] != "ok" and len(failures) < MOST_FAILURES:
                    failures.append(_failure(record, of[0]))
    with naming_damage(directory):
        frame, curves, lengths, reach = map(_joined, tables)
        frame = frame.assign(dataset=named_data(frame))  # names depend on the records of all batches
    experiment = experiment or load_stored_experiment(directory)
    data = ReportData(
        name=experiment.name,
        title=experiment.title,
        description=experiment.description,
        experiment_toml=stored_experiment(directory),
        command=_command(directory, experiment, seeds),
        path=shlex.quote(str(directory)),
        frame=frame,
        curves=curves,
        lengths=lengths,
        reach=reach,
        examples=examples,
        summaries=read_summaries(directory),
        architectures={name: cells[name] for name in experiment.trained_cells},
        machines=list(machines.values()),
        datasets=list(datasets.rows()),
        data_notes=list(datasets.warnings()),
        hosts=whereabouts.hosts(),
        failures=failures,
        tasks={sweep.task: tasks[sweep.task] for sweep in experiment.sweep},
        figures=experiment.figures,
        planned=planned,
        done=planned - len(left),
        missing=[(*of, count) for of, count in sorted(Counter(left.values()).items())],
        left_out=[
            *((block.task, block.cell, block.trials, block.why) for block in left_out),
            *((*of, count, "interrupted") for of, count in sorted(stopped.items())),
        ],
        limits=_limits(experiment),
        versions="; ".join(sorted(versions)),
        commit=", ".join(sorted(commits)),
        dirty="yes" if dirty else "",
        generated_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Stored(directory, experiment, analyses, data)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables; the columns of the first, which has no rows, come first, then the others by name."""
    import pandas as pd

    first, *others = tables
    filled = [table for table in others if len(table)]
    if not filled:
        return first
    whole = pd.concat(filled, ignore_index=True)
    return whole[[*first.columns, *sorted(set(whole.columns) - set(first.columns))]]


def _versions(machine: dict[str, Any]) -> str:
    names = ("python", "tensorflow", "keras", "numpy")
    return ", ".join(f"{name} {machine[name]}" for name in names)


def _failure(record: dict[str, Any], task: str) -> FailedTrial:
    """task: the task's name, with the name of its data if the plan has several data sets for the task."""
    spec, why = record["spec"], record["failure"] or {"phase": "", "message": ""}
    return FailedTrial(
        record["trial_id"], task, spec["cell"], spec["seed"], record["status"],
        phase=why["phase"], message=why["message"], stderr=why.get("stderr") or "",
    )  # fmt: skip


def _example(fields: dict[str, Any]) -> Example:
    """The example of a record, with tuples in place of JSON's lists."""
    title, low, high = fields["axis"]
    texts = {name: tuple(fields[name]) for name in ("picture", "labels", "there", "heard")}
    return Example(axis=(title, low, high), seconds=fields["seconds"], **texts)


def _command(directory: Path, experiment: Experiment, seeds: set[int]) -> str:
    """The command that runs the experiment again, from the folder's copy of its file with the seeds of the last run."""
    file = directory / EXPERIMENT_NAME
    command = f"harness run {shlex.quote(str(file))} --results {shlex.quote(str(directory.parent))}"
    in_the_file = {seed for sweep in experiment.sweep for seed in sweep.seeds or experiment.seeds}
    return f"{command} --seeds {len(seeds)}" if seeds not in (set(), in_the_file) else command


def _limits(experiment: Experiment) -> str:
    memory = experiment.limits.memory_gib
    share = (
        f"{memory:g} GiB"
        if memory
        else "90 % of the machine's memory, divided by the number of trials that run at the same time"
    )
    return f"{experiment.limits.seconds:g} s; {share}"
