"""Training: learning curves, time to a target, and the effect of the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import pandas as pd

from harness.figures import figure
from harness.plan.rates import Choice
from harness.report.figures.aggregate import (
    Condition,
    centre,
    choice_of,
    conditions,
    series_of,
    statuses,
    typical,
    with_best_rates,
    with_factors,
)
from harness.report.figures.looks import in_order
from harness.report.figures.panels import (
    INTERVALS,
    MEDIANS,
    MOST_TRACES,
    TYPICAL,
    Results,
    Titles,
    content,
    metric,
    panel_of,
    panel_title,
    trace_trials,
    traces,
)
from harness.report.figures.plot import Axis, Centre, Content, Failed, Panel, Quantity, Series
from harness.report.figures.wording import with_unit
from harness.verdicts.counted import of_one_lane
from harness.verdicts.target_times import reached
from harness.words import number, plural

T = TypeVar("T")
MOST_STEPS = 60
"""Points drawn of one curve."""
NO_COMPILING = "Times are training times, excluding evaluations and the first update, which compiles."
UPDATES = Axis("Updates", "updates", written="Updates")
TIME = Axis("Training time", "s")
RATE = Axis("Learning rate", whole=True, scale="log")


@figure("learning-curves")
def learning_curves(results: Results) -> Content:
    """Validation loss against updates, and against seconds of training: one line per seed, and their mean."""
    trials, chosen = _trials(results)
    panels = []
    for here in conditions(trials, x=None):
        curves = _of(here, results)
        if "near_target" in curves:  # these evaluations are of a few trials alone
            curves = curves[~curves["near_target"].astype(bool)]
        if curves.empty:
            continue
        quantity = _validation_loss(results, here.task)
        for x, column, title in ((UPDATES, "update", "updates"), (TIME, "seconds", "time")):
            series = _traced(here.trials, curves, column, results.titles)
            panels.append(panel_of(results, here, quantity, series, more=f" · {title}", x=x, kind="curves"))
    note = (
        f"Thick line: mean over finished seeds, as far as all of them have values. Thin lines: single seeds, at most "
        f"{MOST_TRACES} per cell. Cross above the axes: a failed trial."
    )
    return content(
        "Validation loss against the number of updates, and against seconds of training. "
        "The line that falls first is the cell that learns fastest; the lowest end is the best result.",
        panels,
        note,
        NO_COMPILING,
        TYPICAL,
        rates=chosen,
        log=True,
    )


@dataclass(frozen=True)
class _Target:
    """What has to be reached on validation data: a column of the curves and a level, and that in words."""

    column: str
    level: float | str
    """A number, or the column that has each trial's own: a baseline's."""
    lower: bool
    words: str

    def reached(self, curves: pd.DataFrame) -> pd.DataFrame:
        """The first evaluation at the target of each trial that reaches it."""
        wanted = curves.groupby("trial_id")[self.level].first() if isinstance(self.level, str) else None
        if wanted is None:
            wanted = pd.Series(self.level, index=curves["trial_id"].unique())
        return reached(curves, self.column, wanted, lower=self.lower)[["update", "seconds"]].reset_index()


@figure("time-to-target")
def time_to_target(results: Results) -> Content:
    """Updates, and seconds, to the task's own target, or to a loss that every cell's typical seed reaches."""
    trials, chosen = _trials(results)
    panels: list[Panel] = []
    targets = []
    for here in conditions(trials, x=None):
        curves = _of(here, results)
        target = _declared(curves, results, here.task) or _common(curves, results, here.task)
        if target is None:
            continue
        targets.append(f"{panel_title(results.tasks, here)}: {target.words}")
        firsts = here.trials[["trial_id", "cell", "seed", "status"]].merge(
            target.reached(curves), on="trial_id", how="left"
        )
        missed = firsts["update"].isna()
        firsts["status"] = firsts["status"].replace("ok", "never reached").where(missed, "ok")
        for column, axis, word in (
            ("update", Axis("Updates to target", "updates", low=0, written="Updates to target"), "updates"),
            ("seconds", Axis("Time to target", "s", low=0), "time"),
        ):
            quantity = Quantity(column, axis)
            series = series_of(firsts, quantity, None, results.titles, worst=float("inf"))
            panels.append(panel_of(results, here, quantity, series, more=f" · {word}", average="median"))
    return content(
        "Updates and time to reach a target on validation data. A seed that misses it counts as infinitely slow.",
        panels,
        f"Targets: {'; '.join(targets[:6])}.",
        MEDIANS,
        NO_COMPILING,
        TYPICAL,
        rates=chosen,
        log=True,
    )


def _declared(curves: pd.DataFrame, results: Results, task: str) -> _Target | None:
    """The task's own target; None where it has none, or where no trial at all reaches it."""
    about = results.tasks.get(task)
    declared = (about.target or about.solved) if about else None
    column = f"validation_{declared[0]}" if declared else ""
    if not declared or column not in curves:
        return None
    quantity = metric(results.tasks, task, str(declared[0]))
    lower, level = quantity.better == "lower", declared[1]
    name, more = quantity.axis.title.removeprefix("Test "), "less" if lower else "more"
    if isinstance(level, str):
        baseline_column = f"validation_baseline_{level}_{declared[0]}"
        if baseline_column not in curves or curves[baseline_column].isna().all():
            return None
        target = _Target(column, baseline_column, lower, f"validation {name} as good as that of the baseline {level!r}")
    else:
        shown = with_unit(float(level) * quantity.factor, quantity.axis.unit)
        target = _Target(column, float(level), lower, f"validation {name} of {shown} or {more}")
    return None if target.reached(curves).empty else target


def _common(curves: pd.DataFrame, results: Results, task: str) -> _Target | None:
    """The worst of the cells' median best validation losses; None where there is only one cell."""
    best = curves.groupby(["cell", "trial_id"])["validation_loss"].min().dropna()
    if best.index.get_level_values("cell").nunique() < 2:
        return None
    level = float(best.groupby(level="cell").median().max())
    shown = with_unit(level, metric(results.tasks, task, "loss").axis.unit)
    return _Target("validation_loss", level, True, f"validation loss of {shown}, which each cell's median seed reaches")


def _trials(results: Results) -> tuple[pd.DataFrame, bool]:
    """The trials of each task's typical condition, at each cell's best learning rate."""
    return with_best_rates(typical(of_one_lane(results.frame, "validation_loss")))


def _of(here: Condition, results: Results) -> pd.DataFrame:
    """The curves of the trials, the time of the first update taken off."""
    curves = with_factors(results.curves, here.trials, ("update", "seconds", "train_loss", "validation_loss"))
    first = curves["trial_id"].map(here.trials.set_index("trial_id")["seconds_first_step"]).astype(float).fillna(0.0)
    return curves.assign(seconds=(curves["seconds"] - first).clip(lower=0.0))


def _traced(trials: pd.DataFrame, curves: pd.DataFrame, column: str, titles: Titles) -> tuple[Series, ...]:
    all_series = []
    for cell in in_order([str(name) for name in trials["cell"].unique()]):
        of_cell = curves[(curves["cell"] == cell) & curves["validation_loss"].notna() & curves[column].notna()]
        lines = tuple((seed, _steps(line)) for seed, line in traces(of_cell, column, "validation_loss"))
        failed = _failed(trials[(trials["cell"] == cell) & (trials["status"] != "ok")], of_cell, column)
        means = _means(of_cell[of_cell["status"] == "ok"], column)
        ids = trace_trials(of_cell)
        all_series.append(
            Series(cell, titles.get(cell, cell), centres=means, failed=failed, traces=lines, trace_trials=ids)
        )
    return tuple(all_series)


def _failed(failed: pd.DataFrame, of_cell: pd.DataFrame, column: str) -> tuple[Failed, ...]:
    """The trials that failed, where their curves end; those without a curve at 0."""
    ends = of_cell.groupby("trial_id")[column].max()
    last = failed["trial_id"].map(ends).astype(float).fillna(0.0)
    return tuple(Failed(float(str(at)), len(group), statuses(group)) for at, group in failed.groupby(last, sort=True))


def _means(of_cell: pd.DataFrame, column: str) -> tuple[Centre, ...]:
    """The mean at every update that all seeds have. A mean over fewer seeds would jump where a seed ends."""
    seeds = of_cell["seed"].nunique()
    means = []
    for _, points in of_cell.groupby("update", sort=True):
        if len(points) == seeds:
            means.append(centre(float(points[column].mean()), [float(loss) for loss in points["validation_loss"]]))
    return _steps(means)


def _steps(points: Sequence[T]) -> tuple[T, ...]:
    """At most `MOST_STEPS` of them at even distances, and the last."""
    step = max(1, -(-len(points) // MOST_STEPS))
    return (*points[:-1:step], *points[-1:])


@figure("learning-rates")
def learning_rates(results: Results) -> Content:
    """Validation loss against the learning rate: of the tuning trials, and where a sweep lists several rates."""
    swept = typical(of_one_lane(results.frame, "test_loss"))
    panels: list[Panel] = []
    tuned = results.tuning
    listed = swept[~_data_of(swept).isin(_data_of(tuned))]
    for trials in (tuned, listed):
        for here in conditions(trials, x="learning_rate"):
            if here.trials["learning_rate"].nunique() > 1:
                panels.append(_rate_panel(results, here, _choices(here.trials)))
    where = _tuning_note(tuned) if not tuned.empty else TYPICAL
    return content(
        "Validation loss against the learning rate. A flat minimum is easy to tune.",
        panels,
        "Ring: the chosen rate, which has the lowest mean validation loss. Crosses: failed trials.",
        where,
        INTERVALS,
        log=True,
    )


def _data_of(trials: pd.DataFrame) -> pd.Series[str]:
    """Task and data of each trial, as one text."""
    return trials["task"] + "\n" + trials["dataset"]


def _rate_panel(results: Results, here: Condition, choices: Mapping[str, Choice]) -> Panel:
    quantity = _validation_loss(results, here.task)
    series = tuple(
        replace(one, chosen=choices[one.cell].rate if one.cell in choices else None)
        for one in series_of(here.trials, quantity, "learning_rate", results.titles)
    )
    says = _says(series, choices, quantity.axis.unit)
    return panel_of(results, here, quantity, series, x=RATE, kind="lines", says=says)


def _validation_loss(results: Results, task: str) -> Quantity:
    return Quantity("validation_loss", Axis("Validation loss", metric(results.tasks, task, "loss").axis.unit))


def _choices(trials: pd.DataFrame) -> dict[str, Choice]:
    """The learning rate of each cell, chosen by the same rule as in tuning."""
    return {str(cell): choice_of(of_cell) for cell, of_cell in trials.groupby("cell")}


def _says(series: tuple[Series, ...], choices: Mapping[str, Choice], unit: str) -> str:
    """'Chosen: GRU 0.01 (2.1 nats), LSTM 0.03 (1.9 nats). Chosen at the end of the grid, ...: LSTM.'"""
    chosen_rates, edges, ties = [], [], []
    for one in series:
        choice = choices.get(one.cell)
        mean = next((c.mean for c in one.centres if choice and c.x == choice.rate), None)
        if choice is None or mean is None:
            chosen_rates.append(f"{one.label} none, as every rate failed")
            continue
        chosen_rates.append(f"{one.label} {number(choice.rate)} ({with_unit(mean, unit)})")
        edges += [one.label] if choice.at_edge else []
        ties += [one.label] if choice.tied else []
    sentences = [f"Chosen: {', '.join(chosen_rates)}."]
    if edges:
        sentences.append(f"Chosen at the end of the grid, so a better rate may lie outside it: {', '.join(edges)}.")
    if ties:
        sentences.append(f"Tied with a larger rate: {', '.join(ties)}.")
    return " ".join(sentences)


def _tuning_note(tuned: pd.DataFrame) -> str:
    seeds = tuned["seed"].nunique()
    return (
        f"Tuned on {plural(len(tuned), 'trial')} with {plural(seeds, 'separate seed')}, which no other figure and no "
        "verdict uses. A rate at which a trial failed is not chosen."
    )
