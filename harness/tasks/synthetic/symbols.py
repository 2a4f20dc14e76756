"""symbols: learn a repeated string of a given LZW complexity (Cahuantzi, Chen and Guettel 2021, arXiv 2107.02248)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.scoring import cross_entropy, hits, mean
from harness.tasks.common.task import Array, Dataset, Metric, Options, Scores, Split, Task, dataset, procedure
from harness.tasks.synthetic.draws import at_least
from harness.tasks.text import ngrams

_VERSION = "symbols 1"
_MOST_COMPLEX = 1000
_HELD_OUT = 5
"""Of five consecutive windows, the first is for the test, the third for validation, and the others for training."""
_FEWEST_PREDICTED = 3
"""Predictions of a window. At most two consecutive windows are held out, so training windows predict every symbol."""


class SymbolsOptions(Options):
    """Options: the seed string, and how much of it a window reads before it is scored."""

    symbols: Annotated[int, Field(ge=2, le=256)] = 5
    """Number of different symbols in the string."""
    complexity: Annotated[int, Field(ge=3, le=_MOST_COMPLEX)] = 10
    """LZW complexity of the string: the number of phrases into which the algorithm of Welch (1984) divides it."""
    context: Annotated[int, Field(ge=2)] = 10
    """Symbols that a window reads before its first prediction counts."""


def make(train_size: int, sequence_length: int, seed: int, options: SymbolsOptions) -> Dataset:
    """x (windows, time): windows of a repeated string; y (windows, time): the next symbol at each step.

    The seed determines the string. Each of its symbols begins a window; the training windows are repeated up to
    train_size. Steps before the last one of `context` have weight 0. Raises UserError for a complexity below the number
    of symbols, and for sequences with fewer than three predictions.
    """
    examples(train_size, sequence_length, options)
    string = seed_string(seed, options)
    train, validation, test = _windows(string, sequence_length)
    train = np.random.default_rng([seed, 1]).permutation(train)
    train = train[np.arange(train_size) % len(train)]
    splits = (_split(windows, options) for windows in (train, validation, test))
    fitted = {
        name: ngrams.fit(np.resize(string, len(string) + order - 1), options.symbols, order)
        for order, name in enumerate(("unigram", "bigram", "trigram"), 1)
    }

    def baselines(train: Split, split: Split) -> dict[str, Scores]:
        chance = {"loss": math.log(options.symbols), "accuracy": 1 / options.symbols}
        return {"chance": chance, **{name: _predicted(model, split, options) for name, model in fitted.items()}}

    made_from = (_VERSION, options, train_size, sequence_length, seed)
    return dataset(splits, baselines, *made_from, classes=options.symbols, symbols=options.symbols)


def make_test(sequence_length: int, seed: int, options: SymbolsOptions) -> Split:
    """Windows of any length that begin where those of the test split do, as far as they differ.

    Raises UserError for sequences with fewer than three predictions.
    """
    examples(1, sequence_length, options)
    *_, test = _windows(seed_string(seed, options), sequence_length)
    return _split(test, options)


def score(y: Array, outputs: Array, weight: Array) -> Scores:
    """Mean cross-entropy in nats per symbol, and the share of right symbols.

    y and weight (windows, time), outputs (windows, time, symbols) of logits.
    """
    return {"loss": mean(cross_entropy(y, outputs), weight), "accuracy": mean(hits(y, outputs), weight)}


def examples(train_size: int, sequence_length: int, options: SymbolsOptions) -> int:
    """train_size. Raises UserError for a complexity below the number of symbols, and for too short sequences."""
    if options.complexity < options.symbols:
        raise UserError(
            f"options.complexity {options.complexity} is too low for {options.symbols} symbols, each of which begins a"
            f" phrase: expected {options.symbols} to {_MOST_COMPLEX:,}"
        )
    shortest = options.context + _FEWEST_PREDICTED - 1
    at_least(sequence_length, shortest, f"a window reads {options.context} symbols before its first prediction")
    return train_size


def complexities(string: Iterable[int]) -> list[int]:
    """The LZW complexity of each prefix of a string: the number of phrases, with the last one, which may be incomplete.

    A phrase ends before the symbol that would make it unknown; the dictionary then learns the phrase with that symbol
    (Welch 1984, Computer 17:6). It begins with the single symbols.
    """
    dictionary: set[tuple[int, ...]] = set()
    phrase: tuple[int, ...] = ()
    phrases, found = 1, []
    for symbol in string:
        longer = (*phrase, symbol)
        if phrase and longer not in dictionary:
            dictionary.add(longer)
            phrases += 1
            longer = (symbol,)
        phrase = longer
        found.append(phrases)
    return found


def seed_string(seed: int, options: SymbolsOptions) -> Array:
    """The string that is repeated, (period,): all symbols in random order, then random ones up to the complexity.

    It is not itself a repetition of a shorter string, as in the generator of the paper.
    """
    generator = np.random.default_rng([seed, 0])
    while True:
        string = generator.permutation(options.symbols).astype(np.int32)
        while (found := complexities(string.tolist()))[-1] < options.complexity:
            more = generator.integers(options.symbols, size=len(string), dtype=np.int32)
            string = np.concatenate([string, more])
        string = string[: found.index(options.complexity) + 1]
        if not _is_repetition(string):
            return string


def _is_repetition(string: Array) -> bool:
    """Whether a string equals itself after a rotation by less than its length."""
    text = bytes(string.tolist())
    return (text + text).find(text, 1) < len(text)


def _windows(string: Array, length: int) -> tuple[Array, Array, Array]:
    """The different windows of the repeated string, (windows, length + 1), for training, validation and test."""
    places = np.arange(len(string))[:, None] + np.arange(length + 1)
    every = string[places % len(string)]
    _, first = np.unique(every, axis=0, return_index=True)
    every = every[np.sort(first)]
    turn = np.arange(len(every)) % _HELD_OUT
    return every[(turn != 0) & (turn != 2)], every[turn == 2], every[turn == 0]


def _split(windows: Array, options: SymbolsOptions) -> Split:
    x, y = windows[:, :-1].copy(), windows[:, 1:].copy()
    weight = np.zeros(x.shape, dtype=np.float32)
    weight[:, options.context - 1 :] = 1
    return Split(x, y, weight)


def _predicted(model: ngrams.NGrams, split: Split, options: SymbolsOptions) -> Scores:
    """The scores of n-grams, up to trigrams, in the steps that count."""
    before = np.lib.stride_tricks.sliding_window_view(split.x, 2, axis=1)[:, options.context - 2 :].reshape(-1, 2)
    labels = split.y[:, options.context - 1 :].ravel()
    probabilities = ngrams.probabilities(model, before, labels, model.symbols)
    accuracy = mean(ngrams.likeliest(model, before) == labels)
    return {"loss": float(-np.log(probabilities).mean()), "accuracy": accuracy}


task = Task(
    name="symbols",
    title="Symbol sequences",
    summary=(
        "The network memorises a repeated string of symbols of a chosen LZW complexity, and predicts the next symbol in"
        " windows of the string. Right predictions show that a cell can memorise a sequence of that complexity in the"
        " given training."
    ),
    loss_unit="nats per symbol",
    output="softmax",
    every_step=True,
    predicts_inputs=True,
    metrics=(Metric("accuracy", "Accuracy of the next symbol", "", "higher", bounds=(0.0, 1.0)),),
    train_size_unit="windows",
    options=SymbolsOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (options.symbols, options.symbols),
    identity=procedure(_VERSION),
    make_test=make_test,
    solved=("accuracy", 0.99),
    # The loss at which the authors' program ends training.
    target=("loss", 0.1),
    small=(64, 19),
)
