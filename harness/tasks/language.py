"""language: predict each next character of real text."""

from __future__ import annotations

import pathlib
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.next_token import (
    UNKNOWN,
    Portions,
    dataset,
    information,
    loss_and_accuracy,
    split_points,
    window_count,
)
from harness.tasks.task import Array, Dataset, Metric, Options, Scores, Task, decisive, fingerprint
from harness.tasks.text import Text, load_text

_VERSION = "language 1"


class LanguageOptions(Options):
    """Which text, and how much of it measures."""

    text: Annotated[pathlib.Path, Field(strict=False)] | None = None
    """A UTF-8 text file, or a folder of `.txt` files; by default the documentation of the Python that runs."""
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
    made_from = fingerprint(dict(identity(options)), train_size, sequence_length, seed)
    return dataset(train_size, sequence_length, seed, _portions(options), _scores, made_from)


def score(y: Array, outputs: Array) -> Scores:
    """Per character: y (windows, time), outputs (windows, time, symbols) of logits; loss in nats."""
    return _scores(*loss_and_accuracy(y, outputs))


def examples(train_size: int, sequence_length: int, options: LanguageOptions) -> int:
    """Windows in `train_size` characters. Raises UserError where the text, or the cut, is too short."""
    return window_count(train_size, sequence_length, _portions(options))


def identity(options: LanguageOptions) -> Mapping[str, str]:
    """The hash of the text, the procedure, and the options that differ from their defaults."""
    return {"procedure": _VERSION, "text_sha256": load_text(options.text).sha256, **decisive(options)}


def _portions(options: LanguageOptions) -> Portions:
    return _coded(load_text(options.text), options.vocabulary, options.validation_size, options.test_size)


@lru_cache(maxsize=4)
def _coded(text: Text, vocabulary: int, validation_size: int, test_size: int) -> Portions:
    validation_at, test_at = split_points(len(text.characters), validation_size, test_size)
    frequent = Counter(text.characters[:validation_at]).most_common(vocabulary)
    known = np.sort(np.array([ord(character) for character, _ in frequent], dtype=np.uint32))
    train, validation, test = np.split(_ids(text.characters, known), [validation_at, test_at])
    return Portions(train, validation, test, len(known) + 1, text.source, "characters")


def _ids(text: str, known: Array) -> Array:
    """Each character's place in `known`, counted from 1; 0 where it is not there."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    at = np.minimum(np.searchsorted(known, points), len(known) - 1)
    return np.where(known[at] == points, at + 1, UNKNOWN).astype(np.int32)


def _scores(loss: float, accuracy: float) -> Scores:
    return information(loss, accuracy, "character")


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
    small=(12_800, 128),
)
