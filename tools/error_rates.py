"""Simulate experiments with a known truth, and report error rates, coverage and power of verdicts.

`python -m tools.error_rates` prints Markdown tables; each figure is a share of simulated experiments. It exits with
status 1 if a figure is outside its bounds by more than three standard errors of the simulation.
`--write docs/error-rates.md` replaces the tables in that file, one section for each simulated part. The simulation uses
several processes; the figures do not depend on their number.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from harness.cgroup import usable_cores
from harness.verdicts.sequential import sequential_p
from harness.verdicts.stats import ALPHA, SEED, estimate, holm
from harness.verdicts.verdict import Verdict
from harness.words import plural
from tools.error_tables import Figure, cell, in_markdown
from tools.sections import write_section
from tools.simulate import Scenario, Shape, simulated_outcomes, simulated_verdicts, verdict_after_analyses
from tools.simulate_blocks import MACHINES, block_figures
from tools.simulate_conditions import CLAIMS as CONDITION_CLAIMS
from tools.simulate_conditions import SITUATIONS, verdicts_of
from tools.simulate_kinds import CROSSES_AT, KINDS, crossing_verdict, verdict_of
from tools.simulate_margin import AT_MARGIN, GRADED, verdict_at_margin, verdict_of_equal_cells
from tools.simulate_steps import MARGIN, RATIO, STEPS, verdict_of_times

Job = Callable[[], Iterable[Figure]]
"""A simulation of some figures: a picklable function with its arguments, as another process may run it."""

SHAPES: tuple[Shape, ...] = ("normal", "heavy tails", "skewed", "ties")
SEEDS = (5, 8, 10, 20)
CLAIMS = 10
ANALYSED_AT = (5, 10, 15, 20, 25, 30, 35, 40)
EQUALITY_SEEDS = (5, 8, 10, 20, 40)
SPREADS = (0.1, 0.2, 0.3, 0.5, 0.8)
"""Standard deviations of differences, as multiples of the margin, for the power to find equality."""
CROSSINGS = (1.0, 1.5, 2.0)
"""Advantages at the smallest size, and of the other cell at the largest, in standard deviations of one cell."""
STEP_SEEDS = (5, 10, 20, 40)
CONDITION_SEEDS = (5, 10, 20)


def figures(
    experiments: int,
    seeds: tuple[int, ...] = SEEDS,
    shapes: tuple[Shape, ...] = SHAPES,
    analysed_at: tuple[int, ...] = ANALYSED_AT,
) -> Iterator[Job]:
    """Type I errors, coverage and power, from `experiments` simulated experiments each."""
    for n in seeds:
        for shape in shapes:
            yield partial(_directional, Scenario(n, shape=shape), shape, experiments)
            yield partial(_coverage, Scenario(n, difference=0.7, shape=shape), shape, experiments)
            yield partial(_false_equality, Scenario(n, difference=0.5, margin=0.5, shape=shape), shape, experiments)
        yield partial(_directional, Scenario(n, failures=0.1), "10 % of trials fail", experiments)
        for difference in (0.5, 1.0, 2.0):
            yield partial(_power, Scenario(n, difference=difference), experiments)
        for kind in KINDS:
            yield partial(_without_difference, kind, n, experiments)
        for advantage in CROSSINGS:
            yield partial(_of_crossings, advantage, n, experiments)
    for shape in shapes:
        yield partial(_optional_stopping, shape, experiments, analysed_at)
        yield partial(_after_analyses, shape, experiments, analysed_at)


def equality_figures(
    experiments: int,
    seeds: tuple[int, ...] = EQUALITY_SEEDS,
    shapes: Sequence[str] = tuple(AT_MARGIN),
    analysed_at: tuple[int, ...] = ANALYSED_AT,
) -> Iterator[Job]:
    """The error rate of "no practical difference" at the margin, and its power for equal cells."""
    for shape in shapes:
        for n in seeds:
            yield partial(_equality, shape, n, experiments)
        yield partial(_equality, shape, analysed_at[-1], experiments, analysed_at)
    for n in seeds:
        for spread in SPREADS:
            yield partial(_of_equal_cells, spread, n, experiments)


def step_figures(
    experiments: int, seeds: tuple[int, ...] = STEP_SEEDS, steps: tuple[int, ...] = STEPS
) -> Iterator[Job]:
    """Error rates and coverage for times to target that are known only to within a step."""
    for n in seeds:
        for step in steps:
            yield partial(_of_a_step, step, n, experiments)


def condition_figures(experiments: int, seeds: tuple[int, ...] = CONDITION_SEEDS) -> Iterator[Job]:
    """Type I errors, and how often the verdict is 'depends', for claims with several conditions."""
    for n in seeds:
        for situation in SITUATIONS:
            yield partial(_of_conditions, situation, n, experiments)


def timing_figures(experiments: int) -> Iterator[Job]:
    """Error rates, coverage and power for seconds per update that are measured in timing blocks."""
    for machine in MACHINES:
        yield partial(block_figures, experiments, machine)


PARTS: dict[str, Callable[[int], Iterable[Job]]] = {
    "differences": figures,
    "equality": equality_figures,
    "times": step_figures,
    "conditions": condition_figures,
    "timing blocks": timing_figures,
}
"""The simulations by the name of their part; each part has a section in docs/error-rates.md."""


def section_of(part: str) -> str:
    """The name of the section with the tables of this part."""
    return f"error rates, {part}"


def _equality(shape: str, n: int, experiments: int, analysed_at: tuple[int, ...] = ()) -> Iterator[Figure]:
    generator = np.random.default_rng([SEED, n, len(analysed_at), *map(ord, shape)])
    wrong = sum(_equal(verdict_at_margin(shape, n, generator, analysed_at)) for _ in range(experiments))
    outcomes = "graded outcomes" if shape in GRADED else "bounded outcomes, times and outcomes of two kinds"
    rows = f"{analysed_at[0]} to {n} seeds, {len(analysed_at)} analyses" if analysed_at else f"{n} seeds"
    what = f"false 'no practical difference', {outcomes}, true difference at the margin"
    yield Figure(what, f"{rows.replace(', ', ' in ')}, {shape}", wrong / experiments, experiments, high=ALPHA)


def _of_equal_cells(spread: float, n: int, experiments: int) -> Iterator[Figure]:
    generator = np.random.default_rng([SEED, n, round(100 * spread)])
    equal_count = sum(_equal(verdict_of_equal_cells(spread, n, generator)) for _ in range(experiments))
    what = (
        "power to find 'no practical difference' between equal cells, by the standard deviation of normal differences"
    )
    yield Figure(what, f"{n} seeds, {spread:g} margins", equal_count / experiments, experiments)


def _equal(verdict: Verdict) -> bool:
    return verdict.verdict == "no practical difference"


def _generator(scenario: Scenario) -> np.random.Generator:
    return np.random.default_rng([SEED, scenario.seeds, *map(ord, repr(scenario))])


def _directional(scenario: Scenario, name: str, experiments: int) -> Iterator[Figure]:
    """The family-wise type I error of ten claims without a true difference."""
    generator = _generator(scenario)
    wrong = sum(
        any(
            verdict.verdict in ("supported", "contradicted")
            for verdict in simulated_verdicts(scenario, CLAIMS, generator)
        )
        for _ in range(experiments)
    )
    what = f"family-wise type I error with {CLAIMS} true null claims"
    yield Figure(what, f"{scenario.seeds} seeds, {name}", wrong / experiments, experiments, high=ALPHA)


def _single(scenario: Scenario, experiments: int, counts: Callable[..., bool]) -> float:
    generator = _generator(scenario)
    return sum(counts(simulated_verdicts(scenario, 1, generator)[0]) for _ in range(experiments)) / experiments


def _coverage(scenario: Scenario, name: str, experiments: int) -> Iterator[Figure]:
    share = _single(scenario, experiments, lambda verdict: _covers(verdict, scenario.difference))
    what = f"coverage of the 95 % interval, true difference {scenario.difference:g}"
    yield Figure(what, f"{scenario.seeds} seeds, {name}", share, experiments, 0.93, 0.97)


def _covers(verdict: Verdict, truth: float) -> bool:
    assert verdict.ci_low is not None
    assert verdict.ci_high is not None
    return verdict.ci_low <= truth <= verdict.ci_high


def _false_equality(scenario: Scenario, name: str, experiments: int) -> Iterator[Figure]:
    share = _single(scenario, experiments, lambda verdict: verdict.verdict == "no practical difference")
    what = f"false 'no practical difference', true difference at the margin, {scenario.margin:g}"
    yield Figure(what, f"{scenario.seeds} seeds, {name}", share, experiments, high=ALPHA)


def _power(scenario: Scenario, experiments: int) -> Iterator[Figure]:
    share = _single(scenario, experiments, lambda verdict: verdict.verdict == "supported")
    what = "power for a single claim, by the true difference in standard deviations of one cell"
    yield Figure(what, f"{scenario.seeds} seeds, {scenario.difference:g}", share, experiments)


def _without_difference(kind: str, seeds: int, experiments: int) -> Iterator[Figure]:
    """A claim of another kind, without a true difference. Intervals of proportions and of few levels may be wider."""
    generator = np.random.default_rng([SEED, seeds, *map(ord, kind)])
    verdicts = [verdict_of(kind, seeds, generator) for _ in range(experiments)]
    directed = sum(verdict.verdict in ("supported", "contradicted") for verdict in verdicts)
    covered = sum((verdict.ci_low or 0.0) <= 0.0 <= (verdict.ci_high or 0.0) for verdict in verdicts)
    where = f"{seeds} seeds, {kind}"
    what = "type I error of a claim of another kind"
    yield Figure(what, where, directed / experiments, experiments, high=ALPHA)
    what = "coverage of the 95 % interval of a claim of another kind, no true difference"
    yield Figure(what, where, covered / experiments, experiments, low=0.93)


def _of_crossings(advantage: float, seeds: int, experiments: int) -> Iterator[Figure]:
    """A claim whose advantage changes sign: how often it is found, and how often the interval contains the place."""
    generator = np.random.default_rng([SEED, seeds, round(100 * advantage)])
    verdicts = [crossing_verdict(advantage, seeds, generator) for _ in range(experiments)]
    found = sum(verdict.verdict == "supported" for verdict in verdicts)
    located = [(verdict.crossing_low, verdict.crossing_high) for verdict in verdicts if verdict.crossing is not None]
    covered = sum(low <= CROSSES_AT <= high for low, high in located if low is not None and high is not None)
    where = f"{seeds} seeds, {advantage:g}"
    by = "by the advantage at both ends in standard deviations of one cell"
    yield Figure(
        f"power for an advantage that changes sign in the middle, {by}", where, found / experiments, experiments
    )
    what = f"coverage of the 95 % interval of the place where an advantage changes sign, {by}"
    yield Figure(what, where, covered / max(1, len(located)), experiments, low=0.93)


def _of_a_step(step: int, seeds: int, experiments: int) -> Iterator[Figure]:
    """A time to target that is known to within a step: without a true difference, and with one at the margin."""
    generator = np.random.default_rng([SEED, seeds, step])
    equal = [verdict_of_times(step, seeds, generator) for _ in range(experiments)]
    apart = [verdict_of_times(step, seeds, generator, ratio=RATIO, spread=0.02) for _ in range(experiments)]
    where = f"{seeds} seeds, {plural(step, 'update')}"
    for what, verdicts, wrong in (
        ("type I error for a time to target that is known to within a step", equal, ("supported", "contradicted")),
        (f"false 'no practical difference' for a time to target that is known to within a step, true ratio at the"
         f" margin, {MARGIN.replace('%', ' %')}", apart, ("no practical difference",)),
    ):  # fmt: skip
        share = sum(verdict.verdict in wrong for verdict in verdicts) / experiments
        yield Figure(what, where, share, experiments, high=ALPHA)
    covered = sum(_covers(verdict, 0.0) for verdict in equal) / experiments
    what = "coverage of the 95 % interval of a time to target that is known to within a step, no true difference"
    yield Figure(what, where, covered, experiments, low=0.93)


def _of_conditions(situation: str, seeds: int, experiments: int) -> Iterator[Figure]:
    """Claims with several conditions: how often any test finds a direction, and how often the verdict is 'depends'."""
    generator = np.random.default_rng([SEED, seeds, *map(ord, situation)])
    advantages = SITUATIONS[situation]
    directed = depending = 0
    for _ in range(experiments):
        verdicts = verdicts_of(advantages, seeds, generator)
        parts = [part.verdict for verdict in verdicts for part in verdict.by_condition]
        directed += bool({"supported", "contradicted"} & {*parts, *(verdict.verdict for verdict in verdicts)})
        depending += sum(verdict.verdict == "depends" for verdict in verdicts)
    where = f"{seeds} seeds, {situation}"
    if situation == "no difference":
        what = f"family-wise type I error with {CONDITION_CLAIMS} true null claims of 3 conditions each"
        yield Figure(what, where, directed / experiments, experiments, high=ALPHA)
    what = "verdict 'depends' for a claim with 3 conditions"
    high = ALPHA if len(set(advantages)) == 1 else 1.0
    yield Figure(what, where, depending / (experiments * CONDITION_CLAIMS), experiments, high=high)


def _optional_stopping(shape: Shape, experiments: int, analysed_at: tuple[int, ...]) -> Iterator[Figure]:
    """The type I error of ten claims without a true difference, if seeds are added and the claims tested repeatedly."""
    scenario = Scenario(analysed_at[-1], shape=shape)
    generator = _generator(scenario)
    wrong = 0
    for _ in range(experiments):
        last = []
        for _ in range(CLAIMS):
            better, than = simulated_outcomes(scenario, generator)
            p_values = [estimate(than[:n] - better[:n]).p_value for n in analysed_at]
            last.append(sequential_p(p_values, analysed_at, analysed_at[-1]))
        wrong += bool((holm(last) <= ALPHA).any())
    what = f"family-wise type I error at {len(analysed_at)} interim analyses of {CLAIMS} true null claims"
    yield Figure(
        what, f"{analysed_at[0]} to {analysed_at[-1]} seeds, {shape}", wrong / experiments, experiments, high=ALPHA
    )


def _after_analyses(shape: Shape, experiments: int, analysed_at: tuple[int, ...]) -> Iterator[Figure]:
    """Error rate and coverage for a claim with a true difference at the margin, if seeds are added until a decision."""
    scenario = Scenario(analysed_at[-1], difference=0.5, margin=0.5, shape=shape)
    generator = _generator(scenario)
    verdicts = [verdict_after_analyses(scenario, analysed_at, generator) for _ in range(experiments)]
    equal = sum(verdict.verdict == "no practical difference" for verdict in verdicts)
    covered = sum(_covers(verdict, scenario.difference) for verdict in verdicts)
    where = f"{analysed_at[0]} to {analysed_at[-1]} seeds, {shape}"
    yield Figure(
        "false 'no practical difference' where seeds are added until the claim is decided, true difference at the"
        " margin, 0.5",
        where,
        equal / experiments,
        experiments,
        high=ALPHA,
    )
    yield Figure(
        "coverage of the 95 % interval where seeds are added until the claim is decided, true difference 0.5",
        where,
        covered / experiments,
        experiments,
        low=0.95,
    )


def simulated(jobs: Iterable[Job], processes: int) -> Iterator[list[Figure]]:
    """The figures of each job, in the order of the jobs, from this process or several other processes."""
    if processes == 1:
        yield from map(_figures_of, jobs)
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for each process, so that there is one thread per core
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_figures_of, jobs)


def _figures_of(job: Job) -> list[Figure]:
    return list(job())


def main(arguments: list[str] | None = None) -> int:
    """Print the figures as tables; returns 0 if all figures are within their bounds, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=2000, help="number of simulated experiments for each figure")
    parser.add_argument(
        "--only", choices=PARTS, action="append", metavar="PART", help=f"simulate only this part: {', '.join(PARTS)}"
    )
    parser.add_argument("--jobs", type=int, default=usable_cores(), help="number of processes")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables into this Markdown file")
    options = parser.parse_args(arguments)
    jobs = [
        (part, job)
        for part, of_part in PARTS.items()
        if not options.only or part in options.only
        for job in of_part(options.experiments)
    ]
    figures_by_part: dict[str, list[Figure]] = {part: [] for part, _ in jobs}
    for (part, _), of_job in zip(jobs, simulated((job for _, job in jobs), options.jobs), strict=True):
        figures_by_part[part] += of_job
        for figure in of_job:
            print(f"{figure.what}; {figure.scenario}: {cell(figure)}", file=sys.stderr, flush=True)
    tables = {part: in_markdown(of_part) for part, of_part in figures_by_part.items()}
    print("\n\n".join(tables.values()))
    for part, text in tables.items() if options.write else ():
        write_section(options.write, section_of(part), text)
    return 0 if all(figure.holds for of_part in figures_by_part.values() for figure in of_part) else 1


if __name__ == "__main__":
    sys.exit(main())
