"""language: predict each next character of real text."""

from __future__ import annotations

import math
import pathlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks import ngrams
from harness.tasks.scoring import cross_entropy, hits, mean, perplexity
from harness.tasks.task import Array, Dataset, Metric, Options, Scores, Split, Task, decisive, fingerprint
from harness.tasks.text import Text, load_text, split_text

_VERSION = "language 1"
_UNKNOWN = 0


class LanguageOptions(Options):
    """Which text, and how much of it measures."""

    text: Annotated[pathlib.Path, Field(strict=False)] | None = None
    """A UTF-8 text file; without one, the reference documentation of the Python that runs."""
    vocabulary: Annotated[int, Field(ge=1, le=20_000)] = 256
    """At most this many different characters, the most frequent of the training portion; all others count as one."""
    validation_size: Annotated[int, Field(ge=1)] = 20_000
    """Characters, at most a tenth of the text."""
    test_size: Annotated[int, Field(ge=1)] = 20_000
    """Characters, at most a tenth of the text."""


def make(train_size: int, sequence_length: int, seed: int, options: LanguageOptions) -> Dataset:
    """x (windows, time) of character ids, y (windows, time) the id of the character after each; id 0 is unknown.

    The seed decides where in the training portion the `train_size` characters stand (a larger cut contains the smaller
    ones of its seed); validation and test text are the same for every size and seed, and so is the vocabulary.
    Raises UserError for an unusable text, and for a train_size that is more than there is or less than one sequence.
    """
    examples(train_size, sequence_length, options)
    text = load_text(options.text)
    coded = _coded(text, options.vocabulary, options.validation_size, options.test_size)
    start = int(np.random.default_rng(seed).random() * (len(coded.train) - train_size))
    train = _windows(coded.train[start : start + train_size + 1], sequence_length)
    test = _windows(coded.test, sequence_length)
    return Dataset(
        train=train,
        validation=_windows(coded.validation, sequence_length),
        test=test,
        input_shape=(sequence_length,),
        classes=coded.symbols,
        symbols=coded.symbols,
        fingerprint=fingerprint(_VERSION, text.sha256, decisive(options), train_size, sequence_length, start),
        baselines=baselines(coded.train[start : start + train_size + 1], test, coded.symbols),
    )


def score(y: Array, outputs: Array) -> Scores:
    """Per character: y (windows, time), outputs (windows, time, symbols) of logits; loss in nats."""
    loss = mean(cross_entropy(y, outputs))
    return _scores(loss, mean(hits(y, outputs)))


def baselines(tokens: Array, test: Split, symbols: int) -> dict[str, Scores]:
    """Chance, unigram and trigram fitted on `tokens`, scored on the test windows.

    Like the network, the n-grams see no further back than the first character of a window.
    """
    by_order = [ngrams.fit(tokens, symbols, order) for order in (1, 2, 3)]
    return {
        "chance": _scores(math.log(symbols), 1 / symbols),
        "unigram": _predicted(test, first=by_order[0], later=by_order[0]),
        "trigram": _predicted(test, first=by_order[1], later=by_order[2]),
    }


def examples(train_size: int, sequence_length: int, options: LanguageOptions) -> int:
    """Windows in `train_size` characters. Raises UserError where the text, or the cut, is too short."""
    text = load_text(options.text)
    portions = split_text(text, options.validation_size, options.test_size)
    found = f"{text.source}: has {len(text.characters):,} characters"
    if min(len(portions.validation), len(portions.test)) <= sequence_length:
        raise UserError(
            f"{found}, of which {len(portions.validation):,} are for validation and {len(portions.test):,} for test; "
            f"sequence_length {sequence_length} needs more than {sequence_length:,} of each: use a shorter "
            "sequence_length, a longer text, or larger options.validation_size and options.test_size"
        )
    if train_size < sequence_length:
        raise UserError(f"train_size {train_size:,} is less than one sequence of {sequence_length:,} characters")
    if train_size >= len(portions.train):
        raise UserError(
            f"{found}, of which {len(portions.train) - 1:,} can be trained on; train_size {train_size:,} is "
            "more than that"
        )
    return train_size // sequence_length


def identity(options: LanguageOptions) -> Mapping[str, str]:
    """The hash of the text, the procedure, and the options that differ from their defaults."""
    return {"procedure": _VERSION, "text_sha256": load_text(options.text).sha256, **decisive(options)}


@dataclass(frozen=True)
class _Coded:
    """The three portions as character ids, of which there are `symbols`."""

    train: Array
    validation: Array
    test: Array
    symbols: int


@lru_cache(maxsize=4)
def _coded(text: Text, vocabulary: int, validation_size: int, test_size: int) -> _Coded:
    portions = split_text(text, validation_size, test_size)
    frequent = Counter(portions.train).most_common(vocabulary)
    known = np.sort(np.array([ord(character) for character, _ in frequent], dtype=np.uint32))
    train, validation, test = (_ids(portion, known) for portion in portions)
    return _Coded(train, validation, test, symbols=len(known) + 1)


def _ids(text: str, known: Array) -> Array:
    """Each character's place in `known`, counted from 1; 0 where it is not there."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    at = np.minimum(np.searchsorted(known, points), len(known) - 1)
    return np.where(known[at] == points, at + 1, _UNKNOWN).astype(np.int32)


def _windows(tokens: Array, length: int) -> Split:
    count = (len(tokens) - 1) // length
    x, y = tokens[: count * length], tokens[1 : count * length + 1]
    return Split(x=x.reshape(count, length), y=y.reshape(count, length))


def _predicted(test: Split, *, first: ngrams.NGrams, later: ngrams.NGrams) -> Scores:
    """Scores of n-grams that see one character at the first step of a window and two at the later ones."""
    pairs = np.stack([test.x[:, :-1], test.x[:, 1:]], axis=-1).reshape(-1, 2)
    parts = ((first, test.x[:, :1], test.y[:, 0]), (later, pairs, test.y[:, 1:].ravel()))
    p = np.concatenate([ngrams.probabilities(model, seen, y, model.symbols) for model, seen, y in parts])
    right = np.concatenate([ngrams.likeliest(model, seen) == y for model, seen, y in parts])
    return _scores(float(-np.log(p).mean()), float(right.mean()))


def _scores(loss: float, accuracy: float) -> Scores:
    return {
        "loss": loss,
        "bits_per_character": loss / math.log(2),
        "perplexity": perplexity(loss),
        "accuracy": accuracy,
    }


task = Task(
    name="language",
    title="Character-level language modelling",
    summary=(
        "The network reads real text and predicts each next character. "
        "Doing it well on little text shows how quickly a cell learns structure from data, "
        "and on long sequences how much of the past it uses."
    ),
    output="softmax",
    every_step=True,
    metrics=(
        Metric("bits_per_character", "Bits per character", "bits", "lower"),
        Metric("perplexity", "Perplexity per character", "", "lower"),
        Metric("accuracy", "Accuracy of the next character", "", "higher"),
    ),
    train_size_unit="characters",
    options=LanguageOptions,
    make=make,
    score=score,
    examples=examples,
    identity=identity,
    small=(6400, 64),
)
