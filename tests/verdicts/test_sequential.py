"""Interim analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.store.interim import InterimAnalysis
from harness.verdicts.sequential import nominal_levels, sequential_p, spent, with_interim_analyses
from harness.verdicts.stats import Levels, estimate

COUNTS = (5, 10, 15, 20, 25, 30, 35, 40)


def test_levels_are_those_of_lan_and_demets() -> None:
    # Pocock-type spending, five equal analyses: z = 2.438, 2.427, 2.410, 2.397, 2.386 (Lan and DeMets; R's ldbounds).
    levels = nominal_levels((10, 20, 30, 40, 50), 50)
    assert levels == pytest.approx((0.01477, 0.01523, 0.01594, 0.01655, 0.01703), abs=1e-5)


def test_a_single_final_analysis_is_an_ordinary_test() -> None:
    assert nominal_levels((30,), 30) == pytest.approx((0.05,), abs=1e-9)
    assert sequential_p([0.02], [30], 30) == pytest.approx(0.02, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8, unique=True))
def test_analyses_may_come_at_any_seed_count(counts: list[int]) -> None:
    ascending = tuple(sorted(counts))
    levels = nominal_levels(ascending, 60)
    assert all(0 < level <= 0.05 + 1e-9 for level in levels)
    assert sum(levels) >= spent(ascending[-1] / 60) - 1e-6  # the union bound is never beaten from below


def test_the_level_is_zero_beyond_the_maximum_number_of_seeds() -> None:
    assert nominal_levels((10, 20), 15)[1] == 0
    assert sequential_p([0.5, 1e-9], [10, 20], 15) == sequential_p([0.5], [10], 15)


def test_an_early_difference_is_kept_with_an_adjusted_p_value() -> None:
    early = sequential_p([0.0005, 0.6], [5, 10], 40)
    assert 0.0005 < early < 0.05
    assert sequential_p([0.6, 0.0005], [5, 10], 40) < 0.05
    assert sequential_p([0.03, 0.03], [5, 10], 40) > 0.05


def path(differences: np.ndarray, counts: Sequence[int], most: int) -> tuple[InterimAnalysis, ...]:
    return with_interim_analyses(lambda n, levels: estimate(differences[:n], 0.5, levels), counts, most)[1]


def test_the_path_shows_each_analysis() -> None:
    d = np.random.default_rng(4).normal(0.9, 1, size=23)
    seen = path(d, COUNTS[:4], 40)
    assert [analysis.n for analysis in seen] == [5, 10, 15, 20]
    assert all(analysis.low < analysis.effect < analysis.high for analysis in seen)
    assert seen[-1].p_sequential <= seen[0].p_sequential
    assert seen[-1].high - seen[-1].low < seen[0].high - seen[0].low


def test_the_estimate_after_analyses_is_the_last_one_adjusted_for_all() -> None:
    d = np.random.default_rng(4).normal(0.9, 1, size=20)
    once = estimate(d, 0.5)
    after, seen = with_interim_analyses(lambda n, levels: estimate(d[:n], 0.5, levels), (5, 10, 15, 20), 40)
    assert (after.n, after.effect) == (20, once.effect)
    assert after.low < once.low
    assert after.high > once.high
    assert after.p_value == seen[-1].p_sequential > once.p_value


def test_equivalence_is_tested_at_adjusted_levels_too() -> None:
    asked: list[Levels] = []
    with_interim_analyses(
        lambda n, levels: asked.append(levels) or estimate(np.arange(n) % 3 - 1.0, 9.0, levels), COUNTS, 40
    )
    each_side = [levels.equivalence for levels in asked]
    assert all(level < 0.05 for level in each_side)
    assert sum(each_side) >= 0.05
    assert [1 - levels.confidence for levels in asked] == pytest.approx(nominal_levels(COUNTS, 40))


def test_equivalence_that_an_analysis_has_found_stays() -> None:
    analysed = with_interim_analyses(
        lambda n, levels: replace(estimate(np.arange(n) % 3 - 1.0, 9.0), equivalent=n == 5), (5, 10), 40
    )[0]
    assert analysed.equivalent


def test_the_type_i_error_of_repeated_tests_is_nominal() -> None:
    generator = np.random.default_rng(11)
    experiments = 300
    adjusted, naive = 0, 0
    for _ in range(experiments):
        seen = path(generator.normal(size=40), COUNTS, 40)
        adjusted += any(analysis.p_sequential <= 0.05 for analysis in seen)
        naive += any(analysis.p_value <= 0.05 for analysis in seen)
        assert (seen[-1].p_sequential <= 0.05) == any(analysis.p_sequential <= 0.05 for analysis in seen)
    assert adjusted / experiments <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / experiments)
    assert naive / experiments > 0.1  # which is what it is there to prevent
