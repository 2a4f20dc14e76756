"""Write the files of a report, each atomically."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from harness.figures import BUNDLED, figures
from harness.files import make_folder, replacing
from harness.report.data import ReportData
from harness.report.draw.svg import plot_files
from harness.report.figures.aggregate import prepared
from harness.report.figures.evidence import attempt, evidence, together
from harness.report.figures.looks import Look, looks
from harness.report.figures.panels import results_of
from harness.report.figures.plot import Plot
from harness.report.markdown import markdown
from harness.report.page.html import page
from harness.report.summary import Summary, summary_of


def page_files(data: ReportData, summary: Summary | None = None, state: str = "") -> dict[str, bytes]:
    """The page and its figures, by path."""
    return _files(data, summary, "report.html", partial(page, state=state))


def markdown_files(data: ReportData, summary: Summary | None = None) -> dict[str, bytes]:
    """The Markdown report and its figures, by path."""
    return _files(data, summary, "report.md", markdown)


def _files(data: ReportData, summary: Summary | None, name: str, write: Callable[..., str]) -> dict[str, bytes]:
    frame, looked, plots = shown(data)
    plots, files = drawn(plots, looked)
    return {
        **files,
        name: write(data, frame, plots, looked, summary or summary_of(data)).encode("utf-8", errors="replace"),
    }


def drawn(plots: Sequence[Plot], looked: Mapping[str, Look]) -> tuple[list[Plot], dict[str, bytes]]:
    """The plots as they can be drawn, and `figures/<id>.png` and `.svg` of each that has panels."""
    each = [attempt(plot, partial(_drawn, plot, looked), lambda failed: (failed, {})) for plot in plots]
    return [plot for plot, _ in each], {f"figures/{name}": data for _, files in each for name, data in files.items()}


def _drawn(plot: Plot, looked: Mapping[str, Look]) -> tuple[Plot, dict[str, bytes]]:
    return plot, plot_files(plot, looked) if plot.panels else {}


def write_files(files: Mapping[str, bytes], directory: Path, added_figures: Iterable[str] = ()) -> None:
    """The files in the directory. Figures of an earlier report that are no longer made are removed.

    `added_figures` names the figures that the experiment adds to the bundled ones.
    """
    make_folder(directory / "figures")
    for name, content in files.items():
        with replacing(directory / name) as file:  # a reader sees the old file or the new one
            file.write(content)
    ids = {*BUNDLED, *(figures[name].id for name in added_figures)}
    for stale in {f"figures/{id}{ending}" for id in ids for ending in (".png", ".svg")} - set(files):
        (directory / stale).unlink(missing_ok=True)


def shown(data: ReportData) -> tuple[pd.DataFrame, Mapping[str, Look], list[Plot]]:
    """The content of the report in every format: of one results folder, or of several side by side."""
    if not data.folders:
        return described(data)
    return together({label: described(folder) for label, folder in data.folders.items()})


def described(data: ReportData) -> tuple[pd.DataFrame, Mapping[str, Look], list[Plot]]:
    """The prepared frame, the cells' looks, and the figures as descriptions, of one results folder."""
    frame = prepared(data.frame)
    titles = {name: cell.title for name, cell in data.architectures.items()}
    cells = {*map(str, frame["cell"].unique()), *data.summaries, *titles}
    looked = looks(cells, titles)
    shown = {name: look.title for name, look in looked.items()}
    return frame, looked, evidence(results_of(data, frame, shown), data.figures)
