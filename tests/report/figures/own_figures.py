"""Figures of a user's own: one that is right, and ways of being wrong."""

from __future__ import annotations

from harness.figures import figure
from harness.report.figures import Axis, Centre, Content, Panel, Results, Series


def row(mean: float, **facets: str) -> Panel:
    series = Series("gru", "GRU", centres=(Centre(0.0, mean, None, None, 1),))
    return Panel("Here", Axis("Cell"), Axis("Answer"), (series,), kind="rows", facets=facets)


@figure("right", "Is it right?")
def right(results: Results) -> Content:
    return Content("It is.", (row(float(len(results.frame))),), ("A note of its own.",))


@figure("without-panels", "Is there anything?")
def without_panels(results: Results) -> Content:
    return Content("No.", ())


@figure("wrong-column", "Is the column there?")
def wrong_column(results: Results) -> Content:
    return Content(str(results.frame["test_los"].mean()), ())


@figure("wrong-type", "Is it a Content?")
def wrong_type(results: Results) -> object:
    return [row(1.0)]


@figure("wrong-panel", "Are these panels?")
def wrong_panel(results: Results) -> Content:
    return Content("No.", ({"title": "Here"},))  # type: ignore[arg-type]


@figure("wrong-values", "Are these texts?")
def wrong_values(results: Results) -> Content:
    return Content("No.", (row(1.0),), values=(("Value",), ((1.0,),)))  # type: ignore[arg-type]


@figure("wrong-facet", "Is this a text?")
def wrong_facet(results: Results) -> Content:
    return Content("No.", (row(1.0, backend=7),))  # type: ignore[arg-type]


@figure("not-drawable", "Can it be drawn?")
def not_drawable(results: Results) -> Content:
    return Content("No.", (row(float("inf")),))


@figure("memory", "Which figure has this id?")
def of_the_same_id(results: Results) -> Content:
    return Content("Another.", ())
