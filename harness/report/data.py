"""The data of a report, of one results folder or of several side by side.

The report reads no store and runs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.store.datasets import differences, of_frame
from harness.words import shorten

if TYPE_CHECKING:
    import pandas as pd

    from harness.cells import Cell
    from harness.store.hosts import Host
    from harness.store.record import Status
    from harness.tasks import Example, Task
    from harness.verdicts.earlier import Earlier
    from harness.verdicts.verdict import Verdict

LABEL = 24
"""Characters of a folder's label in front of a title."""


@dataclass(frozen=True)
class FailedTrial:
    """A failed trial and its reason."""

    trial_id: str
    task: str
    """With the name of its data, where the plan has several of the task."""
    cell: str
    seed: int
    status: Status
    phase: str = ""
    message: str = ""
    stderr: str = ""
    """The end of its output."""


@dataclass(frozen=True)
class ReportData:
    """Everything that the page shows. Missing or empty fields are allowed; the page states what is missing."""

    name: str
    title: str
    frame: pd.DataFrame
    """One row per trial, with the columns of `harness.load_records`."""
    description: str = ""
    experiment_toml: str = ""
    """The experiment file itself."""
    command: str = ""
    """The command that runs the experiment again."""
    path: str = ""
    """The results folder, as a command names it."""
    curves: pd.DataFrame | None = None
    """Learning curves: trial_id, cell, task, seed, update, seconds, train_loss, validation_loss; and, where they are
    known, validation_<metric>."""
    lengths: pd.DataFrame | None = None
    """Scores at other lengths than the one trained at: trial_id, evaluated_at, test_<metric>."""
    reach: pd.DataFrame | None = None
    """Gradient reach: trial_id, network ('untrained' or 'trained'), distance, gradient."""
    examples: Mapping[str, Example] = field(default_factory=dict)
    """By trial id."""
    verdicts: Sequence[Verdict] = ()
    earlier: Earlier | None = None
    """The last judging of the folder that differed."""
    summaries: Mapping[str, str] = field(default_factory=dict)
    """Cell to the text of its Keras model summary."""
    architectures: Mapping[str, Cell] = field(default_factory=dict)
    """The compared cells, by their names in the trials."""
    machines: Sequence[Mapping[str, str | int]] = ()
    """One row per machine: the fields of `harness.store.record.Machine`."""
    datasets: Sequence[Mapping[str, str]] = ()
    """One row per task and data set, from `harness.store.datasets.Summary`."""
    data_notes: Sequence[str] = ()
    """Warnings about the data: many unknown tokens, or folders whose data differ."""
    hosts: Sequence[Host] = ()
    """The hosts on which trials ran, if they ran on a cluster."""
    failures: Sequence[FailedTrial] = ()
    """The failed trials; only the first of very many."""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    """The tasks, by their names in the trials."""
    figures: Sequence[str] = ()
    """The names of the figures that the experiment adds to the bundled ones."""
    planned: int = 0
    """Trials of the plan."""
    done: int = 0
    """Trials of the plan with a record; records of interrupted trials do not count."""
    missing: Sequence[tuple[str, str, int]] = ()
    """(task, cell, trials): planned trials without a record."""
    left_out: Sequence[tuple[str, str, int, str]] = ()
    """(task, cell, trials, reason): the missing trials that the last run left out for a known reason."""
    limits: str = ""
    """The limits of one trial, as text."""
    versions: str = ""
    commit: str = ""
    dirty: str = ""
    """'yes' if the code had uncommitted changes."""
    generated_at: str = ""
    folders: Mapping[str, ReportData] = field(default_factory=dict)
    """The results folders that are shown side by side, by label; empty for a single folder."""


def beside(folders: Mapping[str, ReportData]) -> ReportData:
    """The data of one report of several folders, by their labels: each keeps its own verdicts, machines and trials."""
    import pandas as pd

    each = list(folders.values())
    return replace(
        each[0],
        name=" + ".join(folders),
        title=" · ".join(dict.fromkeys(data.title for data in each)),
        description=f"Side by side: {' and '.join(folders)}. Nothing is pooled: verdicts, figures and intervals are"
        " each folder's own.",
        frame=pd.concat([data.frame.assign(folder=label) for label, data in folders.items()], ignore_index=True),
        earlier=None,
        curves=None,
        lengths=None,
        reach=None,
        examples={},
        experiment_toml=_each({label: data.experiment_toml for label, data in folders.items()}, "# {}\n{}", "\n\n"),
        command="\n".join(dict.fromkeys(data.command for data in each)),
        path="",
        verdicts=list(_verdicts(folders)),
        summaries={cell: text for data in reversed(each) for cell, text in data.summaries.items()},
        architectures={name: cell for data in reversed(each) for name, cell in data.architectures.items()},
        machines=[{"folder": label, **machine} for label, data in folders.items() for machine in data.machines],
        datasets=[{"folder": label, **row} for label, data in folders.items() for row in data.datasets],
        data_notes=differences({label: of_frame(data.frame) for label, data in folders.items()}),
        hosts=[replace(host, name=f"{label}: {host.name}") for label, data in folders.items() for host in data.hosts],
        failures=list(_failures(folders)),
        tasks={name: task for data in reversed(each) for name, task in data.tasks.items()},
        figures=tuple(dict.fromkeys(name for data in each for name in data.figures)),
        planned=sum(data.planned for data in each),
        done=sum(data.done for data in each),
        missing=_summed(data.missing for data in each),
        left_out=_summed(data.left_out for data in each),
        limits=_each({label: data.limits for label, data in folders.items()}),
        versions=_each({label: data.versions for label, data in folders.items()}),
        commit=_each({label: data.commit for label, data in folders.items()}),
        dirty=", ".join(label for label, data in folders.items() if data.dirty),
        folders=dict(folders),
    )


def _summed(tables: Iterable[Iterable[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """(task, cell, trials, ...) of all folders together."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for task, cell, count, *rest in (row for table in tables for row in table):
        counts[task, cell, *rest] += count
    return [(task, cell, count, *rest) for (task, cell, *rest), count in counts.items()]


def _verdicts(folders: Mapping[str, ReportData]) -> Iterator[Verdict]:
    """The verdicts of all folders, grouped by claim."""
    ids = dict.fromkeys(verdict.id for data in folders.values() for verdict in data.verdicts)
    for id in ids:
        for label, data in folders.items():
            for verdict in data.verdicts:
                if verdict.id == id:
                    conditions = {"folder": label, **verdict.conditions}
                    yield replace(verdict, claim=f"{shorten(label, LABEL)}: {verdict.claim}", conditions=conditions)


def _failures(folders: Mapping[str, ReportData]) -> Iterator[FailedTrial]:
    for label, data in folders.items():
        for failure in data.failures:
            yield replace(failure, task=f"{label}: {failure.task}")


def _each(texts: Mapping[str, str], form: str = "{}: {}", between: str = "; ") -> str:
    """The text, if it is equal in all folders; otherwise each folder's text with its label."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return between.join(form.format(label, text) for label, text in texts.items() if text)
