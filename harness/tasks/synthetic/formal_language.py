"""formal_language: compute a function of a string, trained on short strings and tested on longer ones.

The eight functions of Deletang et al. 2023 (arXiv 2207.02098) that differ in the memory they need: four regular ones, a
counter, a stack (reverse), and two that need more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.scoring import ACCURACY, cross_entropy, hits, mean
from harness.tasks.common.task import Array, Dataset, Metric, Scores, Split, Task, dataset, procedure
from harness.tasks.synthetic.draws import DrawnOptions, Sizes, Supply, check_enough, distinct

_VERSION = "formal language 1"
_BLANK, _ANSWER, _FIRST = 0, 1, 2
"""Ids of the input: padding and answer steps; the step at which the answer begins; the first symbol of strings."""
_MODULUS = 5
_PLENTY = 10**12
"""More different strings than any split needs; they are not counted further."""
Language = Literal[
    "even_pairs", "parity", "cycle_navigation", "modular_arithmetic",
    "bucket_sort", "reverse", "duplicate", "binary_addition",
]  # fmt: skip


@dataclass(frozen=True)
class _Function:
    """A function of strings."""

    symbols: int
    """Number of symbols of its strings."""
    classes: int
    """Number of symbols of its answers."""
    answer: Callable[[Array], Array]
    """From a string, (length,), to its answer, (steps,)."""
    answers: int = 0
    """Steps of the answer for each symbol of a string; 0: one step for the whole string."""
    draw: Callable[[np.random.Generator, int], Array] | None = None
    """A string of at most this length; default: any symbol at any place."""
    strings: Callable[[int], int] | None = None
    """The number of different strings of a length; default: any symbol at any place."""
    shortest: int = 1

    def drawn(self, generator: np.random.Generator, length: int) -> Array:
        """A string, (length,)."""
        if self.draw is not None:
            return self.draw(generator, length)
        return generator.integers(self.symbols, size=length, dtype=np.int32)

    def longest(self, steps: int) -> int:
        """The longest string that fits, with its answer, into that number of steps."""
        return steps // (1 + self.answers) if self.answers else steps - 1

    def fitting(self, length: int) -> int:
        """The steps of a string of this length and its answer: the reverse of `longest`."""
        return length * (1 + self.answers) if self.answers else length + 1


def _class(value: Any) -> Array:
    return np.array([value], dtype=np.int32)


def _expression(generator: np.random.Generator, length: int) -> Array:
    """Numbers modulo 5 at even places, the operators + - * (5, 6, 7) between them."""
    string = generator.integers(_MODULUS, size=length - (length + 1) % 2, dtype=np.int32)
    string[1::2] = generator.integers(_MODULUS, _MODULUS + 3, size=len(string) // 2)
    return string


def _value(expression: Array) -> Array:
    """The value modulo 5; * binds more tightly than + and -."""
    total, term, sign = 0, int(expression[0]), 1
    for operator, number in zip(expression[1::2], expression[2::2], strict=True):
        if operator == _MODULUS + 2:
            term = term * int(number) % _MODULUS
        else:
            total, term, sign = total + sign * term, int(number), 1 if operator == _MODULUS else -1
    return _class((total + sign * term) % _MODULUS)


def _sum(generator: np.random.Generator, length: int) -> Array:
    """Two binary numbers, lowest digit first, with a plus sign (2) between them."""
    string = generator.integers(2, size=length, dtype=np.int32)
    string[generator.integers(1, length - 1)] = 2
    return string


def _added(string: Array) -> Array:
    """The sum, lowest digit first and without leading zeros, and an end sign (2)."""
    plus = int(np.flatnonzero(string == 2)[0])
    total = sum(int("".join(map(str, reversed(part.tolist()))), 2) for part in (string[:plus], string[plus + 1 :]))
    digits = [int(digit) for digit in reversed(f"{total:b}")]
    return np.array([*digits, 2], dtype=np.int32)


_FUNCTIONS: dict[str, _Function] = {
    "even_pairs": _Function(2, 2, lambda string: _class(int((string[1:] != string[:-1]).sum()) % 2)),
    "parity": _Function(2, 2, lambda string: _class(int(string.sum()) % 2)),
    "cycle_navigation": _Function(3, _MODULUS, lambda string: _class(int((string - 1).sum()) % _MODULUS)),
    "modular_arithmetic": _Function(
        _MODULUS + 3, _MODULUS, _value, draw=_expression,
        strings=lambda length: length % 2 * _MODULUS ** (length // 2 + 1) * 3 ** (length // 2),
    ),
    "bucket_sort": _Function(5, 5, np.sort, answers=1),
    "reverse": _Function(2, 2, lambda string: string[::-1], answers=1),
    "duplicate": _Function(2, 2, lambda string: np.tile(string, 2), answers=2),
    "binary_addition": _Function(
        3, 3, _added, answers=1, draw=_sum, strings=lambda length: (length - 2) * 2 ** (length - 1), shortest=3
    ),
}  # fmt: skip
assert set(_FUNCTIONS) == set(get_args(Language))


class FormalLanguageOptions(DrawnOptions):
    """Options: the function, the range of tested lengths, and the sizes of validation and test splits."""

    language: Language
    """The function to compute."""
    beyond: Annotated[float, Field(gt=1, le=100, allow_inf_nan=False)] = 4.0
    """Ratio of the longest tested string to the longest one in training."""


def make(train_size: int, sequence_length: int, seed: int, options: FormalLanguageOptions) -> Dataset:
    """x (strings, time): a string, the step at which the answer begins, blanks; y (strings, time): the answer.

    A string and its answer have at most sequence_length steps. Training and validation draw lengths uniformly from the
    shortest to 1 / `beyond` of the longest; the test has the lengths above. Only steps of the answer have a weight.
    Raises UserError if there are too few different strings, or no length for training.
    """
    examples(train_size, sequence_length, options)
    trained, longest = _ranges(sequence_length, options)
    function = _FUNCTIONS[options.language]
    short, long = Sizes(train_size, options.validation_size, 0), Sizes(0, 0, options.test_size)
    draw = _drawn(function, function.shortest, trained, sequence_length)
    *rows, _ = distinct(draw, short, seed, _supply(trained, options))
    draw = _drawn(function, trained + 1, longest, sequence_length)
    *_, tested = distinct(draw, long, seed, _supply(longest, options, above=trained))
    splits = (_split(strings, function, sequence_length) for strings in (*rows, tested))

    def baselines(train: Split, split: Split) -> dict[str, Scores]:
        assert train.weight is not None
        assert split.weight is not None
        counts = np.bincount(train.y[train.weight > 0], minlength=function.classes) + 1  # add-one smoothing
        logits = np.broadcast_to(np.log(counts / counts.sum()), (*split.y.shape, function.classes))
        chance = {"loss": math.log(function.classes), "accuracy": 1 / function.classes, "strings": 0.0}
        return {"chance": chance, "most_frequent": score(split.y, logits, split.weight)}

    made_from = (_VERSION, options, train_size, sequence_length, seed)
    sizes = {"classes": function.classes, "symbols": function.symbols + _FIRST}
    return dataset(splits, baselines, *made_from, **sizes)


def make_test(sequence_length: int, seed: int, options: FormalLanguageOptions) -> Split:
    """Strings of the greatest length that fits with its answer. Raises UserError if none fits."""
    function = _FUNCTIONS[options.language]
    longest = function.longest(sequence_length)
    if longest < function.shortest:
        raise UserError(_too_short(sequence_length, options))
    draw = _drawn(function, longest, longest, sequence_length)
    strings = draw(np.random.default_rng([seed, 2]), options.test_size)
    return _split(strings, function, sequence_length)


def score(y: Array, outputs: Array, weight: Array) -> Scores:
    """Mean cross-entropy in nats per symbol of an answer; the mean share of right symbols; the share of right answers.

    y and weight (strings, time), outputs (strings, time, classes) of logits.
    """
    right, steps = hits(y, outputs) & (weight > 0), (weight > 0).sum(axis=1)
    return {
        "loss": mean(cross_entropy(y, outputs), weight),
        "accuracy": mean(right.sum(axis=1) / steps),
        "strings": mean(right.sum(axis=1) == steps),
    }


def examples(train_size: int, sequence_length: int, options: FormalLanguageOptions) -> int:
    """train_size. Raises UserError if there are too few different strings, or no length for training."""
    trained, longest = _ranges(sequence_length, options)
    if trained < _FUNCTIONS[options.language].shortest or longest <= trained:
        raise UserError(_too_short(sequence_length, options))
    check_enough(Sizes(train_size, options.validation_size, 0), _supply(trained, options))
    check_enough(Sizes(0, 0, options.test_size), _supply(longest, options, above=trained))
    return train_size


def _ranges(sequence_length: int, options: FormalLanguageOptions) -> tuple[int, int]:
    """The longest string in training and the longest tested one."""
    longest = _FUNCTIONS[options.language].longest(sequence_length)
    return int(longest / options.beyond), longest


def _too_short(sequence_length: int, options: FormalLanguageOptions) -> str:
    function = _FUNCTIONS[options.language]
    needed = function.fitting(max(math.ceil(options.beyond * function.shortest), function.shortest + 1))
    return (
        f"sequence_length {sequence_length} is too short for strings of {options.language!r} with their answers, since"
        f" training uses those up to 1/{options.beyond:g} of the longest: expected at least {needed}"
    )


def _drawn(function: _Function, shortest: int, longest: int, steps: int) -> Callable[[np.random.Generator, int], Array]:
    """Strings, (count, steps), of uniformly drawn lengths, padded with -1."""

    def draw(generator: np.random.Generator, count: int) -> Array:
        rows = np.full((count, steps), -1, dtype=np.int32)
        for row, length in zip(rows, generator.integers(shortest, longest + 1, size=count), strict=True):
            string = function.drawn(generator, int(length))
            row[: len(string)] = string
        return rows

    return draw


def _split(strings: Array, function: _Function, steps: int) -> Split:
    x = np.full((len(strings), steps), _BLANK, dtype=np.int32)
    y, weight = x.copy(), np.zeros((len(strings), steps), dtype=np.float32)
    for row, padded in enumerate(strings):
        string = padded[padded >= 0]
        answer = function.answer(string)
        start, end = len(string), len(string) + len(answer)
        x[row, :start] = string + _FIRST
        x[row, start] = _ANSWER
        y[row, start:end] = answer
        weight[row, start:end] = 1
    return Split(x, y, weight)


def _supply(longest: int, options: FormalLanguageOptions, *, above: int = 0) -> Supply:
    function = _FUNCTIONS[options.language]
    rows = 0
    for length in range(max(above + 1, function.shortest), longest + 1):
        rows += function.strings(length) if function.strings else function.symbols**length
        if rows > _PLENTY:
            break
    return Supply(rows, f"strings of {options.language!r} with {above + 1} to {longest} symbols")


task = Task(
    name="formal_language",
    title="Formal language",
    summary=(
        "The network reads a string and outputs a function of it, such as its parity or its reverse; it is trained on"
        " short strings and tested on longer ones. Right answers beyond the lengths of training show that a cell has"
        " learned the procedure and has the memory that it needs."
    ),
    loss_unit="nats per symbol",
    output="softmax",
    every_step=True,
    metrics=(
        Metric("accuracy", ACCURACY.title, "", "higher", bounds=(0.0, 1.0)),
        Metric("strings", "Strings with a right answer", "", "higher", bounds=(0.0, 1.0)),
    ),
    train_size_unit="strings",
    options=FormalLanguageOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (_FUNCTIONS[options.language].symbols + _FIRST, _FUNCTIONS[options.language].classes),
    identity=procedure(_VERSION),
    make_test=make_test,
    solved=("accuracy", 0.99),
    small=(64, 80),
    sample=lambda folder: {"language": "reverse", "validation_size": 20, "test_size": 30},
)
