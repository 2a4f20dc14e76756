"""One example as the networks hear it: a picture of it, what is there, and what each cell says is there."""

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
from harness.words import number, shorten

THERE = "What is there"


@figure("heard")
def heard(results: Results) -> Content:
    """A roll under the picture of the example: for each label when it is there, and when each cell hears it."""
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
    header = ("Label", "There (s)", *(f"{title}: {what}" for title in titles for what in ("of it (%)", "besides (s)")))
    further = len(heard_in) - 1
    return Content(
        "One test example: its spectrogram as the network gets it, the labels that are there, and those that each cell "
        "hears, at the thresholds chosen on validation data.",
        (panel,),
        (
            f"The same example for every cell, as the network of seed {int(one['seed'].iloc[0])} hears it.",
            TYPICAL,
            *((f"{further} further conditions not drawn.",) if further else ()),
        ),
        values=(header, tuple(_rows(examples))),
    )


def _name(label: object) -> str:
    return str(label).replace("_", " ")


def _one_a_cell(trials: pd.DataFrame) -> pd.DataFrame:
    """Of each cell the trial with the lowest seed that most cells have."""
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
    """Of each label: seconds there, seconds of these that were heard, seconds heard besides."""
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
        total, both, besides = (sum(column) for column in zip(*_shares(example), strict=True))
        share = f"{with_unit(100 * both / total, '%')} of it and " if total else ""
        shares.append(f"{titles.get(cell, cell)} {share}{with_unit(besides, 's')} besides")
    total = sum(seconds for seconds, _, _ in _shares(first))
    return (
        f"There: {', '.join(there) or 'nothing'}, {with_unit(total, 's')} of labels in all. Heard: {'; '.join(shares)}."
    )


def _rows(examples: Mapping[str, Example]) -> list[tuple[str, ...]]:
    first = next(iter(examples.values()))
    shares = [_shares(example) for example in examples.values()]
    rows = []
    for place, label in enumerate(first.labels):
        seconds = _shares(first)[place][0]
        row = [_name(label), number(seconds)]
        for of_cell in shares:
            _, both, besides = of_cell[place]
            row += [number(100 * both / seconds) if seconds else "–", number(besides)]
        rows.append(tuple(row))
    return rows
