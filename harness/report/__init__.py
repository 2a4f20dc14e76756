"""The report: one HTML page that works offline, its figures as files, and a Markdown summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.report.data import ReportData

if TYPE_CHECKING:
    from harness.report.summary import Summary

__all__ = ["ReportData", "render", "render_markdown", "report_files"]


def render(data: ReportData, directory: Path, summary: Summary | None = None) -> Path:
    """Write `report.html`, and `figures/*.png` and `*.svg`, into the directory; gives the path of the page.

    summary: what `summary_of` makes of the data, if it is known

    Each file replaces the one before it as a whole. Raises UserError where the directory cannot be written.
    """
    from harness.report.writing import write_files  # matplotlib takes a second to import

    write_files(report_files(data, summary), directory, data.figures)
    return directory / "report.html"


def render_markdown(data: ReportData, directory: Path, summary: Summary | None = None) -> Path:
    """Write `report.md`, and `figures/*.png` and `*.svg`, into the directory; gives the path of the Markdown file.

    summary: what `summary_of` makes of the data, if it is known

    Each file replaces the one before it as a whole. Raises UserError where the directory cannot be written.
    """
    from harness.report.writing import markdown_files, write_files

    write_files(markdown_files(data, summary), directory, data.figures)
    return directory / "report.md"


def report_files(data: ReportData, summary: Summary | None = None, *, state: str = "") -> dict[str, bytes]:
    """What `render` writes, by path. With `state`, the page is one that `harness serve` keeps up to date."""
    from harness.report.writing import page_files

    return page_files(data, summary, state)
