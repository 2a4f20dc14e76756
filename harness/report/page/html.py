"""The page: what the template is filled with, and the one HTML file that comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.report.draw.svg import inline, key
from harness.report.figures.evidence import attempt
from harness.report.figures.looks import Look
from harness.report.figures.panels import task_title
from harness.report.figures.plot import Panel, Plot, Scale
from harness.report.figures.wording import finding, table
from harness.report.page.answer import WORDS, answer, beside
from harness.report.page.architectures import architectures, comparison
from harness.report.page.changes import changes
from harness.report.page.filters import NAMES, filters
from harness.report.page.forest import TICKS, position
from harness.report.page.measured import METHOD_OF, measured
from harness.report.page.overview import overview
from harness.report.page.take_along import HEADER, paragraphs, rows, sentence
from harness.report.page.terms import TERMS, explained
from harness.report.page.trials import failures, trials_table
from harness.report.summary import Summary
from harness.verdicts.counted import compared
from harness.verdicts.verdict import decided_first
from harness.words import NO_VALUE, duration, number, plural, shorten

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.data import ReportData

ASSETS = Path(__file__).parent / "assets"
MOST_BYTES, LEAST_ROOM = 4_000_000, 200_000
"""Maximum bytes of drawings and trials together, and minimum bytes that are kept for the trials."""
MOST_LISTED = 8
"""Tasks, and cells of a task, whose missing trials are listed."""


@cache
def environment() -> Environment:
    """The templates: values are escaped unless they are markup, and an undefined name is an error."""
    templates = Environment(
        loader=PackageLoader("harness.report.page", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "shorten": shorten, "duration": duration, "plural": plural, "key": key}
    templates.filters["explained"] = explained
    templates.globals |= {"WORDS": WORDS, "TERMS": TERMS, "FILTERS": NAMES}
    return templates


def page(
    data: ReportData,
    frame: pd.DataFrame,
    plots: Sequence[Plot],
    looks: Mapping[str, Look],
    summary: Summary,
    *,
    state: str = "",
) -> str:
    """The whole page as HTML. `frame` is the prepared frame, `plots` the evidence in order.

    With `state`, a page that asks the server it came from whether that has changed.
    """
    verdicts = [
        {**shown, "sentence": sentence(verdict)}
        for shown, verdict in zip(answer(data, looks, plots), decided_first(data.verdicts), strict=True)
    ]
    figures = [
        figure(
            plot,
            looks,
            list(data.folders),
            [verdict for verdict in verdicts if verdict["evidence"] == plot.id],
            alone=plot.id in alone(plots),
        )
        for plot in plots
    ]
    changed = changes(data)
    scripts = ("view.js", "values.js", "trials.js", "record.js", "copy.js", *(("live.js",) if state else ()))
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            data=data,
            css=assets("page.css", "figures.css", "take_along.css", "signs.css"),
            scripts=assets(*scripts),
            state=state,
            looks=list(looks.values()),
            legend=[look for name, look in looks.items() if name in set(frame["cell"])],
            machines=[machine(fields) for fields in data.machines],
            notices=notices(data, frame),
            facts=facts(data, frame),
            changes=changed and replace(changed, since=moment(changed.since)),
            bottom_line=summary.sentences,
            overview=summary.matrix and overview(summary.matrix, looks, plots),
            verdicts=verdicts,
            ticks=[{"at": position(tick), "text": number(tick) + "×" * (abs(tick) > 1)} for tick in TICKS],
            inside=(position(-1), position(1)),
            beside=beside(data.folders),
            figures=figures,
            failures=failures(data, frame, looks),
            architectures=architectures(data, looks),
            comparison=comparison(data, looks),
            measured=measured(data, frame, looks),
            filters=filters(plots, data),
            reporting=paragraphs(data, frame, looks),
            verdict_header=HEADER,
            verdict_rows=rows(data.verdicts),
            tasks=[(shorten(name, 60), task) for name, task in data.tasks.items()],
            trials=trials_table(frame, max(LEAST_ROOM, MOST_BYTES - sum(map(len, figures))), data.curves),
        )
    )


def assets(*names: str) -> Markup:
    """The style sheets or scripts of these names, one after the other."""
    return Markup("\n").join(Markup((ASSETS / name).read_text(encoding="utf-8")) for name in names)


def notices(data: ReportData, frame: pd.DataFrame) -> list[str]:
    """Notices at the top: no trials yet, only failures, not finished."""
    if data.folders:
        of_each = ((label, notices(folder, folder.frame)) for label, folder in data.folders.items())
        return [
            *data.data_notes,
            *(f"{shorten(label, 60)}: {notice}" for label, folder_notices in of_each for notice in folder_notices),
        ]
    frame = frame[frame["status"] != "interrupted"]
    if frame.empty:
        expected = f"; {plural(data.planned, 'trial is', 'trials are')} planned" if data.planned else ""
        return [f"No trial has a record yet{expected}."]
    sentences = list(data.data_notes)
    ok = int((frame["status"] == "ok").sum())
    if not ok:
        sentences.append(
            f"All {plural(len(frame), 'trial')} failed: there is nothing to compare. See the failures below."
        )
    if data.done < data.planned:
        missing = data.planned - data.done
        sentences.append(
            f"Not finished: {data.done:,} of {data.planned:,} trials are done, {plural(missing, 'is', 'are')} missing"
            f"{_missing(data)}. Verdicts and figures use the trials that are done."
        )
    return sentences


def _missing(data: ReportData) -> str:
    """' (Recall: GRU 3, LSTM 4)', or nothing where it is not known."""
    named = {name: cell.title for name, cell in data.architectures.items()}
    by_task: dict[str, list[str]] = {}
    for task, cell, count in data.missing:
        by_task.setdefault(task_title(data.tasks, task), []).append(f"{shorten(named.get(cell, cell), 40)} {count:,}")
    listed = [f"{shorten(title, 60)}: {', '.join(cells[:MOST_LISTED])}" for title, cells in by_task.items()]
    return f" ({'; '.join(listed[:MOST_LISTED])}{'; …' if len(listed) > MOST_LISTED else ''})" if listed else ""


def facts(data: ReportData, frame: pd.DataFrame) -> list[tuple[str, str]]:
    """The facts under the title: trials, seeds, time."""
    if data.folders:
        return [
            (shorten(label, 60), " · ".join(f"{name.lower()} {value}" for name, value in facts(folder, folder.frame)))
            for label, folder in data.folders.items()
        ]
    frame = frame[frame["status"] != "interrupted"]
    trials = f"{len(frame):,} of {data.planned:,}" if data.planned > len(frame) else f"{len(frame):,}"
    entries = [("Trials", trials)]
    if not frame.empty:
        entries.append(("Failed", f"{int((frame['status'] != 'ok').sum()):,}"))
        entries.append(("Seeds", f"{compared(frame)['seed'].nunique():,}"))
        total = float(frame["seconds_total"].sum())
        entries.append(("Trial time", duration(total) if total else NO_VALUE))
    if len(data.machines) > 1:
        entries.append(("Machines", f"{len(data.machines):,}"))
    elif data.machines:
        entries.append(("Machine", shorten(str(data.machines[0].get("cpu", "")), 44) or NO_VALUE))
    if data.generated_at:
        entries.append(("Written", moment(data.generated_at)))
    return entries


def moment(text: str) -> str:
    """An ISO 8601 time as '2 January 2026, 03:04 UTC'; any other text unchanged."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return shorten(text, 32)
    return f"{at.day} {at:%B %Y, %H:%M}{' UTC' if at.utcoffset() == timedelta(0) else ''}"


def alone(plots: Sequence[Plot]) -> set[str]:
    """Ids of the plots of one panel that no other such plot stands beside, where two share a row of the page."""
    ids, run = set(), 0
    for place, plot in enumerate(plots):
        run = run + 1 if len(plot.panels) == 1 else 0
        if run % 2 and (place + 1 == len(plots) or len(plots[place + 1].panels) != 1):
            ids.add(plot.id)
    return ids


def figure(
    plot: Plot,
    looks: Mapping[str, Look],
    folders: Sequence[str] = (),
    claims: Sequence[Mapping[str, Any]] = (),
    *,
    alone: bool = False,
) -> Markup:
    """The plot as an element of the page: drawings, findings, and the table of its values.

    claims: the verdicts, as `answer` has them, whose evidence it shows
    alone: whether its notes stand beside its drawing, as no other figure does
    """

    def element(plot: Plot) -> Markup:
        return _figure(plot, looks, folders, claims, alone)

    return attempt(plot, lambda: element(plot), element)


def _figure(
    plot: Plot,
    looks: Mapping[str, Look],
    folders: Sequence[str],
    claims: Sequence[Mapping[str, Any]],
    alone: bool,
) -> Markup:
    def drawing(panel: Panel, place: int, scale: Scale) -> Markup:
        unique = f"{plot.id}-{place}{'-log' if scale == 'log' else ''}"
        label = f"{plot.title} {shorten(panel.title, 120)}: {shorten(finding(panel), 400)}"
        return inline(panel, looks, key=unique, label=label, scale=scale)

    header, rows = table(plot)
    legend = shared_legend(plot, looks)
    if legend:
        plot = replace(plot, panels=tuple(replace(panel, named=False) for panel in plot.panels))
    method = METHOD_OF.get(plot.id, "seeds")
    template = environment().get_template("figure.html.j2")
    return Markup(
        template.render(
            plot=plot,
            drawing=drawing,
            finding=finding,
            header=header,
            rows=rows,
            method=method,
            folders=folders,
            claims=claims,
            legend=legend,
            alone=alone,
        )
    )


def shared_legend(plot: Plot, looks: Mapping[str, Look]) -> list[Look]:
    """The cells of several panels of lines, which one legend names; none where a panel names more than cells."""
    series = [series for panel in plot.panels for series in panel.series]
    lines = all(panel.kind in ("lines", "curves") for panel in plot.panels)
    titled = all(one.cell in looks and one.label == looks[one.cell].title for one in series)
    shown = {one.cell for one in series}
    return [look for cell, look in looks.items() if cell in shown] if lines and titled and len(plot.panels) > 1 else []


def machine(fields: Mapping[str, str | int]) -> list[tuple[str, str]]:
    """The fields of a machine as pairs of name and text."""
    rows = []
    for name, value in fields.items():
        if str(name).endswith("_bytes") and isinstance(value, int | float):
            rows.append((str(name).removesuffix("_bytes"), f"{number(value / 2**30)} GiB"))
        else:
            rows.append((shorten(str(name).replace("_", " "), 40), shorten(str(value), 120)))
    return rows
