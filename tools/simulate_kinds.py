"""Simulate claims of every kind without a true difference, to measure error rates of their verdicts.

The two cells share half of their variance over seeds, like two cells trained on the same data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, TypeAdapter

from harness.spec.claims import Comparison
from harness.verdicts.arrays import Floats
from harness.verdicts.judge import Measured, judge_pairs
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairedTrials, Pairs
from harness.verdicts.verdict import Verdict

Simulation = Callable[[int, np.random.Generator], Measured]
_FIELDS: dict[str, dict[str, object]] = {
    "paired": {"on": "test_loss", "margin": 0.5},
    "proportion": {"margin": 0.2},
    "horizon": {"margin": "25%"},
    "data-to-target": {"margin": "25%"},
    "trend": {"on": "test_loss", "along": "train_size", "advantage": "shrinks", "margin": 0.5},
    "crossing": {"on": "test_loss", "along": "train_size", "margin": 0.5},
    "time-to-target": {"target": 1.0, "margin": "10%"},
}
LENGTHS = (10.0, 20.0, 40.0, 80.0, 160.0)
_SIZES = (100.0, 200.0, 400.0, 800.0)
_MANY_SIZES = (100.0, 150.0, 225.0, 340.0, 500.0, 760.0, 1140.0)
LOSS = OutcomeColumn("test_loss", "test loss", "", lower_is_better=True)
SOLVED = OutcomeColumn("solved", "seeds that solve the task", "", lower_is_better=False, bounds=(0.0, 1.0))
DATA = OutcomeColumn("solved", "training data to solve the task", "", lower_is_better=True)
TIME = OutcomeColumn("time_to_target", "updates to a validation loss", "updates", lower_is_better=True)


def verdict_of(kind: str, seeds: int, generator: np.random.Generator) -> Verdict:
    """The verdict on one simulated claim; `kind` is a name in KINDS."""
    return judge_pairs([KINDS[kind](seeds, generator)])[0]


@cache
def comparison(kind: str, **fields: object) -> Comparison:
    """A claim of this kind that GRUs are better than LSTMs."""
    common = {"id": kind, "claim": "A GRU is better than an LSTM.", "kind": kind, "better": "gru", "than": "lstm"}
    adapter: TypeAdapter[Comparison] = TypeAdapter(Annotated[Comparison, Field(discriminator="kind")])
    return adapter.validate_python({**common, **fields})


def _claim(kind: str) -> Comparison:
    return comparison(kind, **_FIELDS[kind])


def _two_cells(shape: tuple[int, ...], generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Standard normal values for two cells, correlated by 0.5 over the first axis, the seeds."""
    shared = generator.normal(size=(shape[0], *(1 for _ in shape[1:])))
    better, than = ((shared + generator.normal(size=shape)) / np.sqrt(2) for _ in range(2))
    return better, than


def pairs_of(better: Floats, than: Floats, levels: tuple[float, ...] = (), condition: int | None = None) -> Pairs:
    """The pairs of seeds 0, 1, ... of a single condition, or of a numbered one."""
    scope = {} if condition is None else {"sequence_length": condition}
    return Pairs(scope, tuple(range(len(better))), better, than, levels)


def _passes(values: Floats) -> Floats:
    return (values > 0).astype(float)


def _conditions(seeds: int, generator: np.random.Generator) -> Measured:
    """A loss in four conditions."""
    better, than = _two_cells((seeds, 4), generator)
    parts = tuple(pairs_of(10 + better[:, place], 10 + than[:, place], (), place) for place in range(4))
    return _claim("paired"), PairedTrials(parts), LOSS


def _solved(seeds: int, generator: np.random.Generator) -> Measured:
    """Solved in half of the seeds."""
    better, than = _two_cells((seeds,), generator)
    return _claim("proportion"), PairedTrials((pairs_of(_passes(better), _passes(than)),)), SOLVED


def _solved_in_three(seeds: int, generator: np.random.Generator) -> Measured:
    """Solved in half of the seeds, in each of three conditions."""
    better, than = _two_cells((seeds, 3), generator)
    parts = tuple(pairs_of(_passes(better[:, i]), _passes(than[:, i]), (), i) for i in range(3))
    return _claim("proportion"), PairedTrials(parts), SOLVED


def _horizons(seeds: int, generator: np.random.Generator) -> Measured:
    """Each seed solves all lengths up to one that is lognormal about the middle one."""
    reach = (np.exp(np.log(LENGTHS[2]) + values[:, None]) for values in _two_cells((seeds,), generator))
    better, than = (1.0 * (np.array(LENGTHS) <= longest) for longest in reach)
    return _claim("horizon"), PairedTrials((pairs_of(better, than, LENGTHS),)), SOLVED


def _sizes_needed(seeds: int, generator: np.random.Generator) -> Measured:
    """Each seed solves the task from a size on that is lognormal about the middle one; a tenth solve it at none."""
    sides: list[Floats] = []
    for values in _two_cells((seeds,), generator):
        needed = np.where(generator.random(seeds) < 0.1, np.inf, np.exp(np.log(_MANY_SIZES[3]) + values))
        sides.append((np.array(_MANY_SIZES) >= needed[:, None]).astype(float))
    return _claim("data-to-target"), PairedTrials((pairs_of(sides[0], sides[1], _MANY_SIZES),)), DATA


def _trends(seeds: int, generator: np.random.Generator) -> Measured:
    """A loss that is lower by the same amount at every size."""
    better, than = _two_cells((seeds, len(_SIZES)), generator)
    return _claim("trend"), PairedTrials((pairs_of(9.5 + better, 10 + than, _SIZES),)), LOSS


def _crossing_cells(advantages: ArrayLike, seeds: int, generator: np.random.Generator) -> Measured:
    """A loss whose advantage at each size is given, in standard deviations of one cell."""
    better, than = _two_cells((seeds, len(_SIZES)), generator)
    return _claim("crossing"), PairedTrials((pairs_of(10 + better, 10 + than + np.asarray(advantages), _SIZES),)), LOSS


CROSSES_AT = 200 * np.sqrt(2)
"""Where the advantage is zero in `crossing_verdict`."""


def crossing_verdict(advantage: float, seeds: int, generator: np.random.Generator) -> Verdict:
    """The verdict on a claim whose advantage falls evenly over the sizes, and changes sign in the middle."""
    shares = np.array([1, 1 / 3, -1 / 3, -1])
    return judge_pairs([_crossing_cells(advantage * shares, seeds, generator)])[0]


def _crossings(seeds: int, generator: np.random.Generator) -> Measured:
    """A clear advantage at the smallest size that falls to none at the largest, so that it never changes sign."""
    return _crossing_cells((3.0, 2.0, 1.0, 0.0), seeds, generator)


def _times(seeds: int, generator: np.random.Generator) -> Measured:
    """Lognormal updates to a target, evaluated every thirty updates; a fifth of the trials miss the target."""
    sides = []
    for values in _two_cells((seeds,), generator):
        updates = 30 * np.ceil(100 * np.exp(0.7 * values) / 30)
        sides.append(np.where(generator.random(seeds) < 0.2, np.nan, updates))
    return _claim("time-to-target"), PairedTrials((pairs_of(sides[0], sides[1]),)), TIME


KINDS: dict[str, Simulation] = {
    "paired, in 4 conditions": _conditions,
    "proportion": _solved,
    "proportion, in 3 conditions": _solved_in_three,
    "horizon": _horizons,
    "data-to-target": _sizes_needed,
    "trend": _trends,
    "crossing, at one end": _crossings,
    "time-to-target, a fifth misses": _times,
}
