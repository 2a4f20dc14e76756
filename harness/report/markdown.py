"""The report as Markdown: a summary with the figures, fit for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.report.answer import WORDS, bounds, effect
from harness.report.appearance import Look, shorten
from harness.report.page import facts, notices
from harness.report.plot import Plot
from harness.report.wording import finding, with_unit

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.data import ReportData


def markdown(data: ReportData, frame: pd.DataFrame, plots: Sequence[Plot], looks: Mapping[str, Look]) -> str:
    """The whole summary; pictures are links into `figures/`."""
    parts = [f"# {plain(data.title, 200)}"]
    if data.description:
        parts.append(plain(data.description, 1200))
    parts.append(" · ".join(f"{name}: **{plain(value, 60)}**" for name, value in facts(data, frame)))
    parts += [f"> {plain(notice, 400)}" for notice in notices(data, frame)]
    parts += ["## The answer", _verdicts(data)]
    if plots:
        parts.append("## The evidence")
    for plot in plots:
        parts.append(f"### {plot.title}\n\n{plot.lead}\n\n![{plot.title}](figures/{plot.id}.png)")
        parts.append("\n".join(f"- {plain(panel.title, 120)}: {plain(finding(panel), 900)}" for panel in plot.panels))
    parts.append("## How it was measured")
    for machine in data.machines:
        parts.append("- " + ", ".join(f"{plain(str(k), 40)} {plain(str(v), 80)}" for k, v in machine.items()))
    parts += [plain(line, 300) for line in (data.versions, data.commit and f"Commit {data.commit}") if line]
    if data.command:
        fence = "`" * (1 + max((len(run) for run in re.findall("`+", data.command)), default=2))
        parts.append(f"{fence}\n{data.command}\n{fence}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdicts(data: ReportData) -> str:
    if not data.verdicts:
        return "The experiment declares no claims."
    rows = ["| | Claim | Verdict | Effect | 95 % interval | Margin | Seeds |", "|---|---|---|---:|---|---:|---:|"]
    for verdict in data.verdicts:
        margin = getattr(verdict, "margin", None)
        cells = (
            WORDS.get(verdict.verdict, ("", "?", ""))[1],
            plain(verdict.claim, 200),
            plain(verdict.verdict, 40),
            plain(effect(verdict.effect, verdict.unit, verdict.kind), 60),
            bounds(verdict.ci_low, verdict.ci_high).replace("[", "\\[").replace("]", "\\]"),
            plain("" if margin is None else f"±{with_unit(margin, verdict.unit)}", 60),
            str(verdict.n or ""),
        )
        rows.append("| " + " | ".join(cells) + " |")
    reasons = [
        f"- **{plain(verdict.claim, 200)}**: {plain(verdict.reason, 600)}"
        for verdict in data.verdicts
        if verdict.reason
    ]
    return "\n".join(rows) + ("\n\n" + "\n".join(reasons) if reasons else "")


def plain(text: str, most: int) -> str:
    """The text as Markdown shows it as it is: on one line, with everything escaped that means something."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&$@])", r"\\\1", shorten(text, most))
