"""The cells side by side: their equations, gates and counts, and the Keras summaries of the article's model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.cells import Cell
from harness.cells.bundled_facts import counts
from harness.errors import UserError
from harness.report.figures.looks import Look, title_of
from harness.report.page.equations import equations
from harness.words import NO_VALUE, number

if TYPE_CHECKING:
    from harness.report.data import ReportData

FEATURES, UNITS = 256, 32
"""Of the first recurrent layer of the article's network."""
PARTS = {"gates": "multiplicative_gates", "gates and candidates": "gates", "states": "states"}
"""What a cell consists of, and the field that lists it."""


def architectures(data: ReportData, looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    """Each cell: what it is, its equations, and the summary of its model."""
    return [
        {
            "name": name,
            "look": looks[name],
            "title": title_of(looks, name),
            "summary": cell.summary if cell else "",
            "equations": equations(source(cell), recurrent_bias=cell.recurrent_bias) if cell else [],
            "source": source(cell) if cell else "",
            "model": data.summaries.get(name, ""),
            "columns": max((len(line) for line in data.summaries.get(name, "").splitlines()), default=60),
        }
        for name, cell in _known(data, looks).items()
    ]


def comparison(data: ReportData, looks: Mapping[str, Look]) -> tuple[list[str], list[list[str]]]:
    """The cells side by side: their titles, and what can be counted, a row each that begins with its name."""
    known = _known(data, looks)
    rows: list[list[str]] = []
    if any(known.values()):
        for name, attribute in PARTS.items():
            rows.append([name, *(_listed(getattr(cell, attribute)) if cell else NO_VALUE for cell in known.values())])
    counted = [counts_of(cell) if cell else {} for cell in known.values()]
    for name in dict.fromkeys(name for numbers in counted for name in numbers):
        rows.append([name, *(number(numbers.get(name)) for numbers in counted)])
    totals = [_total(data.summaries.get(cell, "")) for cell in known]
    if any(total != NO_VALUE for total in totals):
        rows.append(["parameters of the article's model", *totals])
    return [title_of(looks, name) for name in known], rows


def source(cell: Cell) -> str:
    """The source of the cell's equations; '' where it has none."""
    if cell.step is None:
        return ""
    try:
        return inspect.getsource(cell.step)
    except (OSError, TypeError):  # made by a program and not written in a file, or no function
        return ""


def counts_of(cell: Cell) -> dict[str, int]:
    """What is counted in the cell's equations; nothing where these cannot be read."""
    try:
        counted = counts(cell)
    except UserError:
        return {}
    return {
        "recurrent products": counted.recurrent_products,
        "sigmoids and tanhs per unit": counted.functions,
        "additions and multiplications per unit": counted.elementwise,
        "statements of the step": counted.lines,
        f"operations per time step ({FEATURES} features, {UNITS} units)": counted.operations(FEATURES, UNITS),
        f"parameters of such a layer ({FEATURES} features, {UNITS} units)": cell.parameters(FEATURES, UNITS),
    }


def _known(data: ReportData, looks: Mapping[str, Look]) -> dict[str, Cell | None]:
    """The architectures by cell, in the cells' order; None for those of which there is only a summary."""
    return {
        name: data.architectures.get(name) for name in looks if name in data.architectures or name in data.summaries
    }


def _total(summary: str) -> str:
    """The number of parameters that a Keras summary ends with."""
    match = re.search(r"Total params: ([\d,]+)", summary)
    return match[1] if match else NO_VALUE


def _listed(names: Sequence[str]) -> str:
    """'2: update, reset'."""
    return f"{len(names)}: {', '.join(names)}" if names else "none"
