"""From a frame of trials to pairs: the trials a claim is about, its conditions, both cells' outcomes seed by seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.spec.claims import Comparison, Factor, Horizon, TimeToTarget, Trend, Where
from harness.spec.factors import FACTORS, columns
from harness.spec.measures import depends_on_machine
from harness.verdicts.arrays import Floats
from harness.verdicts.counted import compared, of_one_lane
from harness.verdicts.rounds import COLUMN, with_ratios_of_rounds

CONDITION = ("task", "data", *columns(lambda factor: factor.condition, "task", "data"))
"""Two trials must agree in these to be compared. In units they need not: matched by parameters, a cell has its own."""
_DERIVED = ("updates_planned", "evaluate_every", "batch_size")
"""May follow from the factor that a claim runs along, as the updates of an epoch follow from the training-set size."""
SCOPE = ("task", "dataset", *columns(lambda factor: factor.scope, "task"), "machine")
"""What a verdict states about the trials behind it; `dataset` where a task has several."""
_COLUMN_OF = {name: factor.column for name, factor in FACTORS.items()} | {"units": "reference_units"}
"""A key of a claim's `where` to the column it restricts."""
FEWEST_LEVELS = 3
"""Of a factor, for a trend along it."""


@dataclass(frozen=True)
class Pairs:
    """One condition: both cells' outcomes for each seed. NaN is a failed trial, or an outcome that is not finite.

    Where the claim runs along a factor, outcomes are (seeds, levels), `levels` its values, ascending; else (seeds,).
    """

    scope: dict[str, Any]
    task: str
    seeds: tuple[int, ...]
    better: Floats
    than: Floats
    levels: tuple[float, ...] = ()
    baselines: tuple[tuple[str, float], ...] = ()
    """Name and score, where the metric is of the test split."""
    trials: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By seed, the ids of its trials."""
    better_low: Floats | None = None
    """The smallest outcomes that are possible, where those above are the largest; None where these are exact."""
    than_low: Floats | None = None

    def up_to(self, seed: int) -> Pairs:
        """The pairs of seeds up to this one."""
        kept = np.array(self.seeds) <= seed
        seeds = tuple(known for known in self.seeds if known <= seed)
        lows = [None if low is None else low[kept] for low in (self.better_low, self.than_low)]
        better, than = self.better[kept], self.than[kept]
        return replace(self, seeds=seeds, better=better, than=than, better_low=lows[0], than_low=lows[1])


@dataclass(frozen=True)
class PairingCounts:
    """Trials that are in no pair, and trials that failed by their outcome alone, by number."""

    unpaired: int = 0
    """Trials without a counterpart in the other cell."""
    reused: int = 0
    """Trials that used an earlier trial's program, where memory or compiling is compared."""
    not_finite: int = 0
    """Trials that ended, but whose outcome is not finite: they are in pairs, as failed trials."""


@dataclass(frozen=True)
class PairedTrials:
    """The conditions with at least one pair, what is in none, and the scope of them all."""

    conditions: tuple[Pairs, ...]
    counts: PairingCounts = PairingCounts()
    scope: dict[str, Any] = field(default_factory=dict)


def selected(frame: pd.DataFrame, claim: Comparison) -> pd.DataFrame:
    """The trials of the claim's two cells that its `where` admits, finished or failed.

    What is no outcome is left out: see `compared`.
    """
    counted = compared(frame)
    rows = counted[counted["cell"].isin([claim.better, claim.than])]
    given = {name: getattr(claim.where, name) for name in Where.model_fields}
    for name, wanted in given.items():
        if isinstance(wanted, tuple):
            rows = rows[rows[_COLUMN_OF.get(name, name)].isin(wanted)]
    for name, wanted in given.items():
        if isinstance(wanted, str):
            values = rows.groupby(["task", "data"])[_COLUMN_OF.get(name, name)]
            extreme = values.transform("min" if wanted == "smallest" else "max")
            rows = rows[rows[_COLUMN_OF.get(name, name)] == extreme]
    return rows


def instead(claim: Comparison, frame: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """What the records have where they have nothing that a claim without pairs asks for: factor, or 'cell', to values.

    Empty where they have each of these, though not together.
    """
    asked = {name: wanted for name in Where.model_fields if (wanted := getattr(claim.where, name)) is not None}
    others = {}
    for name, wanted in {"cell": (claim.better, claim.than), **asked}.items():
        values = sorted(frame[_COLUMN_OF.get(name, name)].unique())
        fits = set(wanted) <= set(values) if name == "cell" else isinstance(wanted, str) or set(wanted) & set(values)
        if not fits:
            others[name] = tuple(values)
    return others


def find_pairs(frame: pd.DataFrame, claim: Comparison, column: str, low: str = "") -> PairedTrials:
    """Both cells' values of `column`, a column of the frame, in every condition and seed that the claim covers.

    low: the column of the smallest values that are possible, where values are known to lie in a range.
    """
    rows = of_one_lane(selected(frame, claim), column)
    factor = along_of(claim)
    along = _COLUMN_OF.get(factor, factor) if factor else None
    key = [name for name in CONDITION if name != along]
    if depends_on_machine(column) or (isinstance(claim, TimeToTarget) and claim.by == "seconds"):
        key.append("machine")
    if rows.empty:
        return PairedTrials(())
    rows = _rates_by_order(rows, key, along)
    key = [name for name in key if rows[name].nunique(dropna=False) > 1 or name == "task"]
    if along is not None:
        key = [name for name in key if name not in _DERIVED or not _follows(rows, name, key, along)]
    within = [*key, "seed", *([along] if along else [])]
    rows, reused = _measured(rows, column)
    rows = rows.assign(outcome=np.where((rows["status"] == "ok") & np.isfinite(rows[column]), rows[column], np.nan))
    rows = rows.assign(lowest=rows[low] if low else rows["outcome"])
    rows = rows.sort_values(["started_at", "trial_id"]).drop_duplicates([*within, "cell"], keep="last")
    better, than = (rows[rows["cell"] == cell] for cell in (claim.better, claim.than))
    both = better.merge(than, on=within, suffixes=("", "_than"), how="inner").sort_values(within, kind="stable")
    if column == COLUMN:
        both = with_ratios_of_rounds(both)
    unpaired = len(rows) - 2 * len(both)
    conditions = []
    for _, part in both.groupby(key, dropna=False, sort=True):
        if along is None:
            conditions.append(_condition(part, column, ranged=bool(low)))
        elif (ladder := _ladder(part, column, along)) and not (
            isinstance(claim, Trend) and len(ladder.levels) < FEWEST_LEVELS
        ):
            conditions.append(ladder)
            unpaired += 2 * (len(part) - ladder.better.size)
        else:
            unpaired += 2 * len(part)
    not_finite = (
        0 if isinstance(claim, TimeToTarget) else int(((rows["status"] == "ok") & rows["outcome"].isna()).sum())
    )
    return PairedTrials(tuple(conditions), PairingCounts(unpaired, reused, not_finite), _scope(both))


def _measured(rows: pd.DataFrame, column: str) -> tuple[pd.DataFrame, int]:
    """Without trials that used an earlier trial's program, where that leaves nothing to measure; and how many.

    Memory and compiling are measured in the first trial of a process.
    """
    reused = (rows["program"] == "reused") & rows[column].isna() & (rows["status"] == "ok")
    if not depends_on_machine(column) or not reused.any():
        return rows, 0
    return rows[~reused], int(reused.sum())


def along_of(claim: Comparison) -> Factor | None:
    """The factor along which the claim's outcomes are followed, where it has one."""
    return claim.along if isinstance(claim, Horizon | Trend) else None


def _rates_by_order(rows: pd.DataFrame, key: list[str], along: str | None) -> pd.DataFrame:
    """Where learning rates differ between the cells or along the factor, as tuned ones do: their ranks at each level.

    By these the trials are then paired, and the levels joined.
    """
    name = "learning_rate"
    if name not in key or rows[name].nunique() == 1:
        return rows
    others = [column for column in key if column != name]
    by_cell = rows.groupby([*others, *([along] if along else []), "cell"], dropna=False)[name]
    chosen = by_cell.agg(lambda values: str(sorted(set(values))))
    if (chosen.groupby(level=list(range(len(others))), dropna=False).nunique() == 1).all():
        return rows
    return rows.assign(**{name: by_cell.rank(method="dense"), f"_{name}": rows[name]})


def _follows(rows: pd.DataFrame, name: str, key: list[str], along: str) -> bool:
    """Whether the factor decides this column, all else equal."""
    others = [column for column in key if column not in _DERIVED]
    return bool((rows.groupby([*others, along], dropna=False)[name].nunique(dropna=False) == 1).all())


def _condition(part: pd.DataFrame, column: str, *, ranged: bool) -> Pairs:
    seeds = tuple(int(seed) for seed in part["seed"])
    better, than = part["outcome"].to_numpy(float), part["outcome_than"].to_numpy(float)
    task, baselines = str(part["task"].iloc[0]), _baselines(part, column)
    lows = [part[name].to_numpy(float) if ranged else None for name in ("lowest", "lowest_than")]
    return Pairs(_scope(part), task, seeds, better, than, (), baselines, _trials(part), *lows)


def _ladder(part: pd.DataFrame, column: str, along: str) -> Pairs | None:
    """Seeds that have every level of the factor, as (seeds, levels); None where no seed has them all."""
    table = part.pivot(index="seed", columns=along, values=["outcome", "outcome_than"])
    has = part.assign(here=1).pivot(index="seed", columns=along, values="here").notna().all(axis=1)
    table = table[has]
    if table.empty:
        return None
    better, than = table["outcome"].to_numpy(float), table["outcome_than"].to_numpy(float)
    levels = tuple(float(level) for level in table["outcome"].columns)
    seeds = tuple(int(seed) for seed in table.index)
    kept = part[part["seed"].isin(seeds)]
    task, baselines = str(part["task"].iloc[0]), _baselines(kept, column)
    return Pairs(_scope(kept), task, seeds, better, than, levels, baselines, _trials(kept))


def _trials(part: pd.DataFrame) -> dict[int, frozenset[str]]:
    by_seed: dict[int, frozenset[str]] = {}
    for seed, *ids in zip(part["seed"], part["trial_id"], part["trial_id_than"], strict=True):
        by_seed[int(seed)] = by_seed.get(int(seed), frozenset()).union(ids)
    return by_seed


def _baselines(part: pd.DataFrame, column: str) -> tuple[tuple[str, float], ...]:
    if not column.startswith("test_"):
        return ()
    ending = column.removeprefix("test")
    scores = []
    for name in part.columns:
        if name.startswith("baseline_") and name.endswith(ending):
            score = part[name].mean()
            if np.isfinite(score):
                scores.append((name.removeprefix("baseline_").removesuffix(ending), float(score)))
    return tuple(scores)


def _scope(part: pd.DataFrame) -> dict[str, Any]:
    """The values that the pairs' trials have in each column of the scope: one, or a list of several."""
    scope: dict[str, Any] = {}
    for name in SCOPE:
        column = f"_{name}" if f"_{name}" in part else name
        columns = [side for side in (column, f"{column}_than") if side in part]
        different = {_plain(value) for side in columns for value in part[side].unique()}
        values = sorted(different, key=lambda value: (value is None, value))
        if values and (name, values) != ("dataset", [""]):
            scope[name] = values[0] if len(values) == 1 else values
    return scope


def _plain(value: Any) -> Any:
    """A column's value as JSON has it; None for a setting that is off."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value
