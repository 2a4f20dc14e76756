"""Do verdicts err as often as they say? Known truth in; error rates, coverage and power out.

`python -m harness.analysis.error_rates` prints Markdown tables; each figure is a share of simulated experiments. It
exits with status 1 where a figure lies outside its bounds by more than three standard errors of the simulation.
`--write docs/method.md` puts the tables where that file has them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from harness.analysis.sequential import p_of, sequential_p
from harness.analysis.simulate import Scenario, Shape, simulated_outcomes, simulated_verdicts, verdict_after_looks
from harness.analysis.simulate_kinds import KINDS, verdict_of
from harness.analysis.simulate_margin import AT_MARGIN, GRADED, verdict_at_margin, verdict_of_equal_cells
from harness.analysis.simulate_steps import MARGIN, RATIO, STEPS, verdict_of_times
from harness.analysis.stats import ALPHA, SEED, holm
from harness.analysis.verdict import Verdict
from harness.analysis.words import capital
from harness.sections import write_section

SHAPES: tuple[Shape, ...] = ("normal", "heavy tails", "skewed", "ties")
SEEDS = (5, 8, 10, 20)
CLAIMS = 10
LOOKS = (5, 10, 15, 20, 25, 30, 35, 40)
EQUALITY_SEEDS = (5, 8, 10, 20, 40)
SPREADS = (0.1, 0.2, 0.3, 0.5, 0.8)
"""Standard deviations of differences, in margins, at which the power to find equality is simulated."""
STEP_SEEDS = (5, 10, 20, 40)
SECTION = "error rates"
"""Of docs/method.md."""


@dataclass(frozen=True)
class Figure:
    """A share of the simulated experiments, and the bounds it must lie in."""

    what: str
    scenario: str
    """'5 seeds, normal': up to the first comma the row of its table, then the column."""
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
    """Every figure that docs/method.md states, from `experiments` simulated ones each."""
    for n in seeds:
        for shape in shapes:
            yield _directional(Scenario(n, shape=shape), shape, experiments)
            yield _coverage(Scenario(n, difference=0.7, shape=shape), shape, experiments)
            yield _false_equality(Scenario(n, difference=0.5, margin=0.5, shape=shape), shape, experiments)
        yield _directional(Scenario(n, failures=0.1), "10 % of trials fail", experiments)
        for difference in (0.5, 1.0, 2.0):
            yield _power(Scenario(n, difference=difference), experiments)
        for kind in KINDS:
            yield from _without_difference(kind, n, experiments)
    for shape in shapes:
        yield _optional_stopping(shape, experiments, looks)
        yield from _after_looks(shape, experiments, looks)


def equality_figures(
    experiments: int,
    seeds: tuple[int, ...] = EQUALITY_SEEDS,
    shapes: Sequence[str] = tuple(AT_MARGIN),
    looks: tuple[int, ...] = LOOKS,
) -> Iterator[Figure]:
    """How often cells are called equal that differ by the margin, and how often those that are."""
    for shape in shapes:
        for n in seeds:
            yield _equality(shape, n, experiments)
        yield _equality(shape, looks[-1], experiments, looks)
    for n in seeds:
        for spread in SPREADS:
            generator = np.random.default_rng([SEED, n, round(100 * spread)])
            found = sum(_equal(verdict_of_equal_cells(spread, n, generator)) for _ in range(experiments))
            what = (
                "no practical difference is found where there is none, by the standard deviation of normal differences"
            )
            yield Figure(what, f"{n} seeds, {spread:g} margins", found / experiments, experiments)


def _equality(shape: str, n: int, experiments: int, looks: tuple[int, ...] = ()) -> Figure:
    generator = np.random.default_rng([SEED, n, len(looks), *map(ord, shape)])
    wrong = sum(_equal(verdict_at_margin(shape, n, generator, looks)) for _ in range(experiments))
    outcomes = "graded outcomes differ" if shape in GRADED else "outcomes of two kinds, bounded or timed ones, differ"
    rows = f"{looks[0]} to {n} seeds, {len(looks)} analyses" if looks else f"{n} seeds"
    what = f"no practical difference is found although {outcomes} by the margin"
    return Figure(what, f"{rows.replace(', ', ' in ')}, {shape}", wrong / experiments, experiments, high=ALPHA)


def _equal(verdict: Verdict) -> bool:
    return verdict.verdict == "no practical difference"


def step_figures(
    experiments: int, seeds: tuple[int, ...] = STEP_SEEDS, steps: tuple[int, ...] = STEPS
) -> Iterator[Figure]:
    """What is said of times to a target that are known to within a step."""
    for n in seeds:
        for step in steps:
            yield from _of_a_step(step, n, experiments)


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
    what = f"some claim among {CLAIMS} gets a direction although there is no difference"
    return Figure(what, f"{scenario.seeds} seeds, {name}", wrong / experiments, experiments, high=ALPHA)


def _single(scenario: Scenario, experiments: int, counts: Callable[..., bool]) -> float:
    generator = _generator(scenario)
    return sum(counts(simulated_verdicts(scenario, 1, generator)[0]) for _ in range(experiments)) / experiments


def _coverage(scenario: Scenario, name: str, experiments: int) -> Figure:
    share = _single(scenario, experiments, lambda verdict: _covers(verdict, scenario.difference))
    what = f"the 95 % interval covers the true difference, {scenario.difference:g}"
    return Figure(what, f"{scenario.seeds} seeds, {name}", share, experiments, 0.93, 0.97)


def _covers(verdict: Verdict, truth: float) -> bool:
    assert verdict.ci_low is not None
    assert verdict.ci_high is not None
    return verdict.ci_low <= truth <= verdict.ci_high


def _false_equality(scenario: Scenario, name: str, experiments: int) -> Figure:
    share = _single(scenario, experiments, lambda verdict: verdict.verdict == "no practical difference")
    what = f"no practical difference is found although it is as large as the margin, {scenario.margin:g}"
    return Figure(what, f"{scenario.seeds} seeds, {name}", share, experiments, high=ALPHA)


def _power(scenario: Scenario, experiments: int) -> Figure:
    share = _single(scenario, experiments, lambda verdict: verdict.verdict == "supported")
    what = "a claim that stands alone is supported, by the true difference in standard deviations of one cell"
    return Figure(what, f"{scenario.seeds} seeds, {scenario.difference:g}", share, experiments)


def _without_difference(kind: str, seeds: int, experiments: int) -> Iterator[Figure]:
    """A claim of some other kind, without a difference. Intervals of shares and of few levels may be wider."""
    generator = np.random.default_rng([SEED, seeds, *map(ord, kind)])
    verdicts = [verdict_of(kind, seeds, generator) for _ in range(experiments)]
    directed = sum(verdict.verdict in ("supported", "contradicted") for verdict in verdicts)
    covered = sum((verdict.ci_low or 0.0) <= 0.0 <= (verdict.ci_high or 0.0) for verdict in verdicts)
    where = f"{seeds} seeds, {kind}"
    what = "a claim of another kind gets a direction although there is no difference"
    yield Figure(what, where, directed / experiments, experiments, high=ALPHA)
    what = "the 95 % interval of a claim of another kind covers that there is no difference"
    yield Figure(what, where, covered / experiments, experiments, low=0.93)


def _of_a_step(step: int, seeds: int, experiments: int) -> Iterator[Figure]:
    """A time to target that is known to within a step: without a difference, and with one as large as the margin."""
    generator = np.random.default_rng([SEED, seeds, step])
    equal = [verdict_of_times(step, seeds, generator) for _ in range(experiments)]
    apart = [verdict_of_times(step, seeds, generator, ratio=RATIO, spread=0.02) for _ in range(experiments)]
    where = f"{seeds} seeds, {step} update{'s' * (step != 1)}"
    for what, found, wrong in (
        ("a time to target that is known to within a step gets a direction although there is no difference", equal,
         ("supported", "contradicted")),
        (f"a time to target that is known to within a step is called without practical difference although the ratio is"
         f" as large as the margin, {MARGIN.replace('%', ' %')}", apart, ("no practical difference",)),
    ):  # fmt: skip
        share = sum(verdict.verdict in wrong for verdict in found) / experiments
        yield Figure(what, where, share, experiments, high=ALPHA)
    covered = sum(_covers(verdict, 0.0) for verdict in equal) / experiments
    what = "the 95 % interval of a time to target that is known to within a step covers that there is no difference"
    yield Figure(what, where, covered, experiments, low=0.93)


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
    what = f"some claim among {CLAIMS} gets a direction at any of {len(looks)} looks although there is no difference"
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
        "seeds are added until it is decided: a claim is called without practical difference although the difference is"
        " as large as the margin, 0.5",
        where,
        equal / experiments,
        experiments,
        high=ALPHA,
    )
    yield Figure(
        "seeds are added until it is decided: the 95 % interval covers the true difference, 0.5",
        where,
        covered / experiments,
        experiments,
        low=0.95,
    )


def in_markdown(found: Sequence[Figure]) -> str:
    """A table for each thing that was counted: seeds down, kinds of data across."""
    tables = []
    for what in dict.fromkeys(figure.what for figure in found):
        of_table = [figure for figure in found if figure.what == what]
        cells = {tuple(figure.scenario.split(", ", 1)): figure for figure in of_table}
        rows, columns = ([*dict.fromkeys(place)] for place in zip(*cells, strict=True))
        lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
        lines += [f"| {row} | {' | '.join(_cell(cells.get((row, column))) for column in columns)} |" for row in rows]
        tables.append("\n".join((f"{capital(what)}{_promise(of_table[0])}:", "", *lines)))
    return "\n\n".join(tables)


def _cell(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.share:.1%}".replace("%", " %" if figure.holds else " % OUTSIDE")


def _promise(figure: Figure) -> str:
    low, high = f"{figure.low:.0%}".replace("%", " %"), f"{figure.high:.0%}".replace("%", " %")
    if figure.low > 0 and figure.high < 1:
        return f" ({low} to {high} promised)"
    return f" (at least {low} promised)" if figure.low > 0 else f" (at most {high} promised)" if figure.high < 1 else ""


def main(arguments: list[str] | None = None) -> int:
    """Print the figures as tables; 0 where all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=2000, help="simulated experiments for each figure")
    parser.add_argument("--equality", action="store_true", help="only how often cells are called equal")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this Markdown file")
    options = parser.parse_args(arguments)
    found = []
    simulations = (equality_figures,) if options.equality else (figures, step_figures, equality_figures)
    for figure in chain.from_iterable(simulate(options.experiments) for simulate in simulations):
        found.append(figure)
        print(f"{figure.what}; {figure.scenario}: {_cell(figure)}", file=sys.stderr, flush=True)
    print(in_markdown(found))
    if options.write:
        write_section(options.write, SECTION, in_markdown(found))
    return 0 if all(figure.holds for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
