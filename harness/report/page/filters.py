"""The filters of the figures: by the factors that panels differ in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.report.figures.panels import task_title
from harness.report.figures.plot import Plot
from harness.words import natural, number

if TYPE_CHECKING:
    from harness.report.data import ReportData

NAMES = {
    "task": ("Task", "all"),
    "train_size": ("Size", "all"),
    "sequence_length": ("Length", "all"),
    "backend": ("Backend", "all"),
    "matched": ("Equal", "units or parameters"),
}
"""Facet of a panel to its name in the form and the choice of all values."""


def filters(plots: Sequence[Plot], data: ReportData) -> list[dict[str, Any]]:
    """The filters for the template: those with more than one value to choose."""
    found = []
    for name, (label, every) in NAMES.items():
        values = {panel.facets[name] for plot in plots for panel in plot.panels if panel.facets.get(name)}
        if len(values) > 1:
            choices = [(value, _title(name, value, data)) for value in sorted(values, key=natural)]
            found.append({"name": name, "label": label, "all": every, "choices": choices})
    return found


def _title(name: str, value: str, data: ReportData) -> str:
    if name == "task":
        return task_title(data.tasks, value)
    return number(float(value)) if value.isdigit() else value
