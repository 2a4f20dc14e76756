"""The report: one HTML page that works offline, its figures as files, and a Markdown summary."""

from __future__ import annotations

from pathlib import Path

from harness.report.data import ReportData

__all__ = ["ReportData", "render", "render_markdown"]


def render(data: ReportData, directory: Path) -> Path:
    """Write `report.html`, and `figures/*.png` and `*.svg`, into the directory; gives the path of the page.

    Each file replaces the one before it as a whole. Raises UserError where the directory cannot be written.
    """
    from harness.report.writing import write_report  # matplotlib takes a second to import

    return write_report(data, directory)


def render_markdown(data: ReportData, directory: Path) -> Path:
    """Write `report.md`, and `figures/*.png` and `*.svg`, into the directory; gives the path of the summary.

    Each file replaces the one before it as a whole. Raises UserError where the directory cannot be written.
    """
    from harness.report.writing import write_markdown

    return write_markdown(data, directory)
