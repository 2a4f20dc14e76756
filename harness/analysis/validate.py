"""Do verdicts err as often as they say? Known truth in; error rates, coverage and power out.

`python -m harness.analysis.validate` prints a Markdown table; each figure is a share of simulated experiments. It exits
with status 1 where a figure lies outside its bounds by more than three standard errors of the simulation.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from harness.analysis.claims import Verdict
from harness.analysis.sequential import p_of, sequential_p
from harness.analysis.simulate import Scenario, Shape, simulated_outcomes, simulated_verdicts, verdict_after_looks
from harness.analysis.stats import ALPHA, SEED, holm

SHAPES: tuple[Shape, ...] = ("normal", "heavy tails", "skewed", "ties")
SEEDS = (5, 8, 10, 20)
CLAIMS = 10
LOOKS = (5, 10, 15, 20, 25, 30, 35, 40)


@dataclass(frozen=True)
class Figure:
    """A share of the simulated experiments, and the bounds it must lie in."""

    what: str
    scenario: str
    share: float
    experiments: int
    low: float = 0.0
    high: float = 1.0

    @property
    def holds(self) -> bool:
        """Whether the share lies within its bounds, give or take three standard errors."""
        edge = min(max(self.share, 0.01), 0.99)
        slack = 3 * np.sqrt(edge * (1 - edge) / self.experiments)
        return bool(self.low - slack <= self.share <= self.high + slack)


def figures(
    experiments: int,
    seeds: tuple[int, ...] = SEEDS,
    shapes: tuple[Shape, ...] = SHAPES,
    looks: tuple[int, ...] = LOOKS,
) -> Iterator[Figure]:
    """Every figure that docs/method.md states, from so many simulated experiments each."""
    for n in seeds:
        for shape in shapes:
            yield _directional(Scenario(n, shape=shape), shape, experiments)
            yield _coverage(Scenario(n, difference=0.7, shape=shape), shape, experiments)
            yield _false_equality(Scenario(n, difference=0.5, margin=0.5, shape=shape), shape, experiments)
        yield _directional(Scenario(n, failures=0.1), "10 % of trials fail", experiments)
        for difference in (0.5, 1.0, 2.0):
            yield _power(Scenario(n, difference=difference), experiments)
    for shape in shapes:
        yield _optional_stopping(shape, experiments, looks)
        yield from _after_looks(shape, experiments, looks)


def _generator(scenario: Scenario) -> np.random.Generator:
    return np.random.default_rng([SEED, scenario.seeds, *map(ord, repr(scenario))])


def _directional(scenario: Scenario, name: str, experiments: int) -> Figure:
    """Ten claims without a difference: how often does any of them get a direction?"""
    generator = _generator(scenario)
    wrong = sum(
        any(
            verdict.verdict in ("supported", "contradicted")
            for verdict in simulated_verdicts(scenario, CLAIMS, generator)
        )
        for _ in range(experiments)
    )
    what = f"a direction among {CLAIMS} claims without a difference"
    return Figure(what, f"{scenario.seeds} seeds, {name}", wrong / experiments, experiments, high=ALPHA)


def _single(scenario: Scenario, experiments: int, counts: Callable[..., bool]) -> float:
    generator = _generator(scenario)
    return sum(counts(simulated_verdicts(scenario, 1, generator)[0]) for _ in range(experiments)) / experiments


def _coverage(scenario: Scenario, name: str, experiments: int) -> Figure:
    share = _single(scenario, experiments, lambda verdict: _covers(verdict, scenario.difference))
    return Figure("the interval covers the truth", f"{scenario.seeds} seeds, {name}", share, experiments, 0.93, 0.97)


def _covers(verdict: Verdict, truth: float) -> bool:
    assert verdict.ci_low is not None
    assert verdict.ci_high is not None
    return verdict.ci_low <= truth <= verdict.ci_high


def _false_equality(scenario: Scenario, name: str, experiments: int) -> Figure:
    share = _single(scenario, experiments, lambda verdict: verdict.verdict == "no practical difference")
    what = "no practical difference, where it is the margin"
    return Figure(what, f"{scenario.seeds} seeds, {name}", share, experiments, high=ALPHA)


def _power(scenario: Scenario, experiments: int) -> Figure:
    share = _single(scenario, experiments, lambda verdict: verdict.verdict == "supported")
    what = f"supported, one claim, a difference of {scenario.difference:g}"
    return Figure(what, f"{scenario.seeds} seeds, normal", share, experiments)


def _optional_stopping(shape: Shape, experiments: int, looks: tuple[int, ...]) -> Figure:
    """Ten claims without a difference, seeds added in blocks of five, stopped at the first direction."""
    scenario = Scenario(looks[-1], shape=shape)
    generator = _generator(scenario)
    wrong = 0
    for _ in range(experiments):
        last = []
        for _ in range(CLAIMS):
            better, than = simulated_outcomes(scenario, generator)
            p_values = [p_of(than[:n] - better[:n]) for n in looks]
            last.append(sequential_p(p_values, looks, looks[-1]))
        wrong += bool((holm(last) <= ALPHA).any())
    what = f"a direction at any of {len(looks)} looks, {CLAIMS} claims without a difference"
    return Figure(what, f"{looks[0]} to {looks[-1]} seeds, {shape}", wrong / experiments, experiments, high=ALPHA)


def _after_looks(shape: Shape, experiments: int, looks: tuple[int, ...]) -> Iterator[Figure]:
    """One claim, seeds added until it is decided, where the difference is the margin: what is said in the end?"""
    scenario = Scenario(looks[-1], difference=0.5, margin=0.5, shape=shape)
    generator = _generator(scenario)
    verdicts = [verdict_after_looks(scenario, looks, generator) for _ in range(experiments)]
    equal = sum(verdict.verdict == "no practical difference" for verdict in verdicts)
    covered = sum(_covers(verdict, scenario.difference) for verdict in verdicts)
    where = f"{looks[0]} to {looks[-1]} seeds, {shape}"
    yield Figure(
        "no practical difference after looks, where it is the margin",
        where,
        equal / experiments,
        experiments,
        high=ALPHA,
    )
    yield Figure("the interval covers the truth after looks", where, covered / experiments, experiments, low=0.95)


def main(arguments: list[str] | None = None) -> int:
    """Print the figures as a table; 0 where all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=2000, help="simulated experiments for each figure")
    options = parser.parse_args(arguments)
    broken = 0
    print("| what | scenario | share | bounds | |\n|---|---|---|---|---|")
    for figure in figures(options.experiments):
        bounds = "" if (figure.low, figure.high) == (0, 1) else f"{figure.low:.0%} to {figure.high:.0%}"
        mark = "" if figure.holds else "OUTSIDE"
        broken += not figure.holds
        print(f"| {figure.what} | {figure.scenario} | {figure.share:.1%} | {bounds} | {mark} |", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
