"""What more tries of the learning rate bring: the best validation loss among some of the tried rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.figures import figure
from harness.report.figures.aggregate import Condition, choice_of, conditions
from harness.report.figures.panels import Results, content, metric, panel_of
from harness.report.figures.plot import Axis, Centre, Content, Panel, Quantity, Series
from harness.report.figures.wording import with_unit
from harness.words import plural

FEWEST_RATES = 5
"""Minimum number of tried rates for the figure: fewer are a choice of the author and not a search."""
TRIED = Axis("Learning rates tried", "rates", whole=True)


@figure("best-of-k")
def best_of_k(results: Results) -> Content:
    """The mean of the best validation loss over all choices of k of the tried rates, for each cell."""
    panels = [
        _panel(results, here)
        for here in conditions(results.tuning, x="learning_rate")
        if here.trials["learning_rate"].nunique() >= FEWEST_RATES
    ]
    return content(
        "The best validation loss to expect from k random learning rates. A curve that falls early is of a cell that is"
        " easy to tune; where curves cross, the better cell depends on how much tuning one can afford.",
        panels,
        "Each value is the mean over all choices of k of the tried rates (Dodge et al. 2019, arXiv 1909.03004)."
        " A curve begins where each choice has a rate at which no trial failed.",
    )


def expected_best(losses: Sequence[float]) -> list[float]:
    """The mean of the smallest of k losses over all choices of k of them, for k = 1 to n: (n,).

    Infinite while some choice has infinite losses only. Of n ascending losses, the i-th is the smallest in
    C(n - i, k - 1) of the C(n, k) choices.
    """
    n, ordered = len(losses), sorted(losses)
    best = []
    for k in range(1, n + 1):
        shares = [math.comb(n - i, k - 1) / math.comb(n, k) for i in range(1, n + 1)]
        best.append(math.fsum(share * loss for share, loss in zip(shares, ordered, strict=True) if share))
    return best


def _panel(results: Results, here: Condition) -> Panel:
    unit = metric(results.tasks, here.task, "loss").axis.unit
    quantity = Quantity("validation_loss", Axis("Validation loss", unit))
    series, tried, failed = [], {}, {}
    for cell, trials in here.trials.groupby("cell", sort=False):
        merits = _losses(choice_of(trials).losses)
        label = results.titles.get(str(cell), str(cell))
        best = [(k, loss) for k, loss in enumerate(expected_best(merits), start=1) if math.isfinite(loss)]
        series.append(Series(str(cell), label, centres=tuple(Centre(k, loss, None, None, 0) for k, loss in best)))
        tried[label], failed[label] = len(merits), sum(map(math.isinf, merits))
    ends = ", ".join(
        f"{one.label} {with_unit(one.centres[0].mean, unit)} with {plural(int(one.centres[0].x), 'rate')},"
        f" {with_unit(one.centres[-1].mean, unit)} with {int(one.centres[-1].x)}"
        for one in series
        if one.centres
    )
    lost = ", ".join(f"{label} at {failed[label]} of {tried[label]}" for label in failed if failed[label])
    says = f"{ends}." + (f" Rates at which a trial failed: {lost}." if lost else " No trial failed at any rate.")
    return panel_of(results, here, quantity, tuple(series), x=TRIED, kind="lines", says=says)


def _losses(by_rate: Mapping[float, Sequence[float]]) -> list[float]:
    """The mean loss of each rate; infinite if a trial failed."""
    return [
        math.fsum(losses) / len(losses) if all(map(math.isfinite, losses)) else math.inf for losses in by_rate.values()
    ]
