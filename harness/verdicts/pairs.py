"""Find the pairs of trials for a claim: select its trials, group them into conditions, and pair the cells by seed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.spec.claims import OPTION, AlongFactor, Comparison, Crossing, TimeToTarget, Trend, Where
from harness.spec.factors import FACTORS, columns
from harness.spec.measures import depends_on_machine
from harness.store.data_names import as_text
from harness.verdicts.arrays import Floats
from harness.verdicts.counted import compared, of_one_lane
from harness.verdicts.rounds import COLUMN, with_ratios_of_rounds

CONDITION = ("task", "data", *columns(lambda factor: factor.condition, "task", "data"))
"""Two trials must agree in these columns to be compared. Units may differ, if cells are matched by parameters."""
_DERIVED = ("updates_planned", "evaluate_every", "batch_size")
"""Columns that may depend on the factor of a claim along it, as the updates of an epoch depend on the train size."""
SCOPE = ("task", "dataset", *columns(lambda factor: factor.scope, "task"), "machine")
"""The columns that describe the trials of a verdict; `dataset` if a task has several."""
_COLUMN_OF = {name: factor.column for name, factor in FACTORS.items()} | {"units": "reference_units"}
"""From a key of a claim's `where` to the column it restricts."""


@dataclass(frozen=True)
class Pairs:
    """One condition: the outcomes of both cells for each seed. NaN means a failed trial, or an outcome not finite.

    Outcomes have shape (seeds,), or (seeds, levels) for a claim along a factor; `levels` are its ascending values.
    """

    scope: dict[str, Any]
    seeds: tuple[int, ...]
    better: Floats
    than: Floats
    levels: tuple[float, ...] = ()
    baselines: tuple[tuple[str, float], ...] = ()
    """Name and score of each baseline, for metrics of the test split."""
    trials: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Trial ids by seed."""
    better_low: Floats | None = None
    """The smallest possible outcomes, if outcomes are known as ranges and `better` has the largest; None if exact."""
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
    """Numbers of trials in no pair, and of trials that count as failed because of their outcome."""

    unpaired: int = 0
    """Trials without a counterpart in the other cell."""
    reused: int = 0
    """Trials that reused the compiled program of an earlier trial, if memory or compile time is compared."""
    not_finite: int = 0
    """Trials that ended normally, but whose outcome is not finite; they are paired as failed trials."""


@dataclass(frozen=True)
class PairedTrials:
    """The conditions with at least one pair, the counts of unpaired trials, and the scope of all conditions."""

    conditions: tuple[Pairs, ...]
    counts: PairingCounts = PairingCounts()
    scope: dict[str, Any] = field(default_factory=dict)


def selected(frame: pd.DataFrame, claim: Comparison) -> pd.DataFrame:
    """The trials of the claim's cells that match its `where`, finished or failed; only those that `compared` keeps."""
    counted = compared(frame)
    rows = counted[counted["cell"].isin([claim.better, claim.than])]
    given = {name: getattr(claim.where, name) for name in Where.model_fields}
    for name, wanted in given.items():
        if isinstance(wanted, tuple):
            rows = rows[rows[_COLUMN_OF.get(name, name)].isin(wanted)]
    for name, wanted in (claim.where.options or {}).items():
        rows = rows[_option(rows, name).isin(wanted)]
    for name, wanted in given.items():
        if isinstance(wanted, str):
            values = rows.groupby(["task", "data"])[_COLUMN_OF.get(name, name)]
            extreme = values.transform("min" if wanted == "smallest" else "max")
            rows = rows[rows[_COLUMN_OF.get(name, name)] == extreme]
    return rows


def instead(claim: Comparison, frame: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """For a claim without pairs: the values in the records of each factor (or 'cell') without a value that it requires.

    Empty if the records have a required value of each factor, but not in one pair.
    """
    others = {}
    for name, wanted in {"cell": (claim.better, claim.than), **claim.where.asked}.items():
        option = name.removeprefix(OPTION)
        column = frame[_COLUMN_OF.get(name, name)] if option == name else _option(frame, option).dropna()
        values = sorted(column.unique(), key=lambda value: (str(type(value)), value))
        fits = set(wanted) <= set(values) if name == "cell" else isinstance(wanted, str) or set(wanted) & set(values)
        if not fits:
            others[name] = tuple(values)
    return others


def _option(rows: pd.DataFrame, name: str) -> pd.Series[Any]:
    """The value of an option of the task in each trial; None where it is a list, or the task has no such option."""
    values = {text: json.loads(text or "{}").get(name) for text in rows["options"].unique()}
    known = {text: None if isinstance(value, list | dict) else value for text, value in values.items()}
    return pd.Series([known[text] for text in rows["options"]], rows.index, dtype=object)


def _along_option(rows: pd.DataFrame, along: str) -> pd.DataFrame:
    """The rows in which the option is a number, with it as a column, and as data the same for all of its values."""
    name = along.removeprefix(OPTION)
    rows = rows.assign(**{along: pd.to_numeric(_option(rows, name), errors="coerce")})
    without = {text: _without(text, name) for text in rows["data"].unique()}
    return rows.assign(data=rows["data"].map(without))[rows[along].notna()]


def _without(data: str, option: str) -> str:
    """What identifies the data of a trial, as JSON, without an option of the task (see `Task.identity`)."""
    return as_text({name: value for name, value in json.loads(data or "{}").items() if name != option})


def find_pairs(frame: pd.DataFrame, claim: Comparison, column: str, low: str = "") -> PairedTrials:
    """The pairs of a claim: the values of both cells in `column` for every condition and seed.

    low: the column of the smallest possible values, if values are known as ranges
    """
    rows = of_one_lane(selected(frame, claim), column)
    along = _COLUMN_OF.get(claim.along, claim.along) if isinstance(claim, AlongFactor) else None
    if along is not None and along.startswith(OPTION):
        rows = _along_option(rows, along)
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
            isinstance(claim, Trend | Crossing) and len(ladder.levels) < claim.fewest_levels
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
    """The rows without trials that lack the column because they reused a program, and the number of such trials.

    Memory and compile time are measured in the first trial of a process.
    """
    reused = (rows["program"] == "reused") & rows[column].isna() & (rows["status"] == "ok")
    if not depends_on_machine(column) or not reused.any():
        return rows, 0
    return rows[~reused], int(reused.sum())


def _rates_by_order(rows: pd.DataFrame, key: list[str], along: str | None) -> pd.DataFrame:
    """If learning rates differ between cells or along the factor, as tuned rates do, replace them by their ranks.

    Trials are then paired by the rank of their learning rate, within each cell and level.
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
    """Whether the factor determines this column, all other columns being equal."""
    others = [column for column in key if column not in _DERIVED]
    return bool((rows.groupby([*others, along], dropna=False)[name].nunique(dropna=False) == 1).all())


def _condition(part: pd.DataFrame, column: str, *, ranged: bool) -> Pairs:
    seeds = tuple(int(seed) for seed in part["seed"])
    better, than = part["outcome"].to_numpy(float), part["outcome_than"].to_numpy(float)
    lows = [part[name].to_numpy(float) if ranged else None for name in ("lowest", "lowest_than")]
    return Pairs(_scope(part), seeds, better, than, (), _baselines(part, column), _trials(part), *lows)


def _ladder(part: pd.DataFrame, column: str, along: str) -> Pairs | None:
    """The pairs of seeds that have every level of the factor, (seeds, levels); None if there is no such seed."""
    table = part.pivot(index="seed", columns=along, values=["outcome", "outcome_than"])
    has = part.assign(here=1).pivot(index="seed", columns=along, values="here").notna().all(axis=1)
    table = table[has]
    if table.empty:
        return None
    better, than = table["outcome"].to_numpy(float), table["outcome_than"].to_numpy(float)
    levels = tuple(float(level) for level in table["outcome"].columns)
    seeds = tuple(int(seed) for seed in table.index)
    kept = part[part["seed"].isin(seeds)]
    return Pairs(_scope(kept), seeds, better, than, levels, _baselines(kept, column), _trials(kept))


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
    """The value, or the list of values, of the paired trials in each column of SCOPE."""
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
    """A value of a column as JSON represents it; None for a setting that is off."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value
