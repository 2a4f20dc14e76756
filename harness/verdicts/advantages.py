"""Each seed's advantage of one cell over the other: positive where it speaks for the claim, fit to be averaged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.spec.claims import Comparison, Horizon, Proportion, Trend
from harness.verdicts.arrays import Floats
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs
from harness.verdicts.stats import bounded_by
from harness.verdicts.verdict import Pair

Kind = Literal["difference", "share", "log ratio", "relative difference"]


@dataclass(frozen=True)
class Scale:
    """How advantages are computed and shown; `margin` is on the scale of the advantages."""

    kind: Kind
    unit: str
    margin: float
    denominator: float = 1.0
    reach: float | None = None
    """The largest advantage that is possible where outcomes are bounded or of two kinds, infinite where it is not
    known; None where outcomes are graded. Like `margin` on the scale of the advantages."""

    def show(self, advantage: float) -> float:
        """As a verdict states it: in the metric's unit, or in percent where the comparison is a ratio."""
        if np.isinf(advantage):
            return advantage
        if self.kind == "log ratio":
            return float(100 * np.expm1(advantage))
        return advantage if self.kind == "difference" else 100 * advantage


@dataclass(frozen=True)
class Advantages:
    """One condition's advantages, (n,); infinite where one of the two trials failed, 0 where both did."""

    values: Floats
    pairs: tuple[Pair, ...]
    uninformative: int
    """Pairs that tie without information: both failed, or both are beyond what was tested."""
    failed: int
    """Failed trials (misses, where a target was to be reached)."""
    lopsided: float
    """Share of pairs in which one cell alone failed."""
    low: Floats | None = None
    """The smallest advantages that are possible, (n,), where outcomes are known to lie in ranges; `values` are then the
    middles. None where outcomes are exact."""
    high: Floats | None = None
    """The largest ones."""
    by_level: Floats | None = None
    """The advantages at each level of the factor, (n, levels), where the claim is about a trend."""
    bounded: bool = False
    """Whether infinite advantages were replaced by `bounded_by`, as they are where conditions are pooled."""
    seeds_left_out: bool = False
    """Whether seeds that some condition lacks were left out of the pool."""

    @property
    def outcomes(self) -> tuple[Floats, Floats]:
        """What both cells reach, (n,) each: for a proportion 0 or 1, or the share of the conditions that are solved."""
        better, than = (np.array([getattr(pair, side) for pair in self.pairs]) for side in ("better", "than"))
        return better, than


def scale_of(claim: Comparison, conditions: tuple[Pairs, ...], outcome: OutcomeColumn) -> Scale:
    """Differences for an absolute margin, log-ratios for a relative one.

    Where an outcome is zero or negative there is no ratio: then differences, in shares of the other cell's mean.
    """
    if isinstance(claim, Proportion):
        return Scale("share", "percentage points", float(claim.margin), reach=1.0)
    width = None if outcome.bounds is None else outcome.bounds[1] - outcome.bounds[0]
    if width is not None and isinstance(claim, Trend):
        width *= max((float(np.abs(_line(pairs.levels)).sum()) for pairs in conditions), default=1.0)
    if not isinstance(claim.margin, str):
        return Scale("difference", outcome.unit, claim.margin, reach=width)
    share = float(claim.margin.removesuffix("%")) / 100
    if isinstance(claim, Horizon):
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
    """What one condition's outcomes are worth to the claim, seed by seed."""
    if isinstance(claim, Horizon):
        return _horizons(pairs, scale)
    if isinstance(claim, Trend):
        return _trends(claim, pairs, outcome, scale)
    better, than = pairs.better, pairs.than
    if isinstance(claim, Proportion):
        better, than = np.nan_to_num(better), np.nan_to_num(than)  # a failed trial does not solve the task
    values = _compared(better, than, outcome, scale)
    both, failed, lopsided = _failures(pairs)
    shown = _shown(pairs.seeds, better, than, values, scale)
    whole = Advantages(values, shown, int(both.sum()), failed, lopsided)
    return whole if pairs.better_low is None or pairs.than_low is None else _ranged(whole, pairs, outcome, scale)


def _ranged(latest: Advantages, pairs: Pairs, outcome: OutcomeColumn, scale: Scale) -> Advantages:
    """With the ends of each advantage, and its middle as its value; outcomes as they are at the latest."""
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
    """For each seed whether both cells failed, (n,), with levels at any of them; the failed trials; the share of seeds
    in which one cell alone failed."""
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
    """The largest level solved; a seed that solves none counts as half the smallest level."""
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


def _line(levels: tuple[float, ...]) -> Floats:
    """Weights, (levels,), whose product with values at the levels is their change from the first level to the last.

    That is of a straight line by least squares, over the levels' logarithms where they are positive.
    """
    x = np.array(levels)
    x = np.log(x) if (x > 0).all() else x
    x = x - x.mean()
    span = np.ptp(x)
    return np.asarray(x / (x @ x) * span if span > 0 else np.zeros(len(x)))


def _trends(claim: Trend, pairs: Pairs, outcome: OutcomeColumn, scale: Scale) -> Advantages:
    """The change of the advantage from first to last level, by a straight line over log levels, signed as claimed."""
    at_level = _compared(pairs.better, pairs.than, outcome, scale)
    sign = 1.0 if claim.advantage == "grows" else -1.0
    line = _line(pairs.levels)
    finite = np.isfinite(at_level).all(axis=1)
    change = np.zeros(len(at_level))
    change[finite] = at_level[finite] @ line
    # A failure makes a seed's line infinitely steep: the direction in which its infinities lie decides.
    lean = np.where(np.isinf(at_level[~finite]), np.sign(at_level[~finite]), 0.0) @ line
    rounding = 1e-9  # the weights add up to 0 but for that
    change[~finite] = np.select([lean > rounding, lean < -rounding], [np.inf, -np.inf], 0.0)
    values = sign * change
    nothing = np.full(len(values), np.nan)  # a trend has no outcome of one cell
    shown = _shown(pairs.seeds, nothing, nothing, values, scale)
    both, failed, lopsided = _failures(pairs)
    return Advantages(values, shown, int(both.sum()), failed, lopsided, by_level=sign * at_level)


def _shown(seeds: tuple[int, ...], better: Floats, than: Floats, values: Floats, scale: Scale) -> tuple[Pair, ...]:
    return tuple(
        Pair(seed, float(b), float(t), scale.show(float(value)))
        for seed, b, t, value in zip(seeds, better, than, values, strict=True)
    )


def pooled(conditions: list[tuple[Pairs, Advantages]], scale: Scale) -> Advantages:
    """One advantage a seed over several conditions, the mean of those it has there.

    Only seeds that every condition has count, unless fewer than two do: then all, by the conditions they have. An
    infinite advantage counts as half again the largest seen in any condition: one failure does not outweigh the rest.
    The outcomes shown are means too, geometric ones where advantages are ratios: their ratio is the mean ratio.
    """
    everything = np.concatenate([of_condition.values for _, of_condition in conditions])
    finite = np.isfinite(everything)
    largest = float(np.abs(everything[finite]).max(initial=0.0))
    by_seed: dict[int, list[tuple[float, float, float]]] = {}
    for pairs, of_condition in conditions:
        values = bounded_by(of_condition.values, largest)
        least = pairs.levels[0] / 2 if pairs.levels else 0.0  # of a horizon that no level reaches, which is shown as 0
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
    failed = sum(of_condition.failed for _, of_condition in conditions)
    bounded = largest > 0 and not finite.all()
    left_out = len(seeds) < len(by_seed)
    together = Advantages(
        means, shown, round(share * len(seeds)), failed, alone, bounded=bounded, seeds_left_out=left_out
    )
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
