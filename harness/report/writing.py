"""The files of a report, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from harness.files import make_folder, replacing
from harness.report.aggregate import prepared
from harness.report.appearance import Look, looks
from harness.report.data import ReportData
from harness.report.evidence import FIGURES, evidence
from harness.report.markdown import markdown
from harness.report.page import page
from harness.report.panels import results_of
from harness.report.plot import Plot
from harness.report.svg import plot_files


def write_report(data: ReportData, directory: Path) -> Path:
    """The page and its figures in the directory. Figures of an earlier report that are no longer made are removed."""
    frame, looked, plots = described(data)
    html = page(data, frame, plots, looked)
    write_figures(plots, looked, directory)
    path = directory / "report.html"
    replace_file(path, html.encode("utf-8", errors="replace"))
    return path


def write_markdown(data: ReportData, directory: Path) -> Path:
    """The summary and its figures in the directory."""
    frame, looked, plots = described(data)
    write_figures(plots, looked, directory)
    path = directory / "report.md"
    replace_file(path, markdown(data, frame, plots, looked).encode("utf-8", errors="replace"))
    return path


def write_figures(plots: Sequence[Plot], looked: Mapping[str, Look], directory: Path) -> None:
    """`figures/<id>.png` and `.svg` of every plot."""
    folder = directory / "figures"
    make_folder(folder)
    files = {name: content for plot in plots for name, content in plot_files(plot, looked).items()}
    for name, content in files.items():
        replace_file(folder / name, content)
    for stale in {f"{id}{ending}" for id in FIGURES for ending in (".png", ".svg")} - set(files):
        (folder / stale).unlink(missing_ok=True)


def described(data: ReportData) -> tuple[pd.DataFrame, Mapping[str, Look], list[Plot]]:
    """The prepared frame, the cells' looks, and the figures as descriptions: what every format of the report shows."""
    frame = prepared(data.frame)
    titles = {str(a["name"]): str(a["title"]) for a in data.architectures if a.get("name") and a.get("title")}
    cells = {*map(str, frame["cell"].unique()), *data.summaries, *titles}
    looked = looks(cells, titles)
    shown = {name: look.title for name, look in looked.items()}
    return frame, looked, evidence(results_of(data, frame, shown))


def replace_file(path: Path, content: bytes) -> None:
    """The content under that name, in one step: a reader sees the old file or the new one. Raises UserError."""
    with replacing(path) as file:
        file.write(content)
