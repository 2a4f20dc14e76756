"""Simulate experiments whose true difference is at the margin, with outcomes of many shapes and kinds.

"No practical difference" may have an error rate of at most 5 % for each of them. Spreads are small compared with the
margin, where an equivalence test has its highest error rate. The second cell is always the worse one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from harness.spec.claims import Comparison
from harness.store.interim import InterimAnalyses
from harness.verdicts.arrays import Floats
from harness.verdicts.judge import Measured, judge_pairs
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairedTrials
from harness.verdicts.verdict import Verdict
from tools.simulate_kinds import DATA, LENGTHS, LOSS, TIME, comparison, pairs_of
from tools.simulate_kinds import SOLVED as SOLVED_TASK

MARGIN, SPREAD = 0.5, 0.05
"""The margin and the standard deviation of graded differences."""
KINDS_APART, SOLVED, UNSOLVED = 0.05, 0.99, 0.15
"""For an accuracy of two kinds: the margin, the accuracy of a solved and that of an unsolved task."""
_SIZES = (100.0, 200.0, 400.0)
_CLOSE_SIZES = (190.0, 200.0, 210.0, 220.0, 440.0)
"""Sizes of the training set that are close together where the data needed are."""
_ACCURACY = OutcomeColumn("test_accuracy", "test accuracy", "", lower_is_better=False, bounds=(0.0, 1.0))

Draw = Callable[[int, np.random.Generator], Floats]


def _mixture(values: Sequence[float], shares: Sequence[float]) -> Draw:
    """A mixture of normal distributions with standard deviation 1, standardised to mean 0 and standard deviation 1."""
    mean = float(np.dot(values, shares))
    spread = float(np.sqrt(np.dot(np.square(values), shares) - mean**2 + 1))
    return lambda n, generator: np.asarray(
        (generator.choice(values, p=shares, size=n) + generator.normal(size=n) - mean) / spread
    )


GRADED: dict[str, Draw] = {
    "normal": lambda n, generator: generator.normal(size=n),
    "heavy tails": lambda n, generator: np.asarray(generator.standard_t(3, size=n) / np.sqrt(3)),
    "exponential, tail beyond the margin": lambda n, generator: generator.exponential(size=n) - 1,
    "exponential, tail to zero": lambda n, generator: 1 - generator.exponential(size=n),
    "Gumbel": lambda n, generator: np.asarray((generator.gumbel(size=n) - np.euler_gamma) / (np.pi / np.sqrt(6))),
    "rounded": lambda n, generator: np.round(generator.normal(size=n)),
    "two levels": lambda n, generator: np.where(generator.random(n) < 0.2, 4.0, -1.0) * MARGIN / SPREAD,
    "two clusters, equal": _mixture((-4, 4), (0.5, 0.5)),
    "two clusters, a third": _mixture((0, 4), (2 / 3, 1 / 3)),
    "two clusters, a tenth": _mixture((0, 4), (0.9, 0.1)),
}
"""Differences with mean 0 and standard deviation 1. An exception are the two levels, which become 0 and 5 margins; five
of them tie in 33 % of samples."""


def _graded(draw: Draw) -> Callable[[int, np.random.Generator], Measured]:
    def simulate(seeds: int, generator: np.random.Generator) -> Measured:
        base = 10 + generator.normal(size=seeds)
        difference = np.round(MARGIN + SPREAD * draw(seeds, generator), 9)
        return comparison("paired", on="test_loss", margin=MARGIN), _paired_trials(base, base + difference), LOSS

    return simulate


def _two_kinds(seeds: int, generator: np.random.Generator) -> Measured:
    """One cell always solves the task; the other with a probability for which the means differ by the margin."""
    sides = _accuracies(seeds, 1 - KINDS_APART / (SOLVED - UNSOLVED), generator)
    return _accuracy_claim(), _paired_trials(*sides), _ACCURACY


def _nine_of_ten(seeds: int, generator: np.random.Generator) -> Measured:
    """One cell always solves the task; the other with probability 0.9, so that the difference exceeds the margin."""
    return _accuracy_claim(), _paired_trials(*_accuracies(seeds, 0.9, generator)), _ACCURACY


def _near_the_edge(seeds: int, generator: np.random.Generator) -> Measured:
    """One cell has accuracy 1; the other is mostly a little below, on average by the margin."""
    below = generator.beta(0.2, 0.2 / KINDS_APART - 0.2, size=seeds)
    return _accuracy_claim(), _paired_trials(np.ones(seeds), 1 - below), _ACCURACY


def _pooled(seeds: int, generator: np.random.Generator) -> Measured:
    """Accuracies of two kinds in three conditions; a seed that does not solve one condition solves none."""
    better, than = _accuracies(seeds, 1 - KINDS_APART / (SOLVED - UNSOLVED), generator)
    parts = tuple(pairs_of(better, than - 0.001 * place, (), place) for place in range(3))
    return _accuracy_claim(), PairedTrials(parts), _ACCURACY


def _solved_by_one(seeds: int, generator: np.random.Generator) -> Measured:
    """One cell always solves the task; the other in four of five seeds."""
    sides = np.ones(seeds), (generator.random(seeds) < 0.8).astype(float)
    return comparison("proportion", margin=0.2), _paired_trials(*sides), SOLVED_TASK


def _solved_at_random(seeds: int, generator: np.random.Generator) -> Measured:
    """The cells solve the task in 60 % and in 40 % of the seeds, independently."""
    better, than = ((generator.random(seeds) < share).astype(float) for share in (0.6, 0.4))
    return comparison("proportion", margin=0.2), _paired_trials(better, than), SOLVED_TASK


def _horizons(seeds: int, generator: np.random.Generator) -> Measured:
    """Both cells solve lengths up to the middle one; the other cell sometimes solves none."""
    share = np.log(1.25) / np.log(2 * LENGTHS[2] / LENGTHS[0])
    fails = generator.random(seeds) < share
    levels = np.array(LENGTHS)
    better = np.tile(1.0 * (levels <= LENGTHS[2]), (seeds, 1))
    return comparison("horizon", margin="25%"), _paired_trials(better, better * ~fails[:, None], LENGTHS), SOLVED_TASK


def _sizes_needed(seeds: int, generator: np.random.Generator) -> Measured:
    """Both cells need the same size, but the other cell sometimes needs the largest one."""
    share = np.log(1.25) / np.log(_CLOSE_SIZES[-1] / _CLOSE_SIZES[2])
    return _needed(np.where(generator.random(seeds) < share, _CLOSE_SIZES[-1], _CLOSE_SIZES[2]))


def _sizes_missed(seeds: int, generator: np.random.Generator) -> Measured:
    """Both cells need the same size, but the other cell sometimes solves the task at no size."""
    return _needed(np.where(generator.random(seeds) < 1 - 1 / 1.25, np.inf, _CLOSE_SIZES[2]))


def _needed(sizes: Floats) -> Measured:
    equal = np.full(len(sizes), _CLOSE_SIZES[2])
    better, than = ((np.array(_CLOSE_SIZES) >= needed[:, None]).astype(float) for needed in (equal, sizes))
    return comparison("data-to-target", margin="25%"), _paired_trials(better, than, _CLOSE_SIZES), DATA


def _trends(seeds: int, generator: np.random.Generator) -> Measured:
    """At the largest size only, the other cell has accuracies of two kinds."""
    line = np.log(np.array(_SIZES)) - np.log(_SIZES).mean()
    of_last = line[-1] / (line @ line) * np.ptp(line)
    margin = 0.2
    solved = generator.random(seeds) >= margin / (of_last * (SOLVED - UNSOLVED))
    better, than = (SOLVED + 0.001 * generator.normal(size=(seeds, len(_SIZES))) for _ in range(2))
    than[:, -1] -= (SOLVED - UNSOLVED) * ~solved
    claim = comparison("trend", on="test_accuracy", along="train_size", advantage="grows", margin=margin)
    return claim, _paired_trials(better, than, _SIZES), _ACCURACY


def _crossings(seeds: int, generator: np.random.Generator) -> Measured:
    """Equal losses at the smallest size, and a difference of the margin at the largest."""
    better = 10 + generator.normal(size=(seeds, 2))
    than = better + np.round(np.array([0.0, MARGIN]) + SPREAD * generator.normal(size=(seeds, 2)), 9)
    claim = comparison("crossing", on="test_loss", along="train_size", margin=MARGIN)
    return claim, _paired_trials(better, than, _SIZES[::2]), LOSS


def _misses(seeds: int, generator: np.random.Generator) -> Measured:
    """Equal times, but the other cell sometimes misses the target; the misses cost as much as the margin."""
    better, than = (100 * np.exp(0.001 * generator.normal(size=seeds)) for _ in range(2))
    than = np.where(generator.random(seeds) < 1 - 1 / 1.1, np.nan, than)
    return comparison("time-to-target", target=1.0, margin="10%"), _paired_trials(better, than), TIME


def _times(seeds: int, generator: np.random.Generator) -> Measured:
    """Both cells reach the target; log ratios of their times are exponential about the log of the margin."""
    ratio = np.log(1.25) + 0.02 * (generator.exponential(size=seeds) - 1)
    better = 100 * np.exp(0.3 * generator.normal(size=seeds))
    return comparison("time-to-target", target=1.0, margin="25%"), _paired_trials(better, better * np.exp(ratio)), TIME


OF_KINDS: dict[str, Callable[[int, np.random.Generator], Measured]] = {
    "accuracy, two kinds": _two_kinds,
    "accuracy, two kinds, 9 of 10": _nine_of_ten,
    "accuracy near 1": _near_the_edge,
    "accuracy, two kinds, in 3 conditions": _pooled,
    "proportion, 100 % and 80 %": _solved_by_one,
    "proportion, 60 % and 40 %": _solved_at_random,
    "horizon": _horizons,
    "data-to-target, the largest size": _sizes_needed,
    "data-to-target, misses": _sizes_missed,
    "trend": _trends,
    "crossing, at one end": _crossings,
    "time-to-target, misses": _misses,
    "time-to-target, exponential": _times,
}
AT_MARGIN = {**{name: _graded(draw) for name, draw in GRADED.items()}, **OF_KINDS}


def verdict_at_margin(
    shape: str, seeds: int, generator: np.random.Generator, analysed_at: Sequence[int] = ()
) -> Verdict:
    """The verdict on one simulated claim; `analysed_at`: after interim analyses at these numbers of seeds.

    None of them ends the experiment: equivalence counts where any of them has found it.
    """
    measured = AT_MARGIN[shape](seeds, generator)
    planned = {measured[0].id: InterimAnalyses(tuple(n - 1 for n in analysed_at), seeds)} if analysed_at else {}
    return judge_pairs([measured], planned)[0]


def verdict_of_equal_cells(spread: float, seeds: int, generator: np.random.Generator) -> Verdict:
    """The verdict on normal differences of mean 0 whose standard deviation is `spread` times the margin."""
    base = 10 + generator.normal(size=seeds)
    sides = base, base + MARGIN * spread * generator.normal(size=seeds)
    return judge_pairs([(comparison("paired", on="test_loss", margin=MARGIN), _paired_trials(*sides), LOSS)])[0]


def _accuracies(seeds: int, solves: float, generator: np.random.Generator) -> tuple[Floats, Floats]:
    better, than = (SOLVED + 0.002 * generator.normal(size=seeds) for _ in range(2))
    return better, np.where(generator.random(seeds) < solves, than, than - SOLVED + UNSOLVED)


@cache
def _accuracy_claim() -> Comparison:
    return comparison("paired", on="test_accuracy", margin=KINDS_APART)


def _paired_trials(better: Floats, than: Floats, levels: tuple[float, ...] = ()) -> PairedTrials:
    return PairedTrials((pairs_of(better, than, levels),))
