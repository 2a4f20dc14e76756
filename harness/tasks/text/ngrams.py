"""Interpolated Witten-Bell n-grams over integer tokens: the baselines of the language tasks.

c(h w) is the count of token w after the context h, c(h) their sum, and N(h) the number of different tokens after h
(Chen and Goodman 1998, section 2.5, after Witten and Bell 1991):

    p(w | h) = (c(h w) + N(h) p(w | h')) / (c(h) + N(h))        h' is h without its first token
    p(w | h) = p(w | h')                                        if h never occurs

Below the empty context the distribution is uniform, so that no token has probability 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.tasks.common.task import Array


@dataclass(frozen=True)
class NGrams:
    """Statistics of contexts of `length` tokens; arrays are sorted by key, and keys are numbers in base `symbols`."""

    length: int
    symbols: int
    lower: NGrams | None
    contexts: Array
    escapes: Array
    """N(h) / (c(h) + N(h)) of each context."""
    grams: Array
    """The key of each context followed by a token."""
    shares: Array
    """c(h w) / (c(h) + N(h)) of each of the grams."""
    best: Array
    """The most likely token after each context."""


def fit(tokens: Array, symbols: int, order: int) -> NGrams:
    """Count n-grams of orders 1 to `order` in `tokens` (n,), n > 0, integers below `symbols`.

    With fewer than `order` tokens, the order is their number. `symbols` ** `order` must fit into 63 bits.
    """
    tokens = np.asarray(tokens, dtype=np.int64)
    order = min(order, len(tokens))
    lower = fit(tokens, symbols, order - 1) if order > 1 else None
    length = order - 1
    windows = np.lib.stride_tricks.sliding_window_view(tokens, order)
    grams, counts = np.unique(_keys(windows, symbols), return_counts=True)
    contexts, first, kinds = np.unique(grams // symbols, return_index=True, return_counts=True)
    totals = np.add.reduceat(counts, first) + kinds
    escapes = kinds / totals
    owner = np.repeat(np.arange(len(contexts)), kinds)
    shares = counts / totals[owner]
    counted = NGrams(length, symbols, lower, contexts, escapes, grams, shares, best=np.zeros(0, dtype=np.int64))
    return replace(counted, best=_best(counted, first, owner))


def probabilities(model: NGrams | None, contexts: Array, tokens: Array, symbols: int) -> Array:
    """p(token | context): contexts (n, at least model.length), whose last tokens are used; tokens (n,) -> (n,)."""
    if model is None:
        return np.full(len(tokens), 1 / symbols)
    tokens = np.asarray(tokens, dtype=np.int64)
    keys = _keys(contexts[:, contexts.shape[1] - model.length :], symbols)
    at, known = _find(model.contexts, keys)
    gram_at, counted = _find(model.grams, keys * symbols + tokens)
    escape = np.where(known, model.escapes[at], 1.0)
    share = np.where(counted, model.shares[gram_at], 0.0)
    return np.asarray(share + escape * probabilities(model.lower, contexts, tokens, symbols))


def likeliest(model: NGrams, contexts: Array) -> Array:
    """The most likely token after each context: (n, at least model.length) -> (n,)."""
    at, known = _find(model.contexts, _keys(contexts[:, contexts.shape[1] - model.length :], model.symbols))
    if model.lower is None:
        return np.asarray(model.best[at])
    return np.where(known, model.best[at], likeliest(model.lower, contexts))


def _best(model: NGrams, first: Array, owner: Array) -> Array:
    """The most likely token after each context: one counted after it, or the most likely after the shorter context."""
    contexts = _digits(model.contexts, model.symbols, model.length)
    tokens = model.grams % model.symbols
    seen = probabilities(model, contexts[owner], tokens, model.symbols)
    highest = np.maximum.reduceat(seen, first)
    winners = np.flatnonzero(seen == highest[owner])
    _, earliest = np.unique(owner[winners], return_index=True)
    best = tokens[winners[earliest]]
    if model.lower is None:
        return np.asarray(best)
    candidate = likeliest(model.lower, contexts)
    return np.where(probabilities(model, contexts, candidate, model.symbols) > highest, candidate, best)


def _keys(windows: Array, symbols: int) -> Array:
    """(n, length) tokens as (n,) numbers in base `symbols`."""
    keys = np.zeros(len(windows), dtype=np.int64)
    for column in windows.T:
        keys = keys * symbols + column
    return keys


def _digits(keys: Array, symbols: int, length: int) -> Array:
    """(n,) numbers in base `symbols` as (n, length) tokens."""
    powers = symbols ** np.arange(length - 1, -1, -1, dtype=np.int64)
    return np.asarray(keys[:, None] // powers % symbols)


def _find(ordered: Array, keys: Array) -> tuple[Array, Array]:
    """The index of each key in `ordered` (of an arbitrary element if it is missing), and whether it is there."""
    at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return at, ordered[at] == keys
