"""From the data of a report to descriptions of figures, which do not depend on how they are drawn.

What a figure of a user's own is made with is imported from here; docs/adding-a-figure.md has an example.
"""

from harness.report.figures.aggregate import Condition, conditions, series_of, typical, with_best_rates, with_factors
from harness.report.figures.panels import (
    INTERVALS,
    MEDIANS,
    Results,
    baselines,
    content,
    facets,
    limited,
    metric,
    panel_of,
    panel_title,
)
from harness.report.figures.plot import Axis, Centre, Content, Failed, Panel, Point, Quantity, Reference, Series

__all__ = [
    "INTERVALS",
    "MEDIANS",
    "Axis",
    "Centre",
    "Condition",
    "Content",
    "Failed",
    "Panel",
    "Point",
    "Quantity",
    "Reference",
    "Results",
    "Series",
    "baselines",
    "conditions",
    "content",
    "facets",
    "limited",
    "metric",
    "panel_of",
    "panel_title",
    "series_of",
    "typical",
    "with_best_rates",
    "with_factors",
]
