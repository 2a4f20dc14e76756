"""Known truth: verdicts err as rarely as they say (the fast version of `python -m harness.analysis.error_rates`)."""

from __future__ import annotations

import numpy as np

from harness.analysis.claims import Paired
from harness.analysis.error_rates import Figure, figures
from harness.analysis.frame import to_frame
from harness.analysis.judge import judge
from harness.analysis.simulate import Scenario, simulated_records, simulated_verdicts, verdict_after_looks


def test_error_rates_and_coverage_are_within_their_bounds() -> None:
    found = list(figures(120, seeds=(5, 10), shapes=("normal", "skewed"), looks=(5, 10, 20)))
    broken = [figure for figure in found if not figure.holds]
    assert not broken
    power = {figure.scenario: figure.share for figure in found if "stands alone" in figure.what}
    assert power["10 seeds, 2"] > 0.9 > power["5 seeds, 2"] > 0.4


def test_a_figure_outside_its_bounds_is_told() -> None:
    assert not Figure("", "", share=0.2, experiments=1000, high=0.05).holds
    assert not Figure("", "", share=0.88, experiments=1000, low=0.93, high=0.97).holds
    assert Figure("", "", share=0.055, experiments=1000, high=0.05).holds


def test_seeds_added_until_a_claim_is_decided_err_as_rarely_as_promised() -> None:
    scenario, counts, experiments = Scenario(20, margin=0.05), (5, 10, 15, 20), 150
    generator = np.random.default_rng(8)
    verdicts = [verdict_after_looks(scenario, counts, generator) for _ in range(experiments)]
    wrong = [verdict for verdict in verdicts if verdict.verdict in ("supported", "contradicted")]
    assert len(wrong) / experiments <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / experiments)
    assert all(verdict.p_value <= 0.05 for verdict in wrong)
    assert all([look.n for look in verdict.looks] == [5, 10, 15, 20][: len(verdict.looks)] for verdict in verdicts)
    naive = sum(any(look.p_value <= 0.05 for look in verdict.looks) for verdict in verdicts)
    assert naive > len(wrong), "looking at each p by itself errs more often"


def test_simulated_trials_have_the_difference_and_the_correlation_asked_for() -> None:
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
