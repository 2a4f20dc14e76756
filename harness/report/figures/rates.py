"""Learning-rate sensitivity: validation loss at every rate that was tried, which one was chosen, and what to doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from harness.plan.rates import Choice
from harness.report.figures.aggregate import Condition, choice_of, conditions, typical
from harness.report.figures.panels import (
    INTERVALS,
    Draft,
    Quantity,
    Results,
    facets,
    limited,
    metric,
    panel_title,
    series_of,
    thinning,
)
from harness.report.figures.plot import Axis, Panel, Plot, Series
from harness.report.figures.quality import TYPICAL
from harness.report.figures.wording import with_unit
from harness.verdicts.counted import of_one_lane
from harness.words import number, plural


def learning_rates(results: Results) -> Plot:
    """Validation loss against the learning rate: of the tuning trials, and where a sweep lists several rates."""
    swept = typical(of_one_lane(results.frame, "test_loss"))
    drafts: list[Draft | Panel] = []
    tuned = results.tuning
    listed = swept[~_data_of(swept).isin(_data_of(tuned))]
    for trials in (tuned, listed):
        for here in conditions(trials, x="learning_rate"):
            if here.trials["learning_rate"].nunique() > 1:
                drafts.append(_panel(results, here, _choices(here.trials)))
    kept, notes = limited(drafts)
    ring = "Ring: the rate that was chosen, with the lowest mean validation loss."
    where = (_tuning_note(tuned),) if not tuned.empty else (TYPICAL,)
    return Plot(
        "learning-rates",
        "How much does the learning rate matter?",
        "Validation loss against the learning rate. A flat valley is easy to tune; crosses are trials that failed.",
        kept,
        (ring, *where, INTERVALS, *notes, *thinning(kept)),
        log=True,
    )


def _data_of(trials: pd.DataFrame) -> pd.Series[str]:
    """Task and data of each trial, as one text."""
    return trials["task"] + "\n" + trials["dataset"]


def _panel(results: Results, here: Condition, choices: Mapping[str, Choice]) -> Panel:
    unit = metric(results.tasks, here.task, "loss").axis.unit
    quantity = Quantity("validation_loss", Axis("Validation loss", unit))
    series = tuple(
        replace(one, chosen=choices[one.cell].rate if one.cell in choices else None)
        for one in series_of(here.trials, quantity, "learning_rate", results.titles)
    )
    return Panel(
        panel_title(results.tasks, here),
        Axis("Learning rate", whole=True, scale="log"),
        quantity.axis,
        series,
        facets=facets(here),
        better="lower",
        says=_says(series, choices, unit),
    )


def _choices(trials: pd.DataFrame) -> dict[str, Choice]:
    """The rate of each cell by the one rule of tuning and of the other figures."""
    return {str(cell): choice_of(of_cell) for cell, of_cell in trials.groupby("cell")}


def _says(series: tuple[Series, ...], choices: Mapping[str, Choice], unit: str) -> str:
    """'Chosen: GRU 0.01 (2.1 nats), LSTM 0.03 (1.9 nats). At the end of the grid, ...: LSTM.'"""
    said, edges, ties = [], [], []
    for one in series:
        choice = choices.get(one.cell)
        mean = next((c.mean for c in one.centres if choice and c.x == choice.rate), None)
        if choice is None or mean is None:
            said.append(f"{one.label} none, as every rate failed")
            continue
        said.append(f"{one.label} {number(choice.rate)} ({with_unit(mean, unit)})")
        edges += [one.label] if choice.at_edge else []
        ties += [one.label] if choice.tied else []
    sentences = [f"Chosen: {', '.join(said)}."]
    if edges:
        sentences.append(f"At the end of the grid, so that a better one may lie beyond: {', '.join(edges)}.")
    if ties:
        sentences.append(f"Tied with a larger rate: {', '.join(ties)}.")
    return " ".join(sentences)


def _tuning_note(tuned: pd.DataFrame) -> str:
    seeds = tuned["seed"].nunique()
    return (
        f"Tuned on {plural(len(tuned), 'trial')} with {plural(seeds, 'seed')} of their own, which are in no other "
        "figure and in no verdict; a rate at which a trial failed is not chosen."
    )
