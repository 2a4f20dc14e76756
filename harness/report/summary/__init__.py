"""What a report says first, in every format: the matrix of tasks and cells, and the bottom line."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.data import LABEL, ReportData
from harness.report.figures.aggregate import prepared
from harness.report.figures.panels import results_of
from harness.report.summary.bottom_line import bottom_line
from harness.report.summary.matrix import Matrix, matrix
from harness.words import shorten


@dataclass(frozen=True)
class Summary:
    """The sentences of the bottom line, and the matrix; several folders have sentences of each, and no matrix."""

    sentences: tuple[str, ...] = ()
    matrix: Matrix | None = None


def summary_of(data: ReportData) -> Summary:
    """The summary of one results folder, or of several."""
    if data.folders:
        each = {label: summary_of(folder).sentences for label, folder in data.folders.items()}
        return Summary(tuple(f"{shorten(label, LABEL)}: {' '.join(said)}" for label, said in each.items() if said))
    titles = {name: cell.title for name, cell in data.architectures.items()}
    results = results_of(data, prepared(data.frame), titles)
    if results.frame.empty:
        return Summary()
    overview = matrix(results, data.verdicts)
    return Summary(tuple(bottom_line(overview, data.verdicts, titles)), overview)
