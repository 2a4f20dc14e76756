"""Figures of simulated experiments with their bounds, as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.verdicts.words.findings import capital


@dataclass(frozen=True)
class Figure:
    """A share of the simulated experiments, and the bounds of its true value."""

    what: str
    scenario: str
    """Row and column of the table, separated by the first comma: '5 seeds, normal'."""
    share: float
    experiments: int
    low: float = 0.0
    high: float = 1.0

    @property
    def holds(self) -> bool:
        """Whether the share is within its bounds, or outside by at most three standard errors at the bound."""
        bound = min(max(self.share, self.low), self.high)
        edge = min(max(bound, 0.01), 0.99)
        slack = 3 * standard_error(edge, self.experiments)
        return bool(self.low - slack <= self.share <= self.high + slack)


def standard_error(share: float, experiments: int) -> float:
    """The standard error of a share of this number of simulated experiments."""
    return float(np.sqrt(share * (1 - share) / experiments))


def in_markdown(figures: Sequence[Figure]) -> str:
    """A table for each measure, with seeds as rows and kinds of data as columns, below a sentence on the simulation.

    All figures must have the same number of experiments.
    """
    (experiments,) = {figure.experiments for figure in figures}
    error = 100 * standard_error(0.05, experiments)
    tables = [
        f"Each figure is a share of {experiments:,} simulated experiments. The standard error of a figure of 5 % is"
        f" {error:.1f} percentage points."
    ]
    for what in dict.fromkeys(figure.what for figure in figures):
        of_table = [figure for figure in figures if figure.what == what]
        cells = {tuple(figure.scenario.split(", ", 1)): figure for figure in of_table}
        rows, columns = ([*dict.fromkeys(place)] for place in zip(*cells, strict=True))
        lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
        lines += [f"| {row} | {' | '.join(cell(cells.get((row, column))) for column in columns)} |" for row in rows]
        tables.append("\n".join((f"{capital(what)}{_promise(of_table[0])}:", "", *lines)))
    return "\n\n".join(tables)


def cell(figure: Figure | None) -> str:
    """The share in percent, marked if it is outside its bounds; empty without a figure."""
    return "" if figure is None else f"{figure.share:.1%}".replace("%", " %" if figure.holds else " % OUTSIDE")


def _promise(figure: Figure) -> str:
    low, high = f"{figure.low:.0%}".replace("%", " %"), f"{figure.high:.0%}".replace("%", " %")
    if figure.low > 0 and figure.high < 1:
        return f" (nominal {low} to {high})"
    return f" (nominal {low} or more)" if figure.low > 0 else f" (nominal {high})" if figure.high < 1 else ""
