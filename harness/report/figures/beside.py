"""Several results folders side by side: of two machines, or two versions. Nothing is pooled, only placed together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.figures.evidence import FIGURES
from harness.report.figures.looks import Look, looks, shorten
from harness.report.figures.plot import Panel, Plot
from harness.store.datasets import differences, of_frame
from harness.words import NO_VALUE

if TYPE_CHECKING:
    from harness.report.data import ReportData
    from harness.verdicts.verdict import Verdict

Described = tuple[pd.DataFrame, Mapping[str, Look], Sequence[Plot]]
Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
LABEL = 24
"""Characters of a folder's label in front of a title."""


def beside(folders: Mapping[str, ReportData]) -> ReportData:
    """The data of one report of several folders, by their labels: each keeps its own verdicts, machines and trials."""
    each = list(folders.values())
    return replace(
        each[0],
        name=" + ".join(folders),
        title=" · ".join(dict.fromkeys(data.title for data in each)),
        description=f"Side by side: {' and '.join(folders)}. Nothing is pooled: verdicts, figures and intervals are"
        " each folder's own.",
        frame=pd.concat([data.frame.assign(folder=label) for label, data in folders.items()], ignore_index=True),
        curves=None,
        lengths=None,
        reach=None,
        examples={},
        experiment_toml=_each({label: data.experiment_toml for label, data in folders.items()}, "# {}\n{}", "\n\n"),
        command="\n".join(dict.fromkeys(data.command for data in each)),
        verdicts=list(_verdicts(folders)),
        summaries={cell: text for data in reversed(each) for cell, text in data.summaries.items()},
        architectures=list({str(known.get("name")): known for data in each for known in data.architectures}.values()),
        machines=[{"folder": label, **machine} for label, data in folders.items() for machine in data.machines],
        datasets=[{"folder": label, **row} for label, data in folders.items() for row in data.datasets],
        data_notes=differences({label: of_frame(data.frame) for label, data in folders.items()}),
        hosts=[replace(host, name=f"{label}: {host.name}") for label, data in folders.items() for host in data.hosts],
        failures=list(_failures(folders)),
        tasks={name: task for data in reversed(each) for name, task in data.tasks.items()},
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


def together(described: Mapping[str, Described]) -> tuple[pd.DataFrame, Mapping[str, Look], list[Plot]]:
    """The prepared frames under each other, one look a cell, and each figure with the panels of all folders."""
    frame = pd.concat([frame.assign(folder=label) for label, (frame, _, _) in described.items()], ignore_index=True)
    titles = {cell: look.title for _, looked, _ in described.values() for cell, look in looked.items()}
    found = {label: {plot.id: plot for plot in plots} for label, (_, _, plots) in described.items()}
    figures = [
        _plot({label: plots[id] for label, plots in found.items() if id in plots}, list(described))
        for id in FIGURES
        if any(id in plots for plots in found.values())
    ]
    return frame, looks(titles, titles), figures


def _plot(plots: Mapping[str, Plot], labels: Sequence[str]) -> Plot:
    """One figure: panels of the same condition beside each other, with the same axis of values."""
    any_of_them = next(iter(plots.values()))
    titles = dict.fromkeys(panel.title for plot in plots.values() for panel in plot.panels)
    panels = [
        _labelled(panel, label, [other for one in plots.values() for other in one.panels if other.title == title])
        for title in titles
        for label, plot in plots.items()
        for panel in plot.panels
        if panel.title == title
    ]
    notes = dict.fromkeys(note for plot in plots.values() for note in plot.notes)
    told = [
        note if len(having) == len(plots) else f"{', '.join(having)}: {note}"
        for note in notes
        if (having := [label for label, plot in plots.items() if note in plot.notes])
    ]
    return replace(
        any_of_them,
        panels=tuple(panels),
        notes=tuple(told),
        values=_values({label: plot.values for label, plot in plots.items() if plot.values}),
        log=any(plot.log for plot in plots.values()),
        columns=len(labels),
    )


def _values(tables: Mapping[str, Table]) -> Table | None:
    """The tables under each other, with a column more that says whose the row is."""
    if not tables:
        return None
    header = tuple(dict.fromkeys(name for names, _ in tables.values() for name in names))
    rows = [
        (label, *(dict(zip(names, row, strict=True)).get(name, NO_VALUE) for name in header))
        for label, (names, all_rows) in tables.items()
        for row in all_rows
    ]
    return ("Folder", *header), tuple(rows)


def _summed(tables: Iterable[Iterable[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """(task, cell, trials, ...) of all folders together."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for task, cell, count, *rest in (row for table in tables for row in table):
        counts[task, cell, *rest] += count
    return [(task, cell, count, *rest) for (task, cell, *rest), count in counts.items()]


def _labelled(panel: Panel, label: str, alike: Sequence[Panel]) -> Panel:
    reach = [value for other in alike if other is not panel and other.y == panel.y for value in other.values()]
    return replace(
        panel,
        title=f"{shorten(label, LABEL)}: {panel.title}",
        facets={**panel.facets, "folder": label},
        reach=(min(reach), max(reach)) if reach else (),
    )


def _verdicts(folders: Mapping[str, ReportData]) -> Iterator[Verdict]:
    """Claim by claim, and of each claim folder by folder."""
    ids = dict.fromkeys(verdict.id for data in folders.values() for verdict in data.verdicts)
    for id in ids:
        for label, data in folders.items():
            for verdict in data.verdicts:
                if verdict.id == id:
                    conditions = {"folder": label, **verdict.conditions}
                    yield replace(verdict, claim=f"{shorten(label, LABEL)}: {verdict.claim}", conditions=conditions)


def _failures(folders: Mapping[str, ReportData]) -> Iterator[Mapping[str, Any]]:
    for label, data in folders.items():
        for failure in data.failures:
            yield {**failure, "task": f"{label}: {failure.get('task', '')}"}


def _each(texts: Mapping[str, str], form: str = "{}: {}", between: str = "; ") -> str:
    """The text that all have; or each folder's, with its label."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return between.join(form.format(label, text) for label, text in texts.items() if text)
