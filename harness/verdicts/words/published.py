"""Sentences that put published figures beside those measured."""

from __future__ import annotations

from harness.verdicts.verdict import PublishedFigure, PublishedResult
from harness.verdicts.words.effects import interval
from harness.verdicts.words.findings import title
from harness.words import number


def published_in_words(result: PublishedResult) -> str:
    """'Published (arXiv 1412.3555, table 2): GRU 8.54, here 8.6 [8.5, 8.7], which includes it; LSTM ...'"""
    unit = f" {result.unit}" if result.unit else ""
    parts = [result.finding.rstrip("."), *(_one(figure, unit) for figure in result.figures)]
    return f"Published ({result.source}): {'; '.join(filter(None, parts))}."


def as_published(figure: PublishedFigure) -> str:
    """The published figure with the digits that the publication has."""
    return f"{figure.published:,.10g}"


def measured_in_words(figure: PublishedFigure) -> str:
    """'8.6 [8.5, 8.7]': the mean with its interval; 'not measured' if there is none."""
    if figure.measured is None:
        return "not measured"
    bounds = interval(figure.low, figure.high, "") if figure.inside is not None else ""
    return f"{number(figure.measured)} {bounds}".strip()


def inside_in_words(figure: PublishedFigure) -> str:
    """'inside', 'outside', or nothing if there is no interval."""
    return "" if figure.inside is None else "inside" if figure.inside else "outside"


def _one(figure: PublishedFigure, unit: str) -> str:
    verb = {True: ", which includes it", False: ", which excludes it", None: ""}[figure.inside]
    return f"{title(figure.cell)} {as_published(figure)}{unit}, here {measured_in_words(figure)}{verb}"
