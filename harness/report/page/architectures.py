"""The cells side by side: their equations, gates and counts, and the Keras summaries of the article's model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.cells import Cell
from harness.cells.bundled_facts import counts
from harness.errors import UserError
from harness.report.figures.looks import Look
from harness.report.page.equations import equations
from harness.words import NO_VALUE, number, shorten

if TYPE_CHECKING:
    from harness.report.data import ReportData

FEATURES, UNITS = 256, 32
"""Of the first recurrent layer of the article's network."""


@dataclass(frozen=True)
class Architecture:
    """A cell as the template shows it."""

    look: Look
    title: str
    summary: str
    equations: list[Markup]
    """In MathML; none where they cannot be written so."""
    source: str
    """Of the equations."""
    model: str
    """Keras's summary of the article's model."""
    columns: int
    """Characters of the summary's longest line."""


@dataclass(frozen=True)
class Comparison:
    """What can be counted, a row each: the row's name and its value for each cell."""

    cells: list[str]
    rows: list[tuple[str, list[str]]]


def architectures(data: ReportData, looks: Mapping[str, Look]) -> list[Architecture]:
    """Each cell: what it is, its equations, and the summary of its model."""
    return [
        Architecture(
            look=looks[name],
            title=_title(name, looks),
            summary=cell.summary if cell else "",
            equations=equations(source(cell), recurrent_bias=cell.recurrent_bias) if cell else [],
            source=source(cell) if cell else "",
            model=data.summaries.get(name, ""),
            columns=max((len(line) for line in data.summaries.get(name, "").splitlines()), default=60),
        )
        for name, cell in _known(data, looks).items()
    ]


def comparison(data: ReportData, looks: Mapping[str, Look]) -> Comparison:
    """The cells side by side."""
    known = _known(data, looks)
    rows: list[tuple[str, list[str]]] = []
    if any(known.values()):
        rows += [
            ("gates", [_listed(cell.multiplicative_gates) if cell else NO_VALUE for cell in known.values()]),
            ("gates and candidates", [_listed(cell.gates) if cell else NO_VALUE for cell in known.values()]),
            ("states", [_listed(cell.states) if cell else NO_VALUE for cell in known.values()]),
        ]
    counted = [counts_of(cell) if cell else {} for cell in known.values()]
    for name in dict.fromkeys(name for numbers in counted for name in numbers):
        rows.append((name, [number(numbers.get(name)) for numbers in counted]))
    totals = [_total(data.summaries.get(cell, "")) for cell in known]
    if any(total != NO_VALUE for total in totals):
        rows.append(("parameters of the article's model", totals))
    return Comparison([_title(name, looks) for name in known], rows if known else [])


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
        "sigmoids and tanhs, a unit": counted.functions,
        "additions and multiplications, a unit": counted.elementwise,
        "statements of the step": counted.lines,
        f"operations a time step ({FEATURES} features, {UNITS} units)": counted.operations(FEATURES, UNITS),
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


def _title(cell: str, looks: Mapping[str, Look]) -> str:
    return shorten(looks[cell].title if cell in looks else cell, 60)
