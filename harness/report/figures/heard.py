"""Sound event detection on one test example: its spectrogram, the reference labels, the events each cell detects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import pandas as pd

from harness.figures import figure
from harness.report.figures.aggregate import conditions, typical
from harness.report.figures.looks import in_order
from harness.report.figures.panels import TYPICAL, Results, facets, panel_title
from harness.report.figures.plot import Axis, Content, Panel, Picture, Series, Span
from harness.report.figures.wording import with_unit
from harness.tasks import Example
from harness.words import number, plural, shorten

THERE = "Reference labels"
COLUMNS = ("recall (%)", "false positives (s)")
"""Columns of the table of values, for each cell."""


@figure("heard")
def heard(results: Results) -> Content:
    """A roll under the spectrogram: when each label is present, and when each cell detects it."""
    trials, _ = results.at_best_rates
    shown = trials[trials["trial_id"].isin(results.examples) & (trials["status"] == "ok")]
    heard_in = [(here, _one_a_cell(here.trials)) for here in conditions(typical(shown), x=None, pooled=("machine",))]
    if not heard_in:
        return Content("", ())
    here, one = heard_in[0]
    of_cell = {str(row.cell): results.examples[str(row.trial_id)] for row in one.itertuples()}
    examples = {cell: of_cell[cell] for cell in in_order(list(of_cell))}
    first = next(iter(examples.values()))
    panel = Panel(
        panel_title(results.tasks, here),
        Axis("Time", "s", low=0, high=float(first.seconds)),
        Axis("Label"),
        _series(examples, results.titles),
        kind="roll",
        facets=facets(here),
        says=_says(examples, results.titles),
        picture=_picture(first),
        rows=tuple(map(_name, first.labels)),
    )
    titles = [results.titles.get(cell, cell) for cell in examples]
    header = ("Label", "Present (s)", *(f"{title}: {what}" for title in titles for what in COLUMNS))
    further = len(heard_in) - 1
    return Content(
        "One test example: the spectrogram that the network receives, the reference labels, and the labels that each "
        "cell detects. The detection thresholds are chosen on validation data.",
        (panel,),
        (
            f"The same example for every cell, with the networks of seed {int(one['seed'].iloc[0])}.",
            TYPICAL,
            *((f"{plural(further, 'further condition')} not drawn.",) if further else ()),
        ),
        values=(header, tuple(_rows(examples))),
    )


def _name(label: object) -> str:
    return str(label).replace("_", " ")


def _one_a_cell(trials: pd.DataFrame) -> pd.DataFrame:
    """For each cell, the trial with the lowest seed that most cells have."""
    seeds = trials.groupby("seed")["cell"].nunique()
    seed = seeds[seeds == seeds.max()].index.min()
    chosen: pd.DataFrame = trials[trials["seed"] == seed].drop_duplicates("cell")
    return chosen


def _series(examples: Mapping[str, Example], titles: Mapping[str, str]) -> tuple[Series, ...]:
    first = next(iter(examples.values()))
    return (
        Series("", THERE, spans=_spans(first.there, first.seconds)),
        *(
            Series(cell, titles.get(cell, cell), spans=_spans(examples[cell].heard, examples[cell].seconds))
            for cell in examples
        ),
    )


def _spans(rows: Sequence[str], seconds: float) -> tuple[Span, ...]:
    """The runs of '1' in each row."""
    spans = []
    for place, row in enumerate(rows):
        step, at = seconds / max(1, len(row)), 0
        for mark, run in groupby(row):
            length = len(list(run))
            if mark == "1":
                spans.append(Span(place, at * step, (at + length) * step))
            at += length
    return tuple(spans)


def _picture(example: Example) -> Picture:
    title, low, high = map(str, example.axis)
    rows = tuple(tuple(int(digit, 16) / 15 for digit in row) for row in example.picture)
    return Picture(rows, title, low, high)


def _shares(example: Example) -> list[tuple[float, float, float]]:
    """For each label: seconds present, seconds of these detected, seconds of false positives."""
    shares = []
    for there, detected in zip(example.there, example.heard, strict=True):
        step = example.seconds / max(1, len(there))
        both = sum(a == b == "1" for a, b in zip(there, detected, strict=True))
        shares.append((there.count("1") * step, both * step, (detected.count("1") - both) * step))
    return shares


def _says(examples: Mapping[str, Example], titles: Mapping[str, str]) -> str:
    first = next(iter(examples.values()))
    there = [shorten(_name(label), 24) for label, row in zip(first.labels, first.there, strict=True) if "1" in row]
    shares = []
    for cell, example in examples.items():
        total, both, false = (sum(column) for column in zip(*_shares(example), strict=True))
        recall = f"recall {with_unit(100 * both / total, '%')}, " if total else ""
        shares.append(f"{titles.get(cell, cell)} {recall}false positives {with_unit(false, 's')}")
    total = sum(seconds for seconds, _, _ in _shares(first))
    return (
        f"Present: {', '.join(there) or 'nothing'}; {with_unit(total, 's')} summed over labels. "
        f"Detected: {'; '.join(shares)}."
    )


def _rows(examples: Mapping[str, Example]) -> list[tuple[str, ...]]:
    first = next(iter(examples.values()))
    shares = [_shares(example) for example in examples.values()]
    rows = []
    for place, label in enumerate(first.labels):
        seconds = _shares(first)[place][0]
        row = [_name(label), number(seconds)]
        for of_cell in shares:
            _, both, false = of_cell[place]
            row += [number(100 * both / seconds) if seconds else "–", number(false)]
        rows.append(tuple(row))
    return rows
