"""Tests of equivalence: against closed forms, brute force and samples whose mean is at the margin."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference

from harness.verdicts.equivalence import bounded_p, graded_p, in_two_clusters, median_p, solved_p, unseen
from harness.verdicts.power import seeds_for_equality
from harness.verdicts.proportions import difference_interval, estimate_solved
from harness.verdicts.stats import Levels, estimate
from tools.simulate_margin import AT_MARGIN, GRADED, verdict_at_margin, verdict_of_equal_cells

INF = float("inf")


def test_the_share_that_may_be_unseen_is_the_clopper_pearson_bound() -> None:
    assert [round(unseen(n, 0.05), 2) for n in (5, 10, 20, 59)] == [0.45, 0.26, 0.14, 0.05]
    assert unseen(5, 0.05) == pytest.approx(1 - 0.05 ** (1 / 5))
    assert unseen(10, 0.05, 2) == pytest.approx(reference.binomtest(2, 10).proportion_ci(0.9, "exact").high)
    assert unseen(3, 0.05, 3) == 1.0


@pytest.mark.parametrize("n", [5, 10, 40])
@pytest.mark.parametrize("sign", [1, -1])
def test_exponential_differences_at_the_margin_have_an_error_rate_of_5_percent(n: int, sign: int) -> None:
    generator = np.random.default_rng(n)
    samples = sign * (1 + 0.1 * (generator.exponential(size=(4000, n)) - 1))
    share = np.mean([graded_p(sample, 1.0) <= 0.05 for sample in samples])
    assert share == pytest.approx(0.05, abs=0.012)


def test_graded_p_is_at_least_that_of_two_one_sided_t_tests() -> None:
    generator = np.random.default_rng(0)
    for sample in generator.normal(0.02, 0.05, size=(20, 8)):
        worse = max(
            reference.ttest_1samp(sample, -0.1, alternative="greater").pvalue,
            reference.ttest_1samp(sample, 0.1, alternative="less").pvalue,
        )
        assert graded_p(sample, 0.1) >= worse * (1 - 1e-9)
    assert graded_p(np.zeros(1), 1.0) == 1.0
    assert graded_p(np.array([0.1, 0.2, 0.3, 0.2, 0.1]), 0.1) > 0.5, "the mean is beyond the margin"


def test_normal_differences_with_a_small_spread_keep_power() -> None:
    generator = np.random.default_rng(1)
    for n, spread, least in ((5, 0.25, 0.9), (10, 0.5, 0.8), (20, 0.8, 0.8)):
        samples = generator.normal(0, spread, size=(400, n))
        assert np.mean([graded_p(sample, 1.0) <= 0.05 for sample in samples]) > least


def test_equal_differences_need_enough_seeds_to_rule_out_a_share_of_5_percent() -> None:
    assert graded_p(np.zeros(58), 1.0) > 0.05 >= graded_p(np.zeros(59), 1.0)
    assert graded_p(np.ones(59), 1.0) == 1.0


def test_two_clusters_count_as_two_kinds_within_the_observed_range() -> None:
    together = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    apart = np.array([*[0.001 * k for k in range(39)], 1.0])
    assert not in_two_clusters(together)
    assert in_two_clusters(apart)
    assert not in_two_clusters(np.zeros(5))
    assert graded_p(apart, 0.1) == bounded_p(apart, 0.1, 1.0) > 0.05
    t = -(0.1 - apart.mean()) / (apart.std(ddof=1) / np.sqrt(40))
    assert reference.t.cdf(t, 39) < 0.05, "by Student's t alone they would be equivalent"


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=12), st.floats(0.05, 0.9))
def test_a_bet_against_a_bounded_mean_at_the_margin_has_no_expected_gain(values: list[float], mean: float) -> None:
    n = len(values)
    expected = sum(
        comb(n, ones) * mean**ones * (1 - mean) ** (n - ones) / max(bounded_p(_ones(ones, n), mean, 1.0), 1e-12)
        for ones in range(n + 1)
        if bounded_p(_ones(ones, n), mean, 1.0) < 1
    )
    assert expected <= 1 + 1e-9


def _ones(ones: int, n: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([1.0] * ones + [0.0] * (n - ones))


def test_bounded_p_needs_nearly_as_few_agreeing_pairs_as_any_test_can() -> None:
    for margin, possible, wanted in ((0.05, 59, 63), (0.1, 29, 31), (0.2, 14, 15)):
        assert (1 - margin) ** possible <= 0.05 < (1 - margin) ** (possible - 1)
        passing = [n for n in range(1, 80) if bounded_p(np.zeros(n), margin, 1.0) <= 0.05]
        assert passing == list(range(wanted, 80))
    assert bounded_p(np.zeros(5), 1.0, 1.0) == 0.0, "no difference can be as large as the margin"
    assert bounded_p(np.zeros(500), 0.1, INF) == bounded_p(np.array([]), 0.1, 1.0) == 1.0
    assert bounded_p(np.array([*np.zeros(40), INF]), 0.2, 1.0) == bounded_p(np.array([*np.zeros(40), 1.0]), 0.2, 1.0)


def test_the_exact_test_of_two_shares_has_its_level_at_every_share_of_discordant_pairs() -> None:
    margin = 0.2
    for n in (5, 12, 14, 20):
        rejected = [
            (first, second)
            for first, second in product(range(n + 1), repeat=2)
            if first + second <= n and solved_p(first, second, n, margin) <= 0.05
        ]
        for discordant in np.linspace(margin, 1, 37):
            chances = [(discordant + margin) / 2, (discordant - margin) / 2, 1 - discordant]
            size = sum(
                reference.multinomial.pmf([first, second, n - first - second], n, chances) for first, second in rejected
            )
            assert size <= 0.0505
    assert [solved_p(0, 0, n, margin) <= 0.05 for n in (13, 14, 40)] == [False, True, True]
    assert solved_p(3, 1, 40, margin) == solved_p(1, 3, 40, margin)
    assert solved_p(0, 0, 3, 1.0) == 0.0


def test_an_interval_within_the_margin_is_not_enough_for_two_shares() -> None:
    eleven = np.ones(11)
    low, high = difference_interval(eleven, eleven, 0.9)
    assert -0.2 < low < high < 0.2
    assert not estimate_solved(eleven, eleven, 0.2).equivalent, "by chance in 9 % of experiments"


def test_the_median_of_differences_with_failures_is_tested_by_signs() -> None:
    d = np.array([INF, *[0.01] * 19])
    assert median_p(d, 0.1) == pytest.approx(reference.binom.sf(18, 20, 0.5))


def test_five_agreeing_outcomes_of_two_kinds_are_not_equivalent() -> None:
    agree = np.array([0.001, -0.002, 0.0, 0.001, 0.0015])
    assert estimate(agree, 0.05).equivalent
    assert not estimate(agree, 0.05, reach=1.0).equivalent
    assert not estimate(agree, 0.05, reach=INF).equivalent
    many = np.tile(agree, 14)
    assert estimate(many, 0.05, reach=1.0).equivalent
    assert estimate(many, 0.05, Levels(0.999, 1e-6), reach=1.0).equivalent, "interim analyses need no correction here"


@pytest.mark.parametrize("shape", AT_MARGIN)
def test_the_error_rate_at_the_margin_is_nominal_for_every_shape(shape: str) -> None:
    generator, experiments = np.random.default_rng(3), 120
    for n in (5, 20):
        wrong = sum(
            verdict_at_margin(shape, n, generator).verdict == "no practical difference" for _ in range(experiments)
        )
        assert wrong / experiments <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / experiments)


def test_the_simulated_shapes_have_mean_0_and_their_spread() -> None:
    for name, draw in GRADED.items():
        values = draw(200_000, np.random.default_rng(0))
        assert values.mean() == pytest.approx(0, abs=0.06), name
        assert name.startswith("two levels") or values.std() == pytest.approx(1, abs=0.1), name


def test_equal_cells_with_small_differences_show_no_practical_difference() -> None:
    generator = np.random.default_rng(0)
    words = [verdict_of_equal_cells(0.2, 5, generator).verdict for _ in range(50)]
    assert words.count("no practical difference") > 40


def test_the_number_of_seeds_for_equality_is_the_one_at_which_it_is_found() -> None:
    generator = np.random.default_rng(2)
    standard = np.sort(generator.normal(size=8))
    standard = (standard - standard.mean()) / standard.std(ddof=1)
    wanted = seeds_for_equality(standard, 1.0)
    assert wanted is not None
    assert wanted > 8
    spread = np.arange(wanted) - (wanted - 1) / 2
    spread /= spread.std(ddof=1)
    assert graded_p(1.2 * spread, 1.0) > 0.05 > graded_p(0.9 * spread, 1.0)
    assert seeds_for_equality(100 * standard, 1.0) == 101, "or more"
    assert seeds_for_equality(100 * np.tile(standard, 20), 1.0) == 161, "or more; there are 160"
    assert seeds_for_equality(standard + 2, 1.0) is None
    assert seeds_for_equality(np.array([0.1, INF]), 1.0) is None


def test_bounded_p_of_thousands_of_pairs_is_zero_without_a_warning() -> None:
    assert bounded_p(np.zeros(5_000), 0.5, 1.0) < 1e-200
