"""What language models over characters and over words share: windows, n-gram baselines, sizes that fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.errors import UserError
from harness.tasks import ngrams
from harness.tasks.scoring import cross_entropy, hits, mean, perplexity
from harness.tasks.task import Array, Dataset, Scores, Split

UNKNOWN = 0
"""The id of all tokens that the vocabulary lacks."""


@dataclass(frozen=True)
class Portions:
    """Consecutive stretches of a text as token ids below `symbols`, without overlap; `unit` is what a token is."""

    train: Array
    validation: Array
    test: Array
    symbols: int
    source: str
    unit: str


def split_points(total: int, validation_size: int, test_size: int) -> tuple[int, int]:
    """Where validation and test begin: the last tokens are for test, those before for validation.

    Each portion has the size given, but at most a tenth of the text.
    """
    test_at = total - min(test_size, total // 10)
    return test_at - min(validation_size, total // 10), test_at


def window_count(train_size: int, sequence_length: int, portions: Portions) -> int:
    """Training windows in `train_size` tokens. Raises UserError where the text, or the cut, is too short."""
    unit = portions.unit
    sizes = len(portions.train), len(portions.validation), len(portions.test)
    found = f"{portions.source}: has {sum(sizes):,} {unit}"
    if min(sizes[1:]) <= sequence_length:
        raise UserError(
            f"{found}, of which {sizes[1]:,} are for validation and {sizes[2]:,} for test; sequence_length "
            f"{sequence_length} needs more than {sequence_length:,} of each: use a shorter sequence_length, a longer "
            "text, or larger options.validation_size and options.test_size"
        )
    if train_size < sequence_length:
        raise UserError(f"train_size {train_size:,} is less than one sequence of {sequence_length:,} {unit}")
    if train_size >= sizes[0]:
        raise UserError(
            f"{found}, of which {sizes[0] - 1:,} can be trained on; train_size {train_size:,} is more than that"
        )
    return train_size // sequence_length


def dataset(
    train_size: int,
    sequence_length: int,
    seed: int,
    portions: Portions,
    scores: Callable[[float, float], Scores],
    fingerprint: str,
) -> Dataset:
    """x (windows, time) of token ids, y (windows, time) the id of the token after each.

    The seed decides where in the training portion the `train_size` tokens stand; a larger cut contains the smaller ones
    of its seed. Validation and test windows are the same for every size and seed. `scores` is told loss and accuracy.
    """
    window_count(train_size, sequence_length, portions)
    start = int(np.random.default_rng(seed).random() * (len(portions.train) - train_size))
    cut = portions.train[start : start + train_size + 1]
    test = windows(portions.test, sequence_length)
    return Dataset(
        train=windows(cut, sequence_length),
        validation=windows(portions.validation, sequence_length),
        test=test,
        input_shape=(sequence_length,),
        classes=portions.symbols,
        symbols=portions.symbols,
        fingerprint=fingerprint,
        baselines=baselines(cut, test, portions.symbols, scores),
    )


def windows(tokens: Array, length: int) -> Split:
    """Tokens (n,) as consecutive windows (windows, length), and each token's successor."""
    count = (len(tokens) - 1) // length
    x, y = tokens[: count * length], tokens[1 : count * length + 1]
    return Split(x=x.reshape(count, length), y=y.reshape(count, length))


def baselines(tokens: Array, test: Split, symbols: int, scores: Callable[[float, float], Scores]) -> dict[str, Scores]:
    """Chance, unigram and trigram fitted on `tokens`, scored on the test windows.

    Like the network, the n-grams see no further back than the first token of a window.
    """
    by_order = [ngrams.fit(tokens, symbols, order) for order in (1, 2, 3)]
    return {
        "chance": scores(math.log(symbols), 1 / symbols),
        "unigram": scores(*_predicted(test, first=by_order[0], later=by_order[0])),
        "trigram": scores(*_predicted(test, first=by_order[1], later=by_order[2])),
    }


def information(loss: float, accuracy: float, unit: str) -> Scores:
    """Loss in nats a token, the same in bits and as perplexity, and the accuracy."""
    return {
        "loss": loss,
        f"bits_per_{unit}": loss / math.log(2),
        "perplexity": perplexity(loss),
        "accuracy": accuracy,
    }


def loss_and_accuracy(y: Array, outputs: Array) -> tuple[float, float]:
    """Mean cross-entropy in nats and share of hits: y (windows, time), outputs (windows, time, symbols) of logits."""
    return mean(cross_entropy(y, outputs)), mean(hits(y, outputs))


def _predicted(test: Split, *, first: ngrams.NGrams, later: ngrams.NGrams) -> tuple[float, float]:
    """Loss and accuracy of n-grams that see one token at the first step of a window and two at the later ones."""
    pairs = np.stack([test.x[:, :-1], test.x[:, 1:]], axis=-1).reshape(-1, 2)
    parts = ((first, test.x[:, :1], test.y[:, 0]), (later, pairs, test.y[:, 1:].ravel()))
    p = np.concatenate([ngrams.probabilities(model, seen, y, model.symbols) for model, seen, y in parts])
    right = np.concatenate([ngrams.likeliest(model, seen) == y for model, seen, y in parts])
    return float(-np.log(p).mean()), float(right.mean())
