"""From one row per trial to what a figure draws: conditions, means over seeds with intervals, and failures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.plan.rates import Choice, choose
from harness.report.figures.looks import in_order
from harness.report.figures.plot import Centre, Failed, Point, Quantity, Series
from harness.spec.factors import columns
from harness.store.frame import named_data
from harness.verdicts.stats import RESAMPLING_FROM, bca_interval, median, median_interval, student_interval
from harness.words import natural

TEXTS = (
    "trial_id", "status", "machine", "timing_block", "rounds", "reference_rounds", "cell", "purpose", "options", "data",
    *columns(lambda factor: factor.scope and factor.kind in ("text", "truth")),
)  # fmt: skip
NUMBERS = (
    "parameters", "recurrent_parameters", "updates", "seconds_total", "seconds_per_update", "seconds_data",
    "seconds_build", "seconds_first_step", "seconds_train", "seconds_evaluate", "cpu_seconds", "memory_baseline_bytes",
    "memory_peak_bytes", "memory_difference_bytes", "train_loss", "validation_loss", "test_loss", "test_accuracy",
    "attempt", "noisy", "timing_group", *columns(lambda factor: factor.kind in ("whole", "real")),
)  # fmt: skip
SCORES = ("test_", "baseline_", "validation_baseline_")
"""Prefixes of the columns with scores."""
DERIVED = ("batch_size", "patience", "stop_at_target", "updates_planned", "evaluate_every", "evaluate_lengths")
"""Often follow from the other factors (small training sets have small batches); conditions only where they do not."""
_SIZES = ("sequence_length", "train_size")
FACTORS = (
    "dataset", "backend", "lane", "machine",
    *columns(
        lambda factor: factor.condition, "task", "data", "backend", "lane", "learning_rate", *DERIVED, *_SIZES
    ),
    *_SIZES,
)  # fmt: skip
"""The factors that distinguish conditions within a task; the learning rate is chosen, see `with_best_rates`. The units
are those asked for: matched by parameters, each cell has its own."""
RESAMPLING_TO = 40
"""Above this number of values the mean's interval is Student's: as accurate, and much faster than a bootstrap."""
MOST_POINTS, FEWEST_POINTS = 160, 6
"""Seeds drawn in one panel, and at least at one x of one cell; all of them are in the mean and the interval."""


def prepared(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every column the report reads: texts as str, numbers finite or NaN, in a fixed order of rows."""
    tidy = frame.reset_index(drop=True).copy()
    for name in TEXTS:
        tidy[name] = tidy[name].fillna("").astype(str) if name in tidy else ""
    _make_numbers(tidy, (*NUMBERS, *(column for column in tidy.columns if str(column).startswith(SCORES))))
    tidy["reference_units"] = tidy["reference_units"].fillna(tidy["units"])
    tidy["dataset"] = named_data(tidy)
    place = {name: at for at, name in enumerate(sorted(tidy["dataset"].unique(), key=natural))}
    in_order = tidy.sort_values(
        ["task", *FACTORS, "learning_rate", "cell", "seed", "trial_id"],
        ignore_index=True,
        key=lambda column: column.map(place) if column.name == "dataset" else column,
    )
    return in_order.copy()  # columns set one by one are scattered in memory, of which pandas warns


def _make_numbers(table: pd.DataFrame, names: Iterable[str]) -> None:
    """Makes these columns of the table finite or NaN, and adds those that it does not have."""
    for name in dict.fromkeys(names):
        values = pd.to_numeric(table[name], errors="coerce") if name in table else pd.Series(np.nan, index=table.index)
        table[name] = values.astype(float).replace([np.inf, -np.inf], np.nan)


def with_factors(table: pd.DataFrame | None, frame: pd.DataFrame, numbers: Sequence[str]) -> pd.DataFrame:
    """A table of several rows a trial with the factors, status and baselines of the frame's trials, in a fixed order.

    `numbers` are its columns that must be there; they and every further score are finite or NaN.
    """
    baselines = [column for column in frame.columns if str(column).startswith(SCORES[1:])]
    factors = frame[["trial_id", "task", "cell", "seed", "status", "learning_rate", *FACTORS, *DERIVED, *baselines]]
    if table is None or table.empty or "trial_id" not in table:
        return factors.iloc[:0].assign(**dict.fromkeys(numbers, 0.0))
    kept_columns = [column for column in table.columns if column == "trial_id" or column not in factors.columns]
    rows = table.loc[table["trial_id"].isin(factors["trial_id"]), kept_columns]
    rows = rows.assign(trial_id=rows["trial_id"].astype(str))
    scores = [column for column in kept_columns if str(column).startswith(("test_", "validation_"))]
    _make_numbers(rows, (*numbers, *scores))
    merged = factors.merge(rows, on="trial_id", how="inner")
    return merged.sort_values(["task", "cell", "seed", "trial_id", numbers[0]], ignore_index=True).copy()


@dataclass(frozen=True)
class Condition:
    """The trials of one task that differ only in what a panel shows: x, cell and seed."""

    task: str
    factors: Mapping[str, Any]
    """The factors that are fixed in the panel."""
    varying: tuple[str, ...]
    """Those of them that take other values elsewhere in the same figure: a panel's title names these, besides the data
    where the task has several."""
    trials: pd.DataFrame


def conditions(frame: pd.DataFrame, *, x: str | None, pooled: Sequence[str] = ()) -> Iterator[Condition]:
    """The trials split by task, data and every factor but `x` and the `pooled` ones, in the order of the frame."""
    held = [name for name in (*FACTORS, *DERIVED) if name != x and name not in pooled]
    for (task, _), of_task in frame.groupby(["task", "dataset"], sort=False):
        # Cells matched by parameters have units of their own: matching is split first, so that they stay together.
        split = "matched" in held and of_task["matched"].nunique() > 1
        for _, matched in of_task.groupby("matched", sort=True) if split else [("", of_task)]:
            varying = [name for name in held if name in FACTORS and _varies(matched, name, within=["cell"])]
            varying += [name for name in held if name in DERIVED and _varies(matched, name, within=["cell", *FACTORS])]
            several = ("matched",) if split else ()
            groups = matched.groupby(varying, sort=True, dropna=False) if varying else [((), matched)]
            for _, trials in groups:
                factors = {name: trials[name].iloc[0] for name in held}
                yield Condition(str(task), factors, (*several, *varying), trials)


def _varies(trials: pd.DataFrame, name: str, within: list[str]) -> bool:
    if trials[name].nunique(dropna=False) <= 1:  # most do not, and a look at groups takes ten times longer
        return False
    return bool(trials.groupby(within, dropna=False)[name].nunique(dropna=False).max() > 1)


def typical(frame: pd.DataFrame) -> pd.DataFrame:
    """The trials at the largest training set of each task (of each of its data sets) and, of the lengths there, the
    middle one."""
    kept = []
    for _, of_task in frame.groupby(["task", "dataset"], sort=False):
        largest = of_task[of_task["train_size"] == of_task["train_size"].max()]
        largest = of_task if largest.empty else largest
        lengths = sorted(largest["sequence_length"].dropna().unique())
        kept.append(largest[largest["sequence_length"] == lengths[len(lengths) // 2]] if lengths else largest)
    return pd.concat(kept) if kept else frame


def with_best_rates(frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """One learning rate a cell and condition, and whether there was a choice.

    Where several were tried, the one that tuning would take is kept (`harness.plan.rates.choose`): by validation data,
    test data have no part in it.
    """
    key = ["task", *FACTORS, "cell"]
    if frame.empty or frame.groupby(key, dropna=False)["learning_rate"].nunique().max() <= 1:
        return frame, False
    best = frame.groupby(key, dropna=False)["learning_rate"].transform("first")
    for rows in frame.groupby(key, dropna=False).indices.values():
        trials = frame.iloc[rows]
        if trials["learning_rate"].nunique() > 1:
            best.iloc[rows] = choice_of(trials).rate
    return frame[frame["learning_rate"] == best].reset_index(drop=True), True


def choice_of(trials: pd.DataFrame) -> Choice:
    """Of the rates of a cell's trials the best on validation data; a failed trial has an infinite loss."""
    losses = trials["validation_loss"].where(trials["status"] == "ok").fillna(math.inf)
    return choose({}, {float(str(rate)): list(values) for rate, values in losses.groupby(trials["learning_rate"])})


def interval(
    values: Sequence[float], low: float | None = None, high: float | None = None
) -> tuple[float, float] | None:
    """The 95 % confidence interval of the mean, within the quantity's bounds; None under three values.

    BCa bootstrap from 10 to 40 values, where a skew shows and Student's does not see it; Student's otherwise.
    """
    if len(values) < 3:
        return None
    ordered = np.sort(np.asarray(values, dtype=float))
    resampled = RESAMPLING_FROM <= len(ordered) <= RESAMPLING_TO
    bounds = bca_interval(ordered) if resampled else student_interval(ordered)
    below, above = (float(bound) for bound in bounds)
    return max(below, low) if low is not None else below, min(above, high) if high is not None else above


def median_centre(x: float, values: Sequence[float], failed: int, worst: float) -> Centre | None:
    """The median of the values at x, each failure counting as `worst`, with its interval by order statistics.

    None where the median is a failure.
    """
    every = np.array([*values, *[worst] * failed])
    middle = median(every)
    if not math.isfinite(middle):
        return None
    low, high = median_interval(np.sort(every))
    known = math.isfinite(low) and math.isfinite(high)
    return Centre(x, middle, low if known else None, high if known else None, len(every))


def centre(x: float, values: Sequence[float], low: float | None = None, high: float | None = None) -> Centre:
    """Mean and interval of the values at x."""
    below, above = interval(values, low, high) or (None, None)
    return Centre(x, math.fsum(values) / len(values), below, above, len(values))


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """At most `most` points, evenly spaced from the lowest to the highest; both ends stay."""
    if len(points) <= most:
        return tuple(points)
    ordered = sorted(points, key=lambda point: point.y)
    places = np.unique(np.linspace(0, len(ordered) - 1, most).round().astype(int))
    return tuple(ordered[place] for place in places)


def statuses(trials: pd.DataFrame) -> str:
    """'2 diverged, 1 crashed'; trials with status ok but no value are 'without a value'."""
    counts = trials["status"].replace("ok", "without a value").value_counts(sort=False)
    return ", ".join(f"{count} {str(status).replace('_', ' ')}" for status, count in sorted(counts.items(), key=str))


def series_of(
    trials: pd.DataFrame, quantity: Quantity, x: str | None, titles: Mapping[str, str], *, worst: float | None = None
) -> tuple[Series, ...]:
    """A series a cell: every seed's value, the means with their intervals, and the failures, at each value of x.

    Without `x` every value stands at x = 0. Intervals stay within the bounds of the quantity. A failed trial has no
    value here, because the values that it measured before it failed are not comparable. With `worst`, the centres
    are medians in which each failure counts as that.
    """
    all_series = []
    axis = quantity.axis
    places = trials[x].nunique() if x else 1
    most = max(FEWEST_POINTS, MOST_POINTS // max(1, places * trials["cell"].nunique()))
    for cell in in_order([str(name) for name in trials["cell"].unique()]):
        of_cell = trials[trials["cell"] == cell]
        points: list[Point] = []
        centres: list[Centre | None] = []
        failed: list[Failed] = []
        measured = 0
        for at, group in of_cell.groupby(x, sort=True) if x else [(0.0, of_cell)]:
            place = float(at)  # type: ignore[arg-type]
            usable = (group["status"] == "ok") & group[quantity.column].notna()
            known = group[usable]
            ids = known["trial_id"] if "trial_id" in known else [""] * len(known)
            here = [
                Point(place, value * quantity.factor, None if math.isnan(seed) else int(seed), str(id))
                for value, seed, id in zip(known[quantity.column], known["seed"], ids, strict=True)
            ]
            measured += len(here)
            points += thinned(here, most)
            values, lost = [point.y for point in here], group[~usable]
            if worst is not None:
                centres.append(median_centre(place, values, len(lost), worst))
            elif values:
                centres.append(centre(place, values, axis.low, axis.high))
            if len(lost):
                failed.append(Failed(place, len(lost), statuses(lost)))
        drawn = tuple(filter(None, centres))
        hidden = measured - len(points)
        all_series.append(
            Series(cell, titles.get(cell, cell), tuple(points), drawn, tuple(failed), hidden_points=hidden)
        )
    return tuple(all_series)
