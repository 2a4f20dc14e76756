"""Probabilities of undecided claims, from the confidence distribution of the interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.verdicts.lean import Lean, _of_differences, _of_proportions
from harness.verdicts.proportions import difference_interval
from harness.verdicts.stats import estimate
from tests.verdicts.records import claim, evidence_of, paired, solving, trials, verdict_of

INF = np.inf


@pytest.mark.parametrize("n", [5, 9, 10, 14, 30])
def test_the_bounds_of_the_interval_are_quantiles_of_the_distribution(n: int) -> None:
    d = np.sort(np.random.default_rng(n).normal(0.3, 1, n))
    leaning, below = estimate(d), _of_differences(d)
    assert below(leaning.low) == pytest.approx(0.025, abs=0.002 if n > 10 else 0.01)
    assert below(leaning.high) == pytest.approx(0.975, abs=0.002 if n > 10 else 0.01)


def test_with_failures_the_distribution_is_that_of_the_median() -> None:
    d = np.sort(np.array([*np.random.default_rng(0).normal(0, 1, 12), INF, INF, INF]))
    leaning, below = estimate(d), _of_differences(d)
    assert below(leaning.low) < 0.025 < below(np.nextafter(leaning.low, INF)) < 0.06
    assert below(leaning.high) < 0.975 < 1
    assert below(1e9) < 1, "three of fifteen are infinite"


@pytest.mark.parametrize(("only_first", "only_second"), [(3, 1), (0, 4), (6, 6)])
def test_the_distribution_of_proportions_is_newcombes(only_first: int, only_second: int) -> None:
    first = np.array([1.0] * (4 + only_first) + [0.0] * (4 + only_second))
    second = np.array([1.0] * 4 + [0.0] * only_first + [1.0] * only_second + [0.0] * 4)
    low, high = difference_interval(first, second)
    below = _of_proportions(first, second)
    assert below(low) == pytest.approx(0.025, abs=1e-6)
    assert below(high) == pytest.approx(0.975, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=5, max_size=12), st.floats(0.01, 1))
def test_swapping_the_cells_swaps_the_probabilities(advantages: list[float], margin: float) -> None:
    records = trials(lambda seed: advantages[seed], seeds=len(advantages))
    verdict = verdict_of(records, paired(margin=margin))
    other = verdict_of(records, paired(margin=margin, better="lstm", than="gru"))
    leans = (verdict.lean_favour, verdict.lean_within, verdict.lean_against)
    if verdict.verdict != "undecided":
        assert leans == (None, None, None)
    elif verdict.lean_favour is not None:
        assert sum(share or 0.0 for share in leans) == pytest.approx(1)
        assert all(share is not None and 0 <= share <= 1 for share in leans)
        assert (other.lean_against, other.lean_within) == pytest.approx(
            (verdict.lean_favour, verdict.lean_within), abs=2e-3
        )


def test_an_undecided_verdict_has_the_probabilities() -> None:
    records = trials(lambda seed: 0.1 + 0.3 * (-1) ** seed, seeds=8)
    verdict = verdict_of(records, paired(margin=0.05))
    assert verdict.verdict == "undecided"
    assert verdict.lean_favour is not None
    assert verdict.lean_favour > 0.5 > (verdict.lean_within or 0)
    shares = evidence_of(records, paired(margin=0.05)).lean
    assert shares == Lean(verdict.lean_favour, verdict.lean_within or 0.0, verdict.lean_against or 0.0)
    solved = solving(lambda cell, length, seed: seed % 3 != (cell == "gru"))
    assert verdict_of(solved, claim(kind="proportion", margin=0.1)).lean_favour is not None


def test_one_seed_and_equal_differences_have_no_probabilities() -> None:
    assert verdict_of(trials(0.2, seeds=1), paired()).lean_favour is None
    assert Lean(0.2, 0.3, 0.5).favour == 0.2
