"""words: predict each next word of real text."""

from __future__ import annotations

import pathlib
import re
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

_VERSION = "words 1"
_WORD = re.compile(r"\w+|([^\w\s])\1*")


class WordsOptions(Options):
    """Which text, which of its words are known, and how much of it measures."""

    text: Annotated[pathlib.Path, Field(strict=False)] | None = None
    """A UTF-8 text file, or a folder of `.txt` files; by default the documentation of the Python that runs."""
    vocabulary: Annotated[int, Field(ge=1, le=50_000)] = 2000
    """At most this many different words, the most frequent of the training portion; all others count as one word, so
    that losses are comparable between equal vocabularies only."""
    validation_size: Annotated[int, Field(ge=1)] = 5000
    """Words, at most a tenth of the text."""
    test_size: Annotated[int, Field(ge=1)] = 5000
    """Words, at most a tenth of the text."""


def make(train_size: int, sequence_length: int, seed: int, options: WordsOptions) -> Dataset:
    """x (windows, time) of word ids, y (windows, time) the id of the word after each; id 0 is unknown.

    A word is a run of letters, digits and underscores, in lower case, or of one other sign. Seed, splits and
    vocabulary are as in `harness.tasks.language`. Raises UserError for an unusable text, and for a train_size that is
    more than there is or less than one sequence.
    """
    made_from = fingerprint(dict(identity(options)), train_size, sequence_length, seed)
    return dataset(train_size, sequence_length, seed, _portions(options), _scores, made_from)


def score(y: Array, outputs: Array) -> Scores:
    """Per word: y (windows, time), outputs (windows, time, symbols) of logits; loss in nats."""
    return _scores(*loss_and_accuracy(y, outputs))


def examples(train_size: int, sequence_length: int, options: WordsOptions) -> int:
    """Windows in `train_size` words. Raises UserError where the text, or the cut, is too short."""
    return window_count(train_size, sequence_length, _portions(options))


def identity(options: WordsOptions) -> Mapping[str, str]:
    """The hash of the text, the procedure, and the options that differ from their defaults."""
    return {"procedure": _VERSION, "text_sha256": load_text(options.text).sha256, **decisive(options)}


def _portions(options: WordsOptions) -> Portions:
    return _coded(load_text(options.text), options.vocabulary, options.validation_size, options.test_size)


@lru_cache(maxsize=4)
def _coded(text: Text, vocabulary: int, validation_size: int, test_size: int) -> Portions:
    words = [found.group() for found in _WORD.finditer(text.characters.lower())]
    validation_at, test_at = split_points(len(words), validation_size, test_size)
    frequent = Counter(words[:validation_at]).most_common(vocabulary)
    ids = {word: at for at, (word, _) in enumerate(frequent, start=UNKNOWN + 1)}
    coded = np.array([ids.get(word, UNKNOWN) for word in words], dtype=np.int32)
    train, validation, test = np.split(coded, [validation_at, test_at])
    return Portions(train, validation, test, len(ids) + 1, text.source, "words")


def _scores(loss: float, accuracy: float) -> Scores:
    return information(loss, accuracy, "word")


task = Task(
    name="words",
    title="Word-level language modelling",
    summary=(
        "The network reads real text and predicts each next word, out of a vocabulary of fixed size. "
        "Doing it well shows how much a cell uses of what was said before, a whole word a step."
    ),
    output="softmax",
    every_step=True,
    metrics=(
        Metric("bits_per_word", "Bits per word", "bits", "lower"),
        Metric("perplexity", "Perplexity per word", "", "lower"),
        Metric("accuracy", "Accuracy of the next word", "", "higher"),
    ),
    train_size_unit="words",
    options=WordsOptions,
    make=make,
    score=score,
    examples=examples,
    identity=identity,
    small=(2000, 32),
)
