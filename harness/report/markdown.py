"""The report as Markdown: a summary with the figures, fit for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from harness.report.figures.looks import Look
from harness.report.figures.plot import Plot
from harness.report.figures.wording import finding
from harness.report.page.answer import WORDS, effect, margin_in_words
from harness.report.page.changes import Changes, changes
from harness.report.page.html import facts, moment, notices
from harness.report.page.overview import Overview, Shown, overview
from harness.report.summary import Summary
from harness.verdicts.verdict import decided_first
from harness.verdicts.words.effects import interval_of
from harness.words import shorten

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.data import ReportData
    from harness.verdicts.verdict import Verdict

MOST_CHARACTERS = 65_000
"""GitHub refuses a comment of more than 65,536."""
FOR_VERDICTS, FOR_REASONS, FOR_CHANGES = 25_000, 15_000, 5_000
"""Characters of them."""
MOST_MACHINES, MOST_COMMAND = 20, 1000
"""Machines listed, and characters of a command."""


def markdown(
    data: ReportData, frame: pd.DataFrame, plots: Sequence[Plot], looks: Mapping[str, Look], summary: Summary
) -> str:
    """The whole summary in the order of the page, short enough for a comment; pictures are links into `figures/`."""
    parts = [f"# {plain(data.title, 200)}"]
    parts.append(" · ".join(f"{name}: **{plain(value, 200)}**" for name, value in facts(data, frame)))
    parts += [f"> {plain(notice, 400)}" for notice in notices(data, frame)]
    parts += ["## The answer", "\n".join(f"- {plain(sentence, 600)}" for sentence in summary.sentences)]
    if summary.matrix is not None:
        parts += _matrix(overview(summary.matrix, looks, plots))
    parts += ["## Verdicts", _verdicts(data)]
    since = changes(data)
    if since is not None:
        parts += [f"## What changed since {moment(since.since)}", *_changes(since)]
    if data.description:
        parts += ["## About this experiment", plain(data.description, 1200)]
    measured = _measured(data)
    if plots:
        parts.append("## Figures")
        room = MOST_CHARACTERS - sum(len(part) + 2 for part in [*parts, *measured])
        kept, more = _fitting([_figure(plot) for plot in plots], room, "figures")
        parts += [*kept, more]
    return "\n\n".join(part for part in [*parts, *measured] if part) + "\n"


def _changes(since: Changes) -> list[str]:
    """The sentence, and the claims with another verdict."""
    rows = [
        f"- {plain(row.claim, 200)}: {row.words[0] or 'not judged'} before, {row.words[1] or 'not judged'} now"
        for row in since.rows
        if row.words[0] != row.words[1]
    ]
    kept, more = _fitting(rows, FOR_CHANGES, "claims")
    return [since.sentence, "\n".join(kept), more]


def _matrix(shown: Overview) -> list[str]:
    """The matrix as a table: scores, then costs."""
    if not shown.rows and not shown.costs:
        return []
    head = ["| | " + " | ".join(plain(cell, 40) for cell in shown.cells) + " |", "|---" * (len(shown.cells) + 1) + "|"]
    rows = [
        f"| {' | '.join((f'**{plain(row.title, 80)}**, {plain(row.detail, 200)}', *map(_entry, row.entries)))} |"
        for row in (*shown.rows, *shown.costs)
    ]
    return ["\n".join((*head, *rows)), *([plain(" ".join(shown.notes), 1000)] if shown.notes else [])]


def _entry(entry: Shown) -> str:
    text = plain(" ".join(filter(None, (entry.value, entry.interval, entry.note))), 80)
    return f"**★ {text}**" if entry.best else text


def _figure(plot: Plot) -> str:
    findings = "\n".join(f"- {plain(panel.title, 120)}: {plain(finding(panel), 900)}" for panel in plot.panels)
    title, error = f"### {plot.title}", f"> {plain(plot.error, 600)}"
    if plot.error and not plot.panels:
        return f"{title}\n\n{error}"
    shown = f"{plot.lead}\n\n![{plot.title}](figures/{plot.id}.png)\n\n{findings}"
    return f"{title}\n\n{error}\n\n{shown}" if plot.error else f"{title}\n\n{shown}"


def _measured(data: ReportData) -> list[str]:
    parts = ["## How it was measured"]
    for machine in data.machines[:MOST_MACHINES]:
        parts.append("- " + ", ".join(f"{plain(str(k), 40)} {plain(str(v), 80)}" for k, v in machine.items()))
    for row in data.datasets[:MOST_MACHINES]:
        parts.append("- " + ", ".join(f"{plain(k, 40)} {plain(v, 200)}" for k, v in row.items()))
    parts += [plain(line, 300) for line in (data.versions, data.commit and f"Commit {data.commit}") if line]
    if data.command:
        command = "\n".join(line[:MOST_COMMAND] for line in data.command.splitlines()[:MOST_MACHINES])
        fence = "`" * (1 + max((len(run) for run in re.findall("`+", command)), default=2))
        parts.append(f"{fence}\n{command}\n{fence}")
    return parts


def _fitting(paragraphs: Sequence[str], room: int, what: str) -> tuple[list[str], str]:
    """The first of the paragraphs, as many as there is room for; and a sentence that says how many are left out."""
    lengths = accumulate(len(paragraph) + 2 for paragraph in paragraphs)
    kept = sum(length <= room for length in lengths)
    left = len(paragraphs) - kept
    return list(paragraphs[:kept]), f"{left:,} more {what}: see report.html." if left else ""


def _verdicts(data: ReportData) -> str:
    if not data.verdicts:
        return "The experiment declares no claims."
    head = "| | Claim | Verdict | Effect | 95 % interval | Margin | Seeds |\n|---|---|---|---:|---|---:|---:|"
    rows, more_rows = _fitting([_row(verdict) for verdict in decided_first(data.verdicts)], FOR_VERDICTS, "claims")
    reason_lines = [
        f"- **{plain(v.claim, 200)}**: {plain(v.reason, 600)}" for v in decided_first(data.verdicts) if v.reason
    ]
    reasons, more_reasons = _fitting(reason_lines, FOR_REASONS, "reasons")
    parts = ["\n".join([head, *rows]), more_rows, "\n".join(reasons), more_reasons]
    return "\n\n".join(part for part in parts if part)


def _row(verdict: Verdict) -> str:
    cells = (
        WORDS.get(verdict.verdict, ("", "?", ""))[1],
        plain(verdict.claim, 200),
        verdict.verdict,
        plain(effect(verdict), 60),
        interval_of(verdict).replace("[", "\\[").replace("]", "\\]"),
        plain(margin_in_words(verdict), 60),
        str(verdict.n or ""),
    )
    return "| " + " | ".join(cells) + " |"


def plain(text: str, most: int) -> str:
    """The text as Markdown shows it as it is: on one line, with everything escaped that means something.

    GitHub looks for @names and #numbers when the backslashes are gone already: a space without width hides them.
    """
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~&$@])", r"\\\1", shorten(text, most))
    return re.sub(r"([@#])(?=\w)", "\\1\u200b", escaped)
