"""The statistics of paired differences: against closed forms, brute force and known truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference

from harness.verdicts import stats
from harness.verdicts.power import power_of_t, seeds_for_difference, seeds_for_proportion
from harness.verdicts.proportions import (
    difference_interval,
    estimate_solved,
    estimate_solved_shares,
    mcnemar_p,
    wilson_interval,
)
from harness.verdicts.trends import page_p

INF = float("inf")
finite = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
differences = st.lists(finite, min_size=0, max_size=16)
with_failures = st.lists(st.one_of(finite, st.sampled_from([INF, -INF, 0.0])), min_size=0, max_size=16)


@given(with_failures, st.randoms())
def test_the_order_of_the_differences_does_not_matter(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert repr(stats.estimate(values, 1.0)) == repr(stats.estimate(shuffled, 1.0))


@given(with_failures.filter(lambda values: len(values) <= stats.EXACT_UP_TO))  # beyond, sign patterns are random
def test_swapping_the_cells_reverses_the_estimate(values: list[float]) -> None:
    forth, back = stats.estimate(values, 1.0), stats.estimate([-value for value in values], 1.0)
    assert forth.p_value == pytest.approx(back.p_value, rel=1e-6)
    assert forth.equivalent == back.equivalent
    scale = max([abs(value) for value in values if np.isfinite(value)], default=1.0) + 1e-9
    for one, other in ((forth.effect, -back.effect), (forth.low, -back.high), (forth.high, -back.low)):
        assert one == other or abs(one - other) < 1e-9 * scale or (np.isnan(one) and np.isnan(other))


@given(with_failures)
def test_an_estimate_is_always_defined(values: list[float]) -> None:
    result = stats.estimate(values, 0.5)
    assert result.n == len(values)
    assert 0 <= result.p_value <= 1
    if values:
        assert result.low <= result.effect <= result.high or np.isclose(result.low, result.high)


def test_no_value_one_value_and_equal_values_are_defined() -> None:
    nothing = stats.estimate([], 1.0)
    assert np.isnan(nothing.effect)
    assert (nothing.p_value, nothing.equivalent) == (1.0, False)
    one = stats.estimate([3.0], 1.0)
    assert (one.effect, one.low, one.high, one.p_value, one.equivalent) == (3.0, -INF, INF, 1.0, False)
    equal = stats.estimate([0.5] * 6, 1.0)
    assert (equal.effect, equal.low, equal.high) == (0.5, 0.5, 0.5)
    assert equal.p_value == 2 / 2**6
    assert not equal.equivalent
    assert stats.estimate([0.5] * 59, 1.0).equivalent
    zero = stats.estimate([0.0] * 6, 1.0)
    assert zero.p_value == 1.0
    assert not zero.equivalent


def test_differences_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="failed trial"):
        stats.estimate([1.0, float("nan")])


def test_small_samples_use_students_t() -> None:
    d = np.array([0.3, -0.1, 0.4, 0.2, 0.5])
    result = stats.estimate(d)
    t = reference.ttest_1samp(d, 0)
    interval = t.confidence_interval(0.95)
    assert result.p_value == pytest.approx(t.pvalue)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))


def test_sign_flips_are_those_of_brute_force() -> None:
    d = np.array([0.9, -0.2, 0.4, 0.35, 0.1, -0.6, 0.8, 0.05, 0.5, 0.7])
    sums = [abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in product((1, -1), repeat=len(d))]
    assert stats.sign_flip_p(d) == pytest.approx(np.mean(np.array(sums) >= abs(d.sum()) - 1e-12))


@given(st.lists(finite, min_size=10, max_size=18))
def test_the_sign_flip_interval_is_the_inverted_test(values: list[float]) -> None:
    d = np.sort(np.array(values)) + 1e-4 * np.arange(len(values))  # no ties
    low, high = stats.sign_flip_interval(d)
    width = max(high - low, 1e-6)
    assert stats.sign_flip_p(d - (low - 0.01 * width)) <= 0.05
    assert stats.sign_flip_p(d - (high + 0.01 * width)) <= 0.05
    assert stats.sign_flip_p(d - (low + 0.01 * width)) > 0.045
    assert stats.sign_flip_p(d - (high - 0.01 * width)) > 0.045


def test_bootstrap_intervals_follow_the_skew_and_are_wider_than_the_plain_ones() -> None:
    d = np.random.default_rng(1).exponential(size=12)
    low, high = stats.bca_interval(d)
    plain = reference.bootstrap((d,), np.mean, rng=np.random.default_rng(2)).confidence_interval
    assert high - d.mean() > d.mean() - low
    assert 1.05 < (high - low) / (plain.high - plain.low) < 1.4, "Hesterberg's levels make up for n - 1 and t"
    assert stats.bca_interval(np.full(12, 0.1)) == pytest.approx((0.1, 0.1))


def test_failures_are_outcomes() -> None:
    ten = [0.1] * 2 + [INF] * 8
    result = stats.estimate(ten, 1.0)
    assert (result.effect, result.low, result.high) == (INF, 0.1, INF)
    assert result.p_value == 2 / 2**10
    assert not result.equivalent
    few = stats.estimate([0.2, 0.3, 0.25, 0.3, INF])
    assert few.effect == pytest.approx((0.2 + 0.3 + 0.25 + 0.3 + 0.45) / 5)
    assert few.p_value > stats.estimate([0.2, 0.3, 0.25, 0.3, 0.3]).p_value
    assert stats.estimate([-INF, INF]).effect == 0


def test_the_median_interval_is_between_order_statistics() -> None:
    d = np.arange(1.0, 11.0)
    assert stats.median_interval(d) == (2.0, 9.0)  # 97.9 %, the first above 95 %
    assert stats.median_interval(d[:5]) == (-INF, INF)


def test_holm_agrees_with_the_textbook() -> None:
    assert list(stats.holm([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert list(stats.holm([])) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_value_and_is_at_most_bonferronis(p_values: list[float]) -> None:
    adjusted = stats.holm(p_values)
    for p, corrected in zip(p_values, adjusted, strict=True):
        assert p <= corrected <= min(1, len(p_values) * p) + 1e-12


def test_interquartile_means_and_improvement() -> None:
    assert stats.interquartile_mean([np.array([1.0, 2, 3, 100])])[0] == 2.5
    assert stats.improvement([1, 1, 0, -1]) == 0.625
    mean, low, high = stats.interquartile_mean([np.array([1, 2, 3, 4]), np.array([1.5, 2.5, 3.5, 9])])
    assert low < mean < high
    assert mean == reference.trim_mean([1, 2, 3, 4, 1.5, 2.5, 3.5, 9], 0.25)
    assert (mean, low, high) == stats.interquartile_mean([np.array([4, 3, 2, 1]), np.array([9, 1.5, 2.5, 3.5])])


def test_the_interquartile_interval_is_that_of_a_bootstrap_within_groups() -> None:
    groups = [np.sort(np.random.default_rng(n).normal(size=n)) for n in (5, 8)]

    def mean(*samples: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(reference.trim_mean(np.concatenate(samples, axis=axis), 0.25, axis=axis))

    drawn = reference.bootstrap(groups, mean, n_resamples=2_000, method="percentile", rng=stats.SEED)
    assert stats.interquartile_mean(groups)[1:] == pytest.approx(tuple(drawn.confidence_interval))


def test_without_a_margin_or_with_one_seed_nothing_is_equivalent() -> None:
    assert not stats.estimate(np.arange(8.0) / 1000).equivalent
    assert not stats.estimate([0.0], 1.0).equivalent


def test_proportions_agree_with_the_textbook() -> None:
    low, high = wilson_interval(8, 10)
    expected = reference.binomtest(8, 10).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert mcnemar_p(8, 1) == pytest.approx(reference.binomtest(1, 9).pvalue)
    assert mcnemar_p(0, 0) == 1.0


def test_the_interval_of_paired_proportions_is_newcombes() -> None:
    # Newcombe 1998, Statistics in Medicine 17:2635, table II, method 10: 36 both, 12 and 2 discordant, 0 neither.
    first = np.array([1.0] * 48 + [0.0] * 2)
    second = np.array([1.0] * 36 + [0.0] * 12 + [1.0] * 2)
    assert difference_interval(first, second) == pytest.approx((0.0569, 0.3404), abs=2e-4)


def test_equality_of_two_solved_shares_requires_enough_seeds() -> None:
    few, many = np.ones(5), np.ones(40)
    assert not estimate_solved(few, few, 0.2).equivalent
    assert estimate_solved(many, many, 0.2).equivalent
    assert estimate_solved(np.ones(10), np.zeros(10), 0.2).p_value == 2 / 2**10


def test_a_trend_is_pages() -> None:
    rising = np.array([[1, 2, 3, 4], [1, 3, 2, 4], [1, 2, 3, 4], [2, 1, 3, 4]], dtype=float)
    expected = reference.page_trend_test(rising, method="exact").pvalue
    assert page_p(rising) == pytest.approx(2 * expected)
    assert page_p(-rising) == pytest.approx(2 * expected)
    assert page_p(np.ones((5, 4))) == page_p(rising[:1]) == 1.0, "one seed has no rank order to test"
    assert page_p(rising[:, :2]) == 1.0
    assert page_p(np.where(rising == 4, INF, rising)) == pytest.approx(2 * expected)


def test_the_advised_number_of_seeds_has_80_percent_power() -> None:
    d = np.random.default_rng(0).normal(size=12)
    needed = seeds_for_difference(d, 0.5)
    assert needed is not None
    assert power_of_t(0.5 / d.std(ddof=1), needed) >= 0.8 > power_of_t(0.5 / d.std(ddof=1), needed - 1)
    assert power_of_t(0.5, 34) == pytest.approx(0.8078, abs=1e-3)  # the textbook's 34 pairs for half a deviation
    assert seeds_for_difference(d, 5.0) == 5, "fewer than there are"
    assert seeds_for_difference(d, 1e-9) == 101, "or more"
    assert seeds_for_difference(np.tile(d, 20), 1e-9) == 241, "or more; there are 240"
    assert seeds_for_difference(d[:1], 0.5) is None
    assert seeds_for_difference(np.ones(8), 0.5) is None


def test_the_advised_number_of_seeds_for_proportions_and_failures() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(2, size=(2, 200)).astype(float)
    needed = seeds_for_proportion(first, second, 0.2)
    assert needed is not None
    assert 80 <= needed <= 201  # discordant half of the time: about 97 by Connor's formula, more than there are
    assert seeds_for_difference(np.array([0.1, 0.2, 0.3, 0.4, INF]), 0.1) is not None
    assert seeds_for_difference(np.array([INF, INF, -INF, 0.0]), 0.1) is None


def test_signed_ranks_leave_zeros_out_and_share_ties() -> None:
    d = np.array([0.0, 1.0, 1.0, -2.0, 3.0, 4.0, 0.0, 5.0, -1.0])
    signs = np.array(list(product((1, -1), repeat=7)))
    ranks = reference.rankdata(np.abs(d[d != 0]))
    observed = abs((np.sign(d[d != 0]) * ranks).sum())
    assert stats.signed_rank_p(d) == pytest.approx(np.mean(np.abs(signs @ ranks) >= observed))
    assert stats.signed_rank_p(np.zeros(4)) == 1.0


@pytest.mark.parametrize("solved", range(11))
def test_wilsons_interval_is_scipys_at_every_count(solved: int) -> None:
    for confidence in (0.8, 0.95):
        expected = reference.binomtest(solved, 10).proportion_ci(confidence, method="wilson")
        actual = wilson_interval(solved, 10, confidence)
        assert actual == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert 0 <= actual[0] <= solved / 10 <= actual[1] <= 1


@pytest.mark.parametrize(("effect", "n"), [(0.5, 34), (0.2, 5), (1.0, 8), (3.0, 6), (0.01, 20)])
def test_the_power_is_that_of_the_noncentral_t(effect: float, n: int) -> None:
    critical, shift = reference.t.ppf(0.975, n - 1), effect * np.sqrt(n)
    expected = reference.nct.sf(critical, n - 1, shift) + reference.nct.cdf(-critical, n - 1, shift)
    assert power_of_t(effect, n) == power_of_t(-effect, n) == pytest.approx(expected, abs=2e-6)


def test_the_advised_number_of_seeds_for_proportions_is_connors() -> None:
    first, second = np.array([1.0] * 11 + [0.0] * 9), np.array([0.0] * 9 + [1.0] * 11)  # 18 of 20 discordant
    discordant, margin = 19 / 22, 0.4
    for alpha in (0.05, 0.01):
        z, power = reference.norm.ppf(1 - alpha / 2), reference.norm.ppf(0.8)
        connor = (z * np.sqrt(discordant) + power * np.sqrt(discordant - margin**2)) ** 2 / margin**2
        assert seeds_for_proportion(first, second, margin, alpha) == int(np.ceil(connor))
    assert seeds_for_proportion(np.ones(3), np.ones(3), 0.9) == 6, "as many as the margin calls for"
    assert seeds_for_proportion(np.ones(20), np.ones(20), 0.9) == 6, "fewer than there are"
    assert seeds_for_proportion(first, second, 0.01) == 101, "or more"
    assert seeds_for_proportion(np.tile(first, 10), np.tile(second, 10), 0.01) == 201, "or more; there are 200"


def test_the_spread_with_failures_is_that_of_the_quartiles() -> None:
    d = np.array([-INF, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, INF])
    low, high = np.quantile(d, [0.25, 0.75], method="closest_observation")
    needed = seeds_for_difference(d, 0.2)
    assert needed is not None
    effect = 0.2 * 1.349 / (high - low)
    assert power_of_t(effect, needed) >= 0.8 > power_of_t(effect, needed - 1)


def test_swapping_the_cells_mirrors_the_interval_of_paired_proportions() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        first, second = rng.integers(2, size=(2, 12)).astype(float)
        low, high = difference_interval(first, second)
        assert -1 <= low <= first.mean() - second.mean() <= high <= 1
        assert difference_interval(second, first) == pytest.approx((-high, -low))
        narrow = difference_interval(first, second, 0.5)
        assert low < narrow[0] < narrow[1] < high


def test_shares_of_several_conditions_are_tested_by_seed() -> None:
    first, second = np.array([1.0, 1.0, 2 / 3, 1.0, 1 / 3, 1.0]), np.array([0.0, 1 / 3, 1 / 3, 0.0, 0.0, 2 / 3])
    actual = estimate_solved_shares(first, second, 0.2)
    assert actual.p_value == pytest.approx(reference.ttest_1samp(first - second, 0).pvalue)
    assert (actual.low, actual.high) == difference_interval(first, second)
    assert actual.effect == pytest.approx((first - second).mean())
    assert actual.n == 6


def test_a_long_trend_is_pages_by_the_normal_approximation() -> None:
    values = np.random.default_rng(0).normal(size=(13, 4)) + 0.3 * np.arange(4)
    upward = reference.page_trend_test(values, method="asymptotic").pvalue
    assert page_p(values) == pytest.approx(2 * upward)
    assert page_p(values[:12]) == pytest.approx(2 * reference.page_trend_test(values[:12], method="exact").pvalue)
    assert page_p(values[:0]) == 1.0
