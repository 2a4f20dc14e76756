"""The advantage of one cell over the other for each seed: positive values favour the claim, and can be averaged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.spec.claims import Comparison, Crossing, DataToTarget, Horizon, Proportion, Trend
from harness.verdicts.arrays import Floats
from harness.verdicts.needed_sizes import needed_sizes
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs
from harness.verdicts.stats import bounded_by, estimate
from harness.verdicts.verdict import Pair

Kind = Literal["difference", "share", "log ratio", "relative difference"]


@dataclass(frozen=True)
class Scale:
    """How advantages are computed and shown; `margin` is in the unit of the advantages."""

    kind: Kind
    unit: str
    margin: float
    denominator: float = 1.0
    reach: float | None = None
    """The largest possible advantage for outcomes that are bounded or of two kinds, infinite if unknown; None for
    graded outcomes. In the unit of the advantages."""

    def show(self, advantage: float) -> float:
        """The advantage as verdicts state it: in the unit of the metric, or in percent for ratios."""
        if np.isinf(advantage):
            return advantage
        if self.kind == "log ratio":
            return float(100 * np.expm1(advantage))
        return advantage if self.kind == "difference" else 100 * advantage


@dataclass(frozen=True)
class Advantages:
    """The advantages of one condition, (n,); infinite if one of the two trials failed, 0 if both did."""

    values: Floats
    pairs: tuple[Pair, ...]
    uninformative: int
    """Number of pairs that tie without information: both failed, or both are outside the tested range."""
    failed: int
    """Number of failed trials; for times to target, of misses."""
    lopsided: float
    """Share of pairs in which exactly one cell failed."""
    misses: int = 0
    """For the data needed: the number of seeds, of either cell, that solve the task at no size."""
    low: Floats | None = None
    """The smallest possible advantages, (n,), if outcomes are known as ranges; `values` are then the midpoints. None
    for exact outcomes."""
    high: Floats | None = None
    """The largest possible advantages, (n,), if outcomes are known as ranges."""
    by_level: Floats | None = None
    """For trends and crossings: the advantages at each level of the factor, (n, levels)."""
    ends: tuple[Floats, Floats] | None = None
    """For crossings: the advantages of `better` at the first level, (n,), and those of `than` at the last, (n,);
    `values` are those of the end with the smaller advantage."""
    bounded: bool = False
    """Whether `bounded_by` replaced infinite advantages, as it does when conditions are pooled."""
    seeds_left_out: bool = False
    """Whether pooling left out seeds that some condition lacks."""

    @property
    def outcomes(self) -> tuple[Floats, Floats]:
        """The outcomes of both cells, (n,) each: for a proportion 0 or 1, or the share of solved conditions."""
        better, than = (np.array([getattr(pair, side) for pair in self.pairs]) for side in ("better", "than"))
        return better, than


def scale_of(claim: Comparison, conditions: tuple[Pairs, ...], outcome: OutcomeColumn) -> Scale:
    """The scale of a claim: differences for an absolute margin, log ratios for a relative margin.

    If an outcome is zero or negative, ratios are undefined; a relative margin then compares differences as shares of
    the mean of `than`.
    """
    if isinstance(claim, Proportion):
        return Scale("share", "percentage points", float(claim.margin), reach=1.0)
    width = None if outcome.bounds is None else outcome.bounds[1] - outcome.bounds[0]
    if width is not None and isinstance(claim, Trend):
        width *= max((float(np.abs(_line(pairs.levels)).sum()) for pairs in conditions), default=1.0)
    if not isinstance(claim.margin, str):
        return Scale("difference", outcome.unit, claim.margin, reach=width)
    share = float(claim.margin.removesuffix("%")) / 100
    if isinstance(claim, Horizon | DataToTarget):
        farthest = max((float(np.log(2 * pairs.levels[-1] / pairs.levels[0])) for pairs in conditions), default=np.inf)
        return Scale("log ratio", "%", float(np.log1p(share)), reach=farthest)
    values = np.concatenate(
        [side.ravel() for pairs in conditions for side in (pairs.better, pairs.than)] or [np.ones(1)]
    )
    if (values[~np.isnan(values)] > 0).all():
        return Scale("log ratio", "%", float(np.log1p(share)), reach=None if width is None else np.inf)
    than = np.concatenate([pairs.than.ravel() for pairs in conditions])
    denominator = float(abs(np.nanmean(than))) if not np.isnan(than).all() else 0.0
    denominator = denominator or 1.0
    return Scale("relative difference", "%", share, denominator, None if width is None else width / denominator)


def advantages(claim: Comparison, pairs: Pairs, outcome: OutcomeColumn, scale: Scale) -> Advantages:
    """The advantages of one condition, one for each seed."""
    if isinstance(claim, Horizon):
        return _horizons(pairs, scale)
    if isinstance(claim, DataToTarget):
        return _sizes(pairs, outcome, scale)
    if isinstance(claim, Trend):
        return _trends(claim, pairs, outcome, scale)
    if isinstance(claim, Crossing):
        return _crossings(pairs, outcome, scale)
    better, than = pairs.better, pairs.than
    if isinstance(claim, Proportion):
        better, than = np.nan_to_num(better), np.nan_to_num(than)  # a failed trial does not solve the task
    values = _compared(better, than, outcome, scale)
    both, failed, lopsided = _failures(pairs)
    shown = _shown(pairs.seeds, better, than, values, scale)
    whole = Advantages(values, shown, int(both.sum()), failed, lopsided)
    return whole if pairs.better_low is None or pairs.than_low is None else _ranged(whole, pairs, outcome, scale)


def _ranged(latest: Advantages, pairs: Pairs, outcome: OutcomeColumn, scale: Scale) -> Advantages:
    """The advantages with their ranges; values are the midpoints, outcomes the upper ends of their ranges."""
    assert pairs.better_low is not None
    assert pairs.than_low is not None
    one = _compared(pairs.better, pairs.than_low, outcome, scale)
    other = _compared(pairs.better_low, pairs.than, outcome, scale)
    failed = np.isnan(pairs.better) | np.isnan(pairs.than)
    low, high = (np.where(failed, latest.values, end) for end in (np.minimum(one, other), np.maximum(one, other)))
    middle = np.where(failed, latest.values, (low + np.where(failed, low, high)) / 2)
    shown = _shown(pairs.seeds, pairs.better, pairs.than, middle, scale)
    return replace(latest, values=middle, pairs=shown, low=low, high=high)


def _failures(pairs: Pairs) -> tuple[NDArray[np.bool_], int, float]:
    """Whether both cells failed, for each seed, (n,), at any level; the number of failed trials; the share of seeds in
    which exactly one cell failed."""
    better, than = (np.isnan(side).reshape(len(pairs.seeds), -1) for side in (pairs.better, pairs.than))
    both, alone = (np.asarray(which.any(axis=1)) for which in (better & than, better ^ than))
    return both, int(better.sum() + than.sum()), float(alone.mean()) if len(alone) else 0.0


def _compared(better: Floats, than: Floats, outcome: OutcomeColumn, scale: Scale) -> Floats:
    sign = -1.0 if outcome.lower_is_better else 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        if scale.kind == "log ratio":
            values = sign * (np.log(better) - np.log(than))
        else:
            values = sign * (better - than) / scale.denominator
    values = np.where(np.isnan(better) & ~np.isnan(than), -np.inf, values)
    values = np.where(np.isnan(than) & ~np.isnan(better), np.inf, values)
    return np.where(np.isnan(than) & np.isnan(better), 0.0, values)


def _horizons(pairs: Pairs, scale: Scale) -> Advantages:
    """Advantages in the largest solved level; a seed that solves no level counts as half the smallest level."""
    levels = np.array(pairs.levels)

    def horizon(solved: Floats) -> Floats:
        reached: Floats = np.where(np.nan_to_num(solved) > 0, levels, levels[0] / 2).max(axis=1)
        return reached

    better, than = horizon(pairs.better), horizon(pairs.than)
    values = np.log(better / than)
    both, failed, lopsided = _failures(pairs)
    beyond = (better == than) & ((better == levels[-1]) | (better < levels[0]) | both)
    shown = _shown(
        pairs.seeds, np.where(better < levels[0], 0, better), np.where(than < levels[0], 0, than), values, scale
    )
    return Advantages(values, shown, int(beyond.sum()), failed, lopsided)


def _sizes(pairs: Pairs, outcome: OutcomeColumn, scale: Scale) -> Advantages:
    """Advantages in the data needed. A pair in which both cells solve the task at the smallest size, or at none, is a
    tie without information."""
    sizes = needed_sizes(pairs)
    values = _compared(sizes.better, sizes.than, outcome, scale)
    both, misses, lopsided = _failures(sizes)
    at_once = (sizes.better == pairs.levels[0]) & (sizes.than == pairs.levels[0])
    latest = Advantages(values, (), int((both | at_once).sum()), _failures(pairs)[1], lopsided, misses=misses)
    ranged = _ranged(latest, sizes, outcome, scale)
    assert ranged.low is not None
    assert ranged.high is not None
    return replace(ranged, low=np.where(at_once, 0.0, ranged.low), high=np.where(at_once, 0.0, ranged.high))


def _line(levels: tuple[float, ...]) -> Floats:
    """Weights, (levels,): their dot product with values at the levels is the change from the first to the last level.

    The change is that of a least-squares line over the levels, or over their logarithms if all levels are positive.
    """
    x = np.array(levels)
    x = np.log(x) if (x > 0).all() else x
    x = x - x.mean()
    span = np.ptp(x)
    return np.asarray(x / (x @ x) * span if span > 0 else np.zeros(len(x)))


def _trends(claim: Trend, pairs: Pairs, outcome: OutcomeColumn, scale: Scale) -> Advantages:
    """The change of the advantage from the first to the last level (`_line`); positive if it changes as claimed."""
    at_level = _compared(pairs.better, pairs.than, outcome, scale)
    sign = 1.0 if claim.advantage == "grows" else -1.0
    line = _line(pairs.levels)
    finite = np.isfinite(at_level).all(axis=1)
    change = np.zeros(len(at_level))
    change[finite] = at_level[finite] @ line
    # A failure makes the line of a seed infinitely steep: the infinite advantages decide its direction.
    lean = np.where(np.isinf(at_level[~finite]), np.sign(at_level[~finite]), 0.0) @ line
    rounding = 1e-9  # the weights add up to 0, except for rounding errors
    change[~finite] = np.select([lean > rounding, lean < -rounding], [np.inf, -np.inf], 0.0)
    values = sign * change
    nothing = np.full(len(values), np.nan)  # a trend has no outcome for a single cell
    shown = _shown(pairs.seeds, nothing, nothing, values, scale)
    both, failed, lopsided = _failures(pairs)
    return Advantages(values, shown, int(both.sum()), failed, lopsided, by_level=sign * at_level)


def _crossings(pairs: Pairs, outcome: OutcomeColumn, scale: Scale) -> Advantages:
    """The advantages at the first level, and those of the other cell at the last; positive if they are as claimed."""
    at_level = _compared(pairs.better, pairs.than, outcome, scale)
    both, failed, lopsided = _failures(replace(pairs, better=pairs.better[:, [0, -1]], than=pairs.than[:, [0, -1]]))
    whole = Advantages(at_level[:, 0], (), int(both.sum()), failed, lopsided, by_level=at_level)
    return _at_smaller_end(whole, (at_level[:, 0], -at_level[:, -1]), pairs.seeds, scale)


def _at_smaller_end(whole: Advantages, ends: tuple[Floats, Floats], seeds: tuple[int, ...], scale: Scale) -> Advantages:
    """A crossing's advantages, with the values and pairs of the end at which the mean advantage is smaller."""
    values = min(ends, key=lambda end: estimate(end).effect)
    nothing = np.full(len(values), np.nan)  # like a trend, a crossing has no outcome for a single cell
    return replace(whole, values=values, pairs=_shown(seeds, nothing, nothing, values, scale), ends=ends)


def at_ends(advantages: Advantages) -> tuple[Advantages, Advantages]:
    """The advantages of a crossing at the first level, and those of the other cell at the last."""
    assert advantages.ends is not None
    first, last = (replace(advantages, values=values, ends=None) for values in advantages.ends)
    return first, last


def _shown(seeds: tuple[int, ...], better: Floats, than: Floats, values: Floats, scale: Scale) -> tuple[Pair, ...]:
    return tuple(
        Pair(seed, float(b), float(t), scale.show(float(value)))
        for seed, b, t, value in zip(seeds, better, than, values, strict=True)
    )


def pooled(conditions: list[tuple[Pairs, Advantages]], scale: Scale) -> Advantages:
    """Pool several conditions: the advantage of a seed is the mean of its advantages in the conditions.

    Only seeds that every condition has are used; if there are fewer than two, all seeds, with the conditions they have.
    An infinite advantage counts as 1.5 times the largest finite one of all conditions, so that one failure does not
    outweigh all other trials. Outcomes are averaged too; for ratios by the geometric mean, whose ratio is the mean
    ratio.
    """
    everything = np.concatenate([of_condition.values for _, of_condition in conditions])
    finite = np.isfinite(everything)
    largest = float(np.abs(everything[finite]).max(initial=0.0))
    by_seed: dict[int, list[tuple[float, float, float]]] = {}
    for pairs, of_condition in conditions:
        values = bounded_by(of_condition.values, largest)
        least = pairs.levels[0] / 2 if pairs.levels else 0.0  # a horizon below the smallest level, shown as 0
        for pair, value in zip(of_condition.pairs, values, strict=True):
            by_seed.setdefault(pair.seed, []).append((float(value), pair.better or least, pair.than or least))
    complete = [seed for seed, outcomes in by_seed.items() if len(outcomes) == len(conditions)]
    seeds = tuple(sorted(complete if len(complete) >= 2 else by_seed))
    means = np.array([_mean([value for value, _, _ in by_seed[seed]]) for seed in seeds])
    middle = _geometric_mean if scale.kind == "log ratio" else np.mean
    better, than = (np.array([middle([row[side] for row in by_seed[seed]]) for seed in seeds]) for side in (1, 2))
    shown = _shown(seeds, better, than, means, scale)
    total = max(1, sum(len(pairs.seeds) for pairs, _ in conditions))
    share = sum(of_condition.uninformative for _, of_condition in conditions) / total
    alone = sum(of_condition.lopsided * len(pairs.seeds) for pairs, of_condition in conditions) / total
    failed, misses = (sum(getattr(part, name) for _, part in conditions) for name in ("failed", "misses"))
    bounded = largest > 0 and not finite.all()
    left_out = len(seeds) < len(by_seed)
    together = Advantages(
        means, shown, round(share * len(seeds)), failed, alone, misses, bounded=bounded, seeds_left_out=left_out
    )
    if all(of_condition.ends is not None for _, of_condition in conditions):
        parts = [(pairs, at_ends(of_condition)) for pairs, of_condition in conditions]
        first, last = (pooled([(pairs, ends[end]) for pairs, ends in parts], scale).values for end in (0, 1))
        together = _at_smaller_end(together, (first, last), seeds, scale)
    if any(of_condition.low is not None for _, of_condition in conditions):
        low, high = (
            pooled([(pairs, _at_end(of_condition, end)) for pairs, of_condition in conditions], scale).values
            for end in ("low", "high")
        )
        together = replace(together, low=low, high=high)
    return together


def _at_end(whole: Advantages, end: Literal["low", "high"]) -> Advantages:
    values = getattr(whole, end)
    return whole if values is None else replace(whole, values=values, low=None, high=None)


def _geometric_mean(values: list[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def _mean(values: list[float]) -> float:
    infinite = [value for value in values if np.isinf(value)]
    if not infinite:
        return float(np.mean(values))
    majority = float(np.sign(np.sum(np.sign(infinite))))
    return 0.0 if majority == 0 else majority * np.inf
