"""What the command shows in a terminal: tables of verdicts, plans and states. Readable too when piped."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from harness.cells import BACKENDS, cells
from harness.errors import UserError
from harness.figures import TITLES, figures
from harness.files import resolved
from harness.spec.bundled import bundled_experiments
from harness.spec.experiment import Experiment
from harness.spec.load import load_experiment
from harness.spec.trial import TrialSpec
from harness.spec.tuning import Search
from harness.store.data_names import names_of_tasks
from harness.store.datasets import left_out_in_words, most_left_out, unknown_warning
from harness.store.record import MAX_CRASHES
from harness.tasks import tasks
from harness.verdicts.verdict import Verdict, decided_first
from harness.verdicts.words.conditions import scope
from harness.verdicts.words.effects import effect_in_words
from harness.words import duration, number, plural, shorten

if TYPE_CHECKING:
    from harness.runner.backends import BackendRecord
    from harness.store.merge import Conflict
    from harness.store.status import Status

_STYLES = {
    "supported": "bold green",
    "contradicted": "bold red",
    "no practical difference": "bold cyan",
    "depends": "bold magenta",
    "undecided": "yellow",
    "not testable": "dim",
}


_NARROW = 96
"""Columns below which a verdict has two lines: its figures, and the claim."""
_EFFECT = "effect [95 % interval]"
_WIDEST_EFFECT = 34


@dataclass(frozen=True)
class VerdictTable:
    """The claims with their verdicts, effects and intervals: a line each, two where the terminal is narrow.

    verbose: also the reason and the scope of each verdict

    Where the terminal can show links, each verdict leads to its place in `report`.
    """

    verdicts: Sequence[Verdict]
    report: Path | None = None
    verbose: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich prints."""
        if not self.verdicts:
            yield "No claims are declared, so there is nothing to judge."
            return
        shown = decided_first(self.verdicts)
        if options.max_width < _NARROW:
            for verdict in shown:
                seeds = f", {plural(verdict.n, 'seed')}" if verdict.n else ""
                after = f" {effect_in_words(verdict)}{seeds}" if verdict.effect is not None else ""
                yield self._word(verdict) + Text(after)
                yield Padding(Text.assemble((verdict.claim, "bold"), *self._details(verdict)), (0, 0, 0, 2))
            return
        effects = [effect_in_words(verdict) for verdict in shown]
        words = max(len(verdict.verdict) for verdict in shown)
        lengths = [len(text) for text in effects if self.verbose or text.endswith("]")]
        figures = min(max([len(_EFFECT), *lengths]), _WIDEST_EFFECT)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, leading=int(self.verbose))
        table.add_column("verdict", min_width=words)
        table.add_column("claim", ratio=1, overflow="fold")
        table.add_column(_EFFECT, overflow="fold", min_width=figures, max_width=figures)
        table.add_column("seeds", justify="right", min_width=5)
        room = options.max_width - words - figures - 5 - 12  # 12: between the columns
        for verdict, effect in zip(shown, effects, strict=True):
            table.add_row(
                self._word(verdict),
                Text.assemble((self._fitting(verdict.claim, room), "bold"), *self._details(verdict)),
                Text(self._fitting(effect, figures)),
                str(verdict.n) if verdict.n else "-",
            )
        yield table

    def _word(self, verdict: Verdict) -> Text:
        link = f"{resolved(self.report).as_uri()}#claim-{verdict.id}" if self.report else None
        return Text(verdict.verdict, style=Style.parse(_STYLES[verdict.verdict]) + Style(link=link))

    def _fitting(self, text: str, most: int) -> str:
        return text if self.verbose else shorten(text, most)

    def _details(self, verdict: Verdict) -> tuple[str | tuple[str, str], ...]:
        return ("\n", *_below(verdict)) if self.verbose else ()


def _below(verdict: Verdict) -> tuple[str, tuple[str, str]]:
    """Why this verdict, and where it holds."""
    where = scope(verdict.conditions)
    return verdict.reason, (f"\nScope: {where}" if where else "", "dim")


def tasks_of(specs: Iterable[TrialSpec]) -> list[str]:
    """The task of each trial, with the name of its data where the plan has several of the task: 'music (a.mat)'."""
    return names_of_tasks(spec.model_dump(mode="json", include={"task", "options", "data"}) for spec in specs)


def plan_table(experiment: Experiment, trials: Mapping[str, TrialSpec]) -> Table:
    """The plan as a table: one row per task and data set, with the number of trials."""
    table = Table(title=Text(experiment.title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("task", "cells", "backends", "lane", "train sizes", "lengths", "seeds", "updates", "trials"):
        table.add_column(column, overflow="fold", justify="right" if column == "trials" else "left")
    groups: dict[tuple[str, str], list[TrialSpec]] = {}
    for spec, task in zip(trials.values(), tasks_of(trials.values()), strict=True):
        groups.setdefault((task, spec.lane), []).append(spec)
    for (task, lane), specs in groups.items():
        row = (
            task,
            _values(spec.cell for spec in specs),
            _values(spec.backend for spec in specs),
            lane,
            _values(spec.train_size for spec in specs),
            _values(spec.sequence_length for spec in specs),
            str(len({spec.seed for spec in specs})),
            _values(spec.updates for spec in specs),
            str(len(specs)),
        )
        table.add_row(*map(Text, row))  # names and titles come from users and may look like markup
    return table


def rate_lines(experiment: Experiment) -> Iterator[str]:
    """The learning rates that each sweep with a random search draws, in ascending order."""
    for index, sweep in enumerate(experiment.sweep):
        search = sweep.learning_rate
        if isinstance(search, Search):
            rates = search.rates
            yield (
                f"sweep[{index}] ({sweep.task}) tries {len(rates)} learning rates drawn from the {search.search}"
                f" distribution on [{search.low:g}, {search.high:g}], the same for each cell: "
                f"{', '.join(f'{rate:.6g}' for rate in rates)}."
            )


def data_lines(trials: Iterable[TrialSpec]) -> Iterator[str]:
    """What the tasks read, and the most that they leave out of it: two lines a task and data, and warnings."""
    conditions = {(spec.task, str(spec.options), spec.train_size, spec.sequence_length): spec for spec in trials}
    read: dict[tuple[str, str, str, float | None], list[Mapping[str, int]]] = {}
    for spec, name in zip(conditions.values(), tasks_of(conditions.values()), strict=True):
        task = tasks[spec.task]
        facts = task.facts(spec.train_size, spec.sequence_length, spec.task_options())
        if facts.source:
            read.setdefault((name, task.train_size_unit, facts.source, facts.unknown), []).append(facts.left_out)
    for (name, unit, source, unknown), every in read.items():
        yield f"{name}: {source}" + ("." if unknown is None else f"; {unknown * 100:.1f} % unknown {unit}.")
        left_out = left_out_in_words(most_left_out(every))
        if left_out != "nothing":
            yield f"{name}: in no split: at most {left_out}."
        if warning := unknown_warning(unknown, unit):
            yield f"Warning: {name}: {warning}."


def _values(values: Iterator[object]) -> str:
    distinct = list(dict.fromkeys(values))
    shown = [f"{value:,}" if isinstance(value, int) else str(value) for value in distinct]
    return " ".join(shown) if len(shown) <= 8 else f"{shown[0]} ... {shown[-1]} ({len(shown)})"


def status_table(status: Status) -> Table:
    """Trials per cell and status, with the time they took and what those that are left will take."""
    totals = sum((cell.trials for cell in status.cells), Counter[str]())
    statuses = ["ok", *sorted(totals.keys() - {"ok", "missing"}), "missing"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("cell", footer="all")
    for name in statuses:
        table.add_column(name, footer=f"{totals[name]:,}", justify="right")
    table.add_column("time spent", footer=duration(status.spent), justify="right")
    table.add_column("to do", footer=duration(sum(cell.left for cell in status.cells)), justify="right")
    for cell in status.cells:
        counts = (f"{cell.trials[name]:,}" for name in statuses)
        table.add_row(Text(cell.cell), *counts, duration(cell.spent), duration(cell.left))
    return table


def status_notes(status: Status, jobs: int) -> Iterator[str]:
    """The lines below the table: the remaining wall time, and the trials that a budget left out."""
    if status.trials_left:
        yield (
            f"{status.trials_left:,} trials left to run: about {duration(status.left)}"
            f" with {jobs} side by side, speed trials alone."
        )
    if status.given_up:
        yield f"{status.given_up:,} trials were given up after {MAX_CRASHES} crashes; --retry crashed runs them again."
    if status.left_out:
        yield f"{status.left_out:,} of them did not fit into the last run's budget."


_WORK = {
    "update": ("Training", "first step s", "ms per update"),
    "batch": ("Prediction of a batch", "first batch s", "ms per batch"),
    "step": ("Prediction of one time step at batch size 1", "first step s", "ms per step"),
}
"""What `harness backends` times: the title and two columns."""


def backend_title(records: Sequence[BackendRecord]) -> str:
    """What `harness backends` measured, and how."""
    shape, work = records[0].shape, records[0].work
    title, _, _ = _WORK[work]
    sizes = "" if work == "step" else f"batch {shape.batch}, {shape.time} steps, "
    dropout = f", dropout {records[0].dropout:g}" if work == "update" else ""
    rounds = max(len(record.rounds) for record in records)
    network = f"{sizes}{shape.features} features, {shape.LAYERS} x {shape.units} units{dropout}"
    return f"{title}: {network}; {rounds} rounds in turn"


def backend_table(records: Sequence[BackendRecord]) -> Table:
    """What `harness backends` measured, a row per cell and backend."""
    _, first, each = _WORK[records[0].work]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("cell", "backend"):
        table.add_column(column, overflow="fold")
    for column in (first, each, "quartiles", "ratio to keras", "GFLOP/s", "peak MiB"):
        table.add_column("\n".join(column.split()), overflow="fold", justify="right")
    for record in records:
        table.add_row(Text(record.cell), Text(record.backend), *_backend_figures(record))
    return table


def _backend_figures(record: BackendRecord) -> Iterator[str]:
    if record.milliseconds is None or record.gigaflops is None:
        yield from ("-", record.status.replace("_", " "), "-", "-", "-", "-")
        return
    low, median, high = record.milliseconds
    yield "-" if record.first_step_seconds is None else f"{record.first_step_seconds:.2f}"
    yield number(median)
    yield f"{number(low)} to {number(high)}"
    yield _ratio_with_interval(record.ratio_to_keras)
    yield f"{record.gigaflops:.1f}"
    yield "-" if record.memory_peak_bytes is None else f"{record.memory_peak_bytes / 2**20:,.0f}"


def _ratio_with_interval(ratio: tuple[float, float, float] | None) -> str:
    if ratio is None:
        return "-"
    low, median, high = ratio
    interval = "" if math.isinf(high) or low == median == high else f" [{low:.2f}, {high:.2f}]"
    return f"{median:.2f}{interval}"


def backend_notes(records: Sequence[BackendRecord]) -> Iterator[str]:
    """What stands below the table: whether memory was short, and a line for each cell and backend that failed."""
    groups = max(record.group or 0 for record in records)
    if groups > 1:
        yield f"Memory is too small for all processes at once. They were timed in {groups} groups that share a trial."
    for record in records:
        if record.status != "ok":
            yield f"{record.cell}, {record.backend}: {record.status.replace('_', ' ')}. {record.failure}"


def listing(kind: str | None) -> Iterator[str]:
    """The names that experiments may use, with descriptions."""
    sections: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
        "cells": lambda: ((name, f"{cells[name].title}. {cells[name].summary}") for name in cells),
        "backends": lambda: BACKENDS.items(),
        "tasks": lambda: ((name, f"{tasks[name].title}. {tasks[name].summary}") for name in tasks),
        "figures": lambda: ((name, TITLES.get(name) or figures[name].title) for name in figures),
        "experiments": _experiments,
    }
    for name in [kind] if kind else sections:
        if not kind:
            yield f"{name}:"
        for entry, text in sections[name]():
            yield f"  {entry:<12}  {text}"


def _experiments() -> Iterator[tuple[str, str]]:
    """The bundled ones by name, and the files in ./experiments."""
    bundled = bundled_experiments()
    for name, path in bundled.items():
        yield name, load_experiment(path).title
    for path in sorted(Path("experiments").glob("[!.]*.toml")):
        if resolved(path) not in bundled.values():
            try:
                yield str(path), load_experiment(path).title
            except UserError as error:
                yield str(path), f"(not valid: {str(error).splitlines()[0]})"


_CONFLICTS_SHOWN = 20


def conflict_lines(conflicts: Sequence[Conflict]) -> list[str]:
    """One line for each trial with conflicting records in several results folders; at most _CONFLICTS_SHOWN."""
    lines = [
        f"conflict: trial {one.trial_id} differs in {', '.join(one.fields)} ({', '.join(map(str, one.folders))});"
        " all records are kept (which one counts: docs/cluster.md)"
        for one in conflicts[:_CONFLICTS_SHOWN]
    ]
    more = len(conflicts) - len(lines)
    return [*lines, f"and {plural(more, 'more trial', 'more trials')} in conflict"] if more else lines
