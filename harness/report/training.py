"""How training goes: learning curves against updates and against seconds, and what a target takes."""

from __future__ import annotations

import pandas as pd

from harness.report.aggregate import centre, conditions, typical, with_best_rates
from harness.report.appearance import in_order
from harness.report.panels import (
    INTERVALS,
    Quantity,
    Results,
    Titles,
    choice_note,
    facets,
    limited,
    metric,
    panel_title,
    series_of,
)
from harness.report.plot import Axis, Centre, Panel, Plot, Series
from harness.report.quality import TYPICAL
from harness.report.wording import with_unit

MOST_TRACES = 10
"""Seeds whose curve is drawn, a cell."""
MOST_STEPS = 60
"""Points drawn of one curve."""


def learning_curves(results: Results) -> Plot:
    """Validation loss against updates, and against seconds of training: a line a seed, and their mean."""
    curves, chosen = _curves(results)
    panels = []
    for here in conditions(curves, x=None):
        unit = metric(results.tasks, here.task, "loss").axis.unit
        for x in (Axis("Updates"), Axis("Training time", "s")):
            column = "seconds" if x.unit else "update"
            panels.append(
                Panel(
                    f"{panel_title(results.tasks, here)} · {'time' if x.unit else 'updates'}",
                    x,
                    Axis("Validation loss", unit),
                    _traced(here.trials, column, results.titles),
                    kind="curves",
                    facets=facets(here),
                    better="lower",
                )
            )
    kept, notes = limited(panels)
    note = f"Thick: the mean, as far as all seeds go; thin: at most {MOST_TRACES} seeds a cell."
    return Plot(
        "learning-curves",
        "How does training go?",
        "Validation loss after so many updates, and after so many seconds: the same curves, two prices.",
        kept,
        (note, TYPICAL, *choice_note(chosen), *notes),
        log=True,
    )


def time_to_target(results: Results) -> Plot:
    """Updates, and seconds, until the validation loss is at a level that every cell's typical seed reaches."""
    curves, chosen = _curves(results)
    panels = []
    levels = []
    for here in conditions(curves, x=None):
        best = here.trials.groupby(["cell", "seed"])["validation_loss"].min()
        if here.trials["cell"].nunique() < 2 or best.dropna().empty:
            continue
        target = float(best.groupby(level="cell").median().max())
        unit = metric(results.tasks, here.task, "loss").axis.unit
        title = panel_title(results.tasks, here)
        levels.append(f"{title}: {with_unit(target, unit)}")
        reached = (
            here.trials[here.trials["validation_loss"] <= target].groupby(["cell", "seed"], as_index=False).first()
        )
        everyone = here.trials[["cell", "seed"]].drop_duplicates()
        firsts = everyone.merge(reached[["cell", "seed", "update", "seconds"]], on=["cell", "seed"], how="left")
        firsts["status"] = "never reached"
        firsts.loc[firsts["update"].notna(), "status"] = "ok"
        for column, axis in (
            ("update", Axis("Updates to target", low=0)),
            ("seconds", Axis("Time to target", "s", low=0)),
        ):
            panels.append(
                Panel(
                    f"{title} · {'time' if axis.unit else 'updates'}",
                    Axis("Cell"),
                    axis,
                    series_of(firsts, Quantity(column, axis), None, results.titles),
                    kind="rows",
                    facets=facets(here),
                    better="lower",
                )
            )
    kept, notes = limited(panels)
    target_note = "Target: the worst of the cells' median best validation losses. " + "; ".join(levels[:6])
    note = "Seeds that never reach it are not in the mean; the table counts them."
    return Plot(
        "time-to-target",
        "Who gets there first?",
        "What it takes to reach a validation loss that each cell's typical seed does reach.",
        kept,
        (f"{target_note}.", note, INTERVALS, TYPICAL, *choice_note(chosen), *notes),
        log=True,
    )


def _curves(results: Results) -> tuple[pd.DataFrame, bool]:
    """The curves of each task's typical condition, at each cell's best learning rate."""
    frame = (
        results.frame[results.frame["lane"] != "speed"] if (results.frame["lane"] != "speed").any() else results.frame
    )
    trials, chosen = with_best_rates(typical(frame))
    return results.curves[results.curves["trial_id"].isin(trials["trial_id"])], chosen


def _traced(curves: pd.DataFrame, column: str, titles: Titles) -> tuple[Series, ...]:
    made = []
    for cell in in_order([str(name) for name in curves["cell"].unique()]):
        of_cell = curves[(curves["cell"] == cell) & curves["validation_loss"].notna() & curves[column].notna()]
        traces = []
        for seed, points in list(of_cell.groupby("seed"))[:MOST_TRACES]:
            step = -(-len(points) // MOST_STEPS)
            drawn = points[[column, "validation_loss"]].iloc[::step].itertuples(index=False)
            traces.append((int(float(str(seed))), tuple((float(x), float(y)) for x, y in drawn)))
        made.append(Series(cell, titles.get(cell, cell), centres=_means(of_cell, column), traces=tuple(traces)))
    return tuple(made)


def _means(of_cell: pd.DataFrame, column: str) -> tuple[Centre, ...]:
    """The mean at every update that all seeds have; a mean over those that are left would bend for no reason."""
    seeds = of_cell["seed"].nunique()
    means = []
    for _, points in of_cell.groupby("update", sort=True):
        if len(points) == seeds:
            means.append(centre(float(points[column].mean()), [float(loss) for loss in points["validation_loss"]]))
    step = max(1, -(-len(means) // MOST_STEPS))
    return tuple(means[::step])
