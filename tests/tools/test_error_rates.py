"""Error rates of verdicts in simulations are nominal (a fast version of `python -m tools.error_rates`)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from harness.spec.claims import Paired
from harness.spec.trial import TrialSpec
from harness.store.frame import to_frame
from harness.store.record import PHASES, CurvePoint, Failure, Memory, Phase
from harness.verdicts.advantages import advantages, scale_of
from harness.verdicts.judge import judge
from harness.verdicts.pairs import PairingCounts
from harness.verdicts.stats import improvement
from tests.conftest import TESTS
from tools import error_rates
from tools.error_rates import CROSSINGS, PARTS, SHAPES, equality_figures, figures, section_of, simulated, step_figures
from tools.error_tables import Figure, in_markdown
from tools.sections import begin, end
from tools.simulate import (
    Scenario,
    Shape,
    _noise,
    simulated_outcomes,
    simulated_record,
    simulated_records,
    simulated_verdicts,
    verdict_after_analyses,
)
from tools.simulate_kinds import KINDS
from tools.simulate_margin import verdict_at_margin
from tools.simulate_steps import verdict_of_times


@pytest.mark.parametrize(
    ("shape", "far", "skewed"), [("normal", 0, 0), ("heavy tails", 0.0032, 0), ("skewed", 0.0058, 1)]
)
def test_simulated_noise_has_its_spread_tails_and_skewness(shape: Shape, far: float, skewed: bool) -> None:
    noise = _noise(shape, 400_000, np.random.default_rng(0))
    assert (noise.mean(), noise.std()) == (pytest.approx(0, abs=0.01), pytest.approx(1, abs=0.1))
    assert (np.abs(noise) > 5).mean() == pytest.approx(far, abs=5e-4)
    low, middle, high = np.quantile(noise, [0.25, 0.5, 0.75])
    assert (high - middle > 1.5 * (middle - low)) == bool(skewed)


def of(jobs: Iterable[error_rates.Job]) -> list[Figure]:
    return [figure for rates in simulated(jobs, 1) for figure in rates]


def test_error_rates_and_coverage_are_within_their_bounds() -> None:
    rates = of(figures(120, seeds=(5, 10), shapes=("normal", "skewed"), analysed_at=(5, 10, 20)))
    broken = [figure for figure in rates if not figure.holds]
    assert not broken
    power = {figure.scenario: figure.share for figure in rates if "single claim" in figure.what}
    assert power["10 seeds, 2"] > 0.9 > power["5 seeds, 2"] > 0.4


def test_error_rates_of_times_that_are_known_to_within_a_step_are_within_their_bounds() -> None:
    rates = of(step_figures(60, seeds=(5, 40), steps=(1, 30)))
    assert not [figure for figure in rates if not figure.holds]
    assert len(rates) == 12
    generator = np.random.default_rng(0)
    exact, coarse = (verdict_of_times(step, 40, generator, spread=0.02) for step in (1, 30))
    assert (exact.verdict, coarse.verdict) == ("no practical difference", "undecided")
    apart = verdict_of_times(10, 40, generator, ratio=2.0)
    assert apart.verdict == "supported"


def test_a_figure_outside_its_bounds_is_detected() -> None:
    assert not Figure("", "", share=0.2, experiments=1000, high=0.05).holds
    assert not Figure("", "", share=0.88, experiments=1000, low=0.93, high=0.97).holds
    assert Figure("", "", share=0.055, experiments=1000, high=0.05).holds


def test_the_error_rate_is_nominal_if_seeds_are_added_until_a_decision() -> None:
    scenario, counts, experiments = Scenario(20, margin=0.05), (5, 10, 15, 20), 150
    generator = np.random.default_rng(8)
    verdicts = [verdict_after_analyses(scenario, counts, generator) for _ in range(experiments)]
    wrong = [verdict for verdict in verdicts if verdict.verdict in ("supported", "contradicted")]
    assert len(wrong) / experiments <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / experiments)
    assert all(verdict.p_value <= 0.05 for verdict in wrong)
    for verdict in verdicts:
        analyses = verdict.interim_analyses
        assert [analysis.n for analysis in analyses] == [5, 10, 15, 20][: len(analyses)]
    naive = sum(any(analysis.p_value <= 0.05 for analysis in verdict.interim_analyses) for verdict in verdicts)
    assert naive > len(wrong), "unadjusted p-values have a higher error rate"


def test_a_share_may_miss_its_bounds_by_three_standard_errors_of_a_share_at_the_bound() -> None:
    def holds(share: float, low: float = 0.0, high: float = 1.0) -> bool:
        return Figure("a", "5 seeds, normal", share, 100, low, high).holds

    assert holds(1.0, 0.93, 0.97), "of 100 that all cover, as 97 % do in one of twenty times"
    assert not holds(0.84, 0.93, 0.97)
    assert holds(0.11, high=0.05)
    assert not holds(0.12, high=0.05)


def test_simulated_trials_have_the_given_difference_and_correlation() -> None:
    generator = np.random.default_rng(0)
    scenario = Scenario(4000, difference=1.5, correlation=0.8)
    frame = to_frame(simulated_records(scenario, generator)).pivot(index="seed", columns="cell", values="test_loss")
    assert abs((frame["lstm"] - frame["gru"]).mean() - 1.5) < 0.1
    assert abs(frame.corr().loc["gru", "lstm"] - 0.8) < 0.03
    failing = to_frame(simulated_records(Scenario(1000, failures=0.2), generator))
    assert 0.15 < (failing["status"] == "diverged").mean() < 0.25


def test_records_and_pairs_give_the_same_verdict() -> None:
    scenario = Scenario(9, difference=0.8, failures=0.1)
    by_pairs = simulated_verdicts(scenario, 1, np.random.default_rng(5))[0]
    frame = to_frame(simulated_records(scenario, np.random.default_rng(5)))
    claim = Paired(
        id="claim-0", claim="GRUs reach a lower loss than LSTMs.", kind="paired", better="gru", than="lstm",
        on="test_loss", margin=1.0,
    )  # fmt: skip
    by_records = judge([claim], frame)[0]
    assert by_pairs.reason == by_records.reason
    assert (by_pairs.effect, by_pairs.ci_low, by_pairs.p_value) == (
        by_records.effect, by_records.ci_low, by_records.p_value,
    )  # fmt: skip


def test_every_figure_has_its_bounds() -> None:
    rates = of(figures(4, seeds=(5,), shapes=("skewed",), analysed_at=(5, 10)))
    promised = {
        "family-wise type I error with 10 true null claims": (0.0, 0.05),
        "coverage of the 95 % interval, true difference 0.7": (0.93, 0.97),
        "false 'no practical difference', true difference at the margin, 0.5": (0.0, 0.05),
        "power for a single claim": (0.0, 1.0),
        "type I error of a claim of another kind": (0.0, 0.05),
        "coverage of the 95 % interval of a claim of another kind": (0.93, 1.0),
        "at 2 interim analyses of 10 true null claims": (0.0, 0.05),
        "false 'no practical difference' where seeds are added": (0.0, 0.05),
        "coverage of the 95 % interval where seeds are added": (0.95, 1.0),
    }
    for what, bounds in promised.items():
        assert {(f.low, f.high, f.experiments) for f in rates if what in f.what} == {(*bounds, 4)}, what
    assert len(rates) == 3 + 1 + 3 + 2 * len(KINDS) + 2 * len(CROSSINGS) + 1 + 2
    assert {f.scenario for f in rates if "interim analyses" in f.what or "are added" in f.what} == {
        "5 to 10 seeds, skewed"
    }
    assert [f.scenario for f in rates if "power for a single" in f.what] == ["5 seeds, 0.5", "5 seeds, 1", "5 seeds, 2"]


def test_figures_of_equality_are_of_each_shape_and_of_equal_cells() -> None:
    rates = of(equality_figures(30, seeds=(5, 8), shapes=("normal", "horizon"), analysed_at=(5, 10)))
    graded, other, equal = rates[:3], rates[3:6], rates[6:]
    for shape, of_shape in (("normal", graded), ("horizon", other)):
        rows = [f"5 seeds, {shape}", f"8 seeds, {shape}", f"5 to 10 seeds in 2 analyses, {shape}"]
        assert [figure.scenario for figure in of_shape] == rows
        assert {(figure.low, figure.high) for figure in of_shape} == {(0.0, 0.05)}
    assert "graded outcomes" in graded[0].what
    assert "two kinds" in other[0].what
    assert all(figure.holds for figure in rates)
    power = {figure.scenario: figure.share for figure in equal}
    assert power["8 seeds, 0.1 margins"] == 1.0
    assert power["5 seeds, 0.8 margins"] < power["8 seeds, 0.3 margins"]
    assert {(figure.low, figure.high) for figure in equal} == {(0.0, 1.0)}


def test_interim_analyses_of_a_shape_are_judged_together() -> None:
    generator = np.random.default_rng(0)
    verdict = verdict_at_margin("normal", 20, generator, (5, 10, 20))
    assert [analysis.n for analysis in verdict.interim_analyses] == [5, 10, 20]
    assert verdict.most_seeds == 20


FIGURES = [
    Figure("rate of errors", "5 seeds, normal", 0.04, 1000, high=0.05),
    Figure("rate of errors", "5 seeds, skewed", 0.2, 1000, high=0.05),
    Figure("rate of errors", "8 seeds, normal", 0.051, 1000, high=0.05),
    Figure("coverage", "5 seeds, normal", 0.95, 1000, low=0.93, high=0.97),
    Figure("coverage of shares", "5 seeds, normal, in pairs", 0.96, 1000, low=0.93),
    Figure("power", "5 seeds, 2", 0.5, 1000),
]
TABLES = """\
Each figure is a share of 1,000 simulated experiments. The standard error of a figure of 5 % is 0.7 percentage points.

Rate of errors (nominal 5 %):

| | normal | skewed |
|---|---|---|
| 5 seeds | 4.0 % | 20.0 % OUTSIDE |
| 8 seeds | 5.1 % |  |

Coverage (nominal 93 % to 97 %):

| | normal |
|---|---|
| 5 seeds | 95.0 % |

Coverage of shares (nominal 93 % or more):

| | normal, in pairs |
|---|---|
| 5 seeds | 96.0 % |

Power:

| | 2 |
|---|---|
| 5 seeds | 50.0 % |"""


def test_the_command_prints_and_writes_tables_and_fails_outside_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def part(experiments: int) -> list[partial[list[Figure]]]:
        asked.append(experiments)
        return [partial(list, FIGURES[:2]), partial(list, FIGURES[2:])]

    monkeypatch.setattr(error_rates, "PARTS", {"one": part, "other": lambda experiments: [partial(list, FIGURES[2:3])]})
    document = tmp_path / "method.md"
    sections = "\n".join(f"{begin(section_of(name))}\nold\n{end(section_of(name))}" for name in ("one", "other"))
    document.write_text(f"before\n{sections}\nafter\n", encoding="utf-8")
    assert error_rates.main(["--experiments", "7", "--jobs", "1", "--write", str(document)]) == 1
    output = capsys.readouterr()
    other = in_markdown(FIGURES[2:3])
    assert output.out == f"{TABLES}\n\n{other}\n"
    assert "rate of errors; 5 seeds, skewed: 20.0 % OUTSIDE\n" in output.err
    parts = [f"{begin(section_of(name))}\n\n{text}\n\n{end(section_of(name))}" for name, text in
             (("one", TABLES), ("other", other))]  # fmt: skip
    assert document.read_text(encoding="utf-8") == "before\n{}\n{}\nafter\n".format(*parts)
    del FIGURES[1]
    assert error_rates.main(["--jobs", "1"]) == 0
    assert asked == [7, 2000]
    document.write_text(sections, encoding="utf-8")
    assert error_rates.main(["--jobs", "1", "--only", "other", "--write", str(document)]) == 0
    assert asked == [7, 2000], "without the other figures"
    assert document.read_text(encoding="utf-8").count("old") == 1, "the other section stays"


def test_every_part_has_a_section_of_the_page() -> None:
    page = (TESTS.parent / "docs" / "error-rates.md").read_text(encoding="utf-8")
    for part in PARTS:
        assert page.count(begin(section_of(part))) == page.count(end(section_of(part))) == 1


def test_figures_of_unequal_numbers_of_experiments_share_no_table() -> None:
    with pytest.raises(ValueError):
        in_markdown([Figure("", "5 seeds, normal", 0.05, experiments, high=0.05) for experiments in (100, 200)])


def test_the_figures_do_not_depend_on_the_number_of_processes() -> None:
    jobs = list(step_figures(5, seeds=(5,), steps=(1, 10)))
    assert list(simulated(jobs, 2)) == list(simulated(jobs, 1))


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_of_every_shape_has_mean_0_and_standard_deviation_1(shape: Shape) -> None:
    better, than = simulated_outcomes(Scenario(200_000, shape=shape, correlation=0.0), np.random.default_rng(0))
    for losses in (better, than):
        assert losses.mean() == pytest.approx(10, abs=0.02)
        assert losses.std() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("kind", ["paired, in 4 conditions", "trend"])
def test_simulated_cells_share_half_of_their_variance_over_seeds(kind: str) -> None:
    _, paired_trials, _ = KINDS[kind](4000, np.random.default_rng(0))
    better, than = (
        (side if side.ndim == 1 else side[:, 0])
        for side in (paired_trials.conditions[0].better, paired_trials.conditions[0].than)
    )
    assert better.std() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(better, than)[0, 1] == pytest.approx(0.5, abs=0.05)


def test_in_every_kind_neither_cell_is_better() -> None:
    for kind, simulation in KINDS.items():
        claim, paired_trials, outcome = simulation(3000, np.random.default_rng(1))
        scale = scale_of(claim, paired_trials.conditions, outcome)
        assert (paired_trials.counts, paired_trials.scope) == (PairingCounts(), {})
        for pairs in paired_trials.conditions:
            assert improvement(advantages(claim, pairs, outcome, scale).values) == pytest.approx(0.5, abs=0.03), kind


def test_a_simulated_record_has_the_spec_of_a_trial_and_no_scores_where_it_failed() -> None:
    record = simulated_record("gru", 3, 1.5, units=8, status="diverged", curve=[(10, 2.0)])
    spec = TrialSpec.model_validate(record["spec"])
    assert spec.model_dump(mode="json") == record["spec"]
    assert (spec.id(), spec.reference_units, spec.seed) == (record["trial_id"], 8, 3)
    assert (record["train"], record["validation"], record["test"]) == ({}, {}, {})
    assert Failure.model_validate(record["failure"]).message == "simulated"
    assert [CurvePoint.model_validate(point).seconds for point in record["curve"]] == [pytest.approx(0.1)]
    assert simulated_record("gru", 3, 1.5)["failure"] is None
    assert {name: Phase.model_validate(phase) for name, phase in record["phases"].items()}.keys() <= set(PHASES)
    assert Memory.model_validate(record["memory"]).peak_bytes == 2_000_000
