"""The cells side by side: their equations, gates and counts, and the Keras summaries of the article's model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.report.figures.looks import Look
from harness.report.page.equations import equations
from harness.words import NO_VALUE, number, shorten

if TYPE_CHECKING:
    from harness.report.data import ReportData

LISTS = (("gates", "gates"), ("blocks", "blocks of weights"), ("states", "states"))
"""What an architecture lists by name, and what it is called."""


def architectures(data: ReportData, looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    """Each cell for the template: what it is, its equations, and the summary of its model."""
    return [
        {
            "look": looks[name],
            "title": _title(name, looks),
            "summary": about.get("summary", ""),
            "equations": equations(str(about["step"]), recurrent_bias=bool(about.get("recurrent_bias")))
            if about.get("step")
            else [],
            "source": str(about.get("step", "")),
            "model": data.summaries.get(name, ""),
            "columns": max((len(line) for line in data.summaries.get(name, "").splitlines()), default=60),
        }
        for name, about in _known(data, looks).items()
    ]


def comparison(data: ReportData, looks: Mapping[str, Look]) -> dict[str, Any]:
    """What can be counted, a row each: the row's name and its value for each cell."""
    known = _known(data, looks)
    rows: list[tuple[str, list[str]]] = []
    for key, name in LISTS:
        if any(key in about for about in known.values()):
            rows.append((name, [_listed(about.get(key)) for about in known.values()]))
    counted = dict.fromkeys(name for about in known.values() for name in about.get("counts", {}))
    for name in counted:
        rows.append((name, [number(about.get("counts", {}).get(name)) for about in known.values()]))
    totals = [_total(data.summaries.get(cell, "")) for cell in known]
    if any(total != NO_VALUE for total in totals):
        rows.append(("parameters of the article's model", totals))
    return {"cells": [_title(name, looks) for name in known], "rows": rows if known else []}


def _known(data: ReportData, looks: Mapping[str, Look]) -> dict[str, Mapping[str, Any]]:
    """The architectures by cell, in the cells' order; those of which there is only a summary among them."""
    given = {str(architecture.get("name", "")): architecture for architecture in data.architectures}
    return {name: given.get(name, {}) for name in looks if name in given or name in data.summaries}


def _total(summary: str) -> str:
    """The number of parameters that a Keras summary ends with."""
    found = re.search(r"Total params: ([\d,]+)", summary)
    return found[1] if found else NO_VALUE


def _listed(value: Any) -> str:
    """'2: update, reset'."""
    if isinstance(value, list | tuple):
        return f"{len(value)}: {', '.join(map(str, value))}" if value else "none"
    return NO_VALUE if value is None else str(value)


def _title(cell: str, looks: Mapping[str, Look]) -> str:
    return shorten(looks[cell].title if cell in looks else cell, 60)
