"""Witten-Bell n-grams: probabilities that sum to one, leave nothing impossible and agree with a sum by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.text.ngrams import fit, likeliest, probabilities

SYMBOLS = 4
tokens = st.lists(st.integers(0, SYMBOLS - 1), min_size=3, max_size=40).map(np.array)


def distributions(training: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Every context there can be, and p(. | context) of each."""
    model = fit(training, SYMBOLS, order)
    contexts = np.array(list(product(range(SYMBOLS), repeat=order - 1))).reshape(SYMBOLS ** (order - 1), order - 1)
    columns = [probabilities(model, contexts, np.full(len(contexts), symbol), SYMBOLS) for symbol in range(SYMBOLS)]
    return contexts, np.stack(columns, axis=1)


@settings(max_examples=60, deadline=None)
@given(training=tokens, order=st.integers(1, 3))
def test_probabilities_sum_to_one_after_every_context_and_are_never_zero(training: np.ndarray, order: int) -> None:
    _, p = distributions(training, order)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert p.min() > 0


@settings(max_examples=60, deadline=None)
@given(training=tokens, order=st.integers(1, 3))
def test_the_likeliest_token_has_the_greatest_probability(training: np.ndarray, order: int) -> None:
    contexts, p = distributions(training, order)
    best = likeliest(fit(training, SYMBOLS, order), contexts)
    np.testing.assert_allclose(p[np.arange(len(p)), best], p.max(axis=1))


def test_the_formula_by_hand() -> None:
    # a a b a: c(a) = 3, c(b) = 1, two kinds; after a: one a, one b; after b: one a.
    model = fit(np.array([0, 0, 1, 0]), SYMBOLS, 2)
    unigram = {0: (3 + 2 / 4) / 6, 1: (1 + 2 / 4) / 6, 2: (2 / 4) / 6}
    cases = {
        (0, 0): (1 + 2 * unigram[0]) / 4,
        (0, 2): (2 * unigram[2]) / 4,
        (1, 0): (1 + unigram[0]) / 2,
        (1, 1): unigram[1] / 2,
        (3, 1): unigram[1],
    }
    for (context, token), expected in cases.items():
        assert probabilities(model, np.array([[context]]), np.array([token]), SYMBOLS)[0] == pytest.approx(expected)


def test_a_token_never_seen_after_a_context_can_be_the_likeliest() -> None:
    # After 3 came 1 once and 2 once; 0 never, but it is nearly all there is.
    model = fit(np.array([0] * 20 + [3, 1] + [0] * 20 + [3, 2] + [0] * 20), SYMBOLS, 2)
    assert likeliest(model, np.array([[3]])).tolist() == [0]


def test_longer_contexts_use_their_last_tokens_only() -> None:
    model = fit(np.array([0, 1, 2, 0, 1, 3]), SYMBOLS, 2)
    long, short = np.array([[3, 3, 1]]), np.array([[1]])
    token = np.array([2])
    assert probabilities(model, long, token, SYMBOLS) == probabilities(model, short, token, SYMBOLS)
    assert likeliest(model, long) == likeliest(model, short)
