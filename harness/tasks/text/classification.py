"""text_classification: classify texts, such as reviews, from a CSV file of the user."""

from __future__ import annotations

import hashlib
import pathlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.scoring import ACCURACY, classification
from harness.tasks.common.task import Array, DataFacts, Dataset, Options, Scores, Split, Task, dataset, decisive
from harness.tasks.common.user_files import Stamp, check_trainable, stamp
from harness.tasks.files.tables import read_texts
from harness.tasks.text.words import words_of

_VERSION = "text classification 1"
_SHARED = 20_261_201
"""Seed for the choice of validation and test texts, which are the same for all trials."""
_EXPECTED = "a CSV or Parquet file with a column of labels and a column of texts"
_LARGEST = 1 << 30
_MOST_LABELS = 1000
_PADDING, _UNKNOWN = 0, 1


class TextClassificationOptions(Options):
    """Options: the file, its columns, and the size of the vocabulary."""

    file: Annotated[pathlib.Path, Field(strict=False)]
    """CSV (UTF-8, with a header) or Parquet."""
    label: str = "label"
    """Name of the column with the labels."""
    text: str = "text"
    """Name of the column with the texts."""
    vocabulary: Annotated[int, Field(ge=1, le=50_000)] = 2000
    """Maximum number of different words: the most frequent ones in the training texts. All others count as one word."""


@dataclass(frozen=True)
class _Shared:
    """Texts as words, labels as indices into `classes`, and the indices of each split."""

    texts: tuple[tuple[str, ...], ...]
    labels: Array
    classes: tuple[str, ...]
    pool: Array
    validation: Array
    test: Array
    repeated: int
    without_words: int
    sha256: str


def make(train_size: int, sequence_length: int, seed: int, options: TextClassificationOptions) -> Dataset:
    """x (texts, sequence_length): the first words of each text, after padding; y (texts,): the index of its label.

    A fifth of the texts is for the test and a fifth for validation, the same for every seed; the seed selects the
    training texts, whose most frequent words are the vocabulary. Raises UserError for unusable files and too few texts.
    """
    examples(train_size, sequence_length, options)
    shared = _shared(options)
    chosen = np.random.default_rng(seed).permutation(shared.pool)[:train_size]
    counts = Counter(word for at in chosen for word in shared.texts[at][:sequence_length])
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[: options.vocabulary]
    ids = {word: at for at, word in enumerate(ranked, start=_UNKNOWN + 1)}
    x = np.full((len(shared.texts), sequence_length), _PADDING, dtype=np.int32)
    for row, text in zip(x, shared.texts, strict=True):
        known = [ids.get(word, _UNKNOWN) for word in text[:sequence_length]]
        row[sequence_length - len(known) :] = known
    splits = [Split(x[at], shared.labels[at]) for at in (chosen, shared.validation, shared.test)]
    classes, symbols = len(shared.classes), options.vocabulary + _UNKNOWN + 1
    baselines = _Baselines(splits[0], classes, symbols)
    made_from = (dict(identity(options)), train_size, sequence_length, seed)
    return dataset(splits, lambda _, split: baselines.scores(split), *made_from, classes=classes, symbols=symbols)


def examples(train_size: int, sequence_length: int, options: TextClassificationOptions) -> int:
    """train_size. Raises UserError if there are fewer texts."""
    check_trainable(options.file, len(_shared(options).pool), "texts", train_size)
    return train_size


def facts(train_size: int, sequence_length: int, options: TextClassificationOptions) -> DataFacts:
    """The file, and what is left out: duplicates, texts without words, and words after the first `sequence_length`."""
    shared = _shared(options)
    return DataFacts(
        source=f"{options.file.name}, {len(shared.texts):,} texts with {len(shared.classes):,} labels",
        left_out={
            "texts that equal another one": shared.repeated,
            "texts without words": shared.without_words,
            "words after the first sequence_length of their text": sum(
                max(0, len(text) - sequence_length) for text in shared.texts
            ),
        },
    )


def identity(options: TextClassificationOptions) -> Mapping[str, str]:
    """The hash of the file and the procedure."""
    return {"procedure": _VERSION, "file_sha256": _shared(options).sha256, **decisive(options)}


def _shared(options: TextClassificationOptions) -> _Shared:
    return _read(stamp(options.file, _EXPECTED, _LARGEST), options.label, options.text)


@lru_cache(maxsize=2)
def _read(file: Stamp, label: str, text: str) -> _Shared:
    content, columns = read_texts(file.path, (label, text), _EXPECTED)
    first: dict[tuple[str, ...], str] = {}
    without_words = 0
    for row, (name, words) in enumerate(zip(columns[0], map(words_of, columns[1]), strict=True), start=1):
        if not name.strip():
            raise UserError(f"{file.path}: row {row:,} has no label in the column {label!r}")
        if words:
            first.setdefault(tuple(words), name.strip())
        else:
            without_words += 1
    classes = tuple(sorted(set(first.values())))
    if not 2 <= len(classes) <= _MOST_LABELS:
        raise UserError(
            f"{file.path}: the column {label!r} has {len(classes):,} different labels, expected 2 to {_MOST_LABELS:,}"
        )
    order = np.random.default_rng(_SHARED).permutation(len(first))
    fifth = len(first) // 5
    if not fifth:
        raise UserError(f"{file.path}: {len(first)} texts are too few for three splits")
    places = {name: at for at, name in enumerate(classes)}
    return _Shared(
        tuple(first),
        np.array([places[name] for name in first.values()], dtype=np.int32),
        classes,
        pool=order[2 * fifth :],
        validation=order[fifth : 2 * fifth],
        test=order[:fifth],
        repeated=len(columns[0]) - without_words - len(first),
        without_words=without_words,
        sha256=hashlib.sha256(content).hexdigest(),
    )


class _Baselines:
    """The frequencies of the labels, and a logistic regression on the counts of the words (a bag of words)."""

    def __init__(self, train: Split, classes: int, symbols: int) -> None:
        from sklearn.linear_model import LogisticRegression

        counts = np.bincount(train.y, minlength=classes) + 1
        self._frequencies = np.log(counts / counts.sum())
        self._symbols, self._classes = symbols, classes
        self._model = None
        if len(np.unique(train.y)) > 1:
            self._model = LogisticRegression(max_iter=1000).fit(self._counts(train.x), train.y)

    def _counts(self, x: Array) -> Array:
        """(texts, symbols) as a sparse matrix, without padding."""
        from scipy.sparse import csr_matrix

        rows, columns = np.nonzero(x != _PADDING)
        counts: Array = csr_matrix((np.ones(len(rows)), (rows, x[rows, columns])), shape=(len(x), self._symbols))
        return counts

    def scores(self, split: Split) -> dict[str, Scores]:
        """The scores of both baselines on a split."""
        frequencies = np.broadcast_to(self._frequencies, (len(split.y), self._classes))
        bag = frequencies.copy()
        if self._model is not None:
            bag[:] = -1e3
            bag[:, self._model.classes_] = self._model.predict_log_proba(self._counts(split.x))
        return {"chance": classification(split.y, frequencies), "bag_of_words": classification(split.y, bag)}


def _sentence(generator: np.random.Generator, words: Sequence[str]) -> str:
    return " ".join(generator.choice(words, size=generator.integers(4, 20)))


def sample(folder: pathlib.Path) -> dict[str, object]:
    """Praise and blame, with words in common."""
    generator = np.random.default_rng(0)
    common = ["the", "film", "was", "and", "very", "long", "story", "actor"]
    kinds = {"good": [*common, "great", "moving"], "bad": [*common, "dull", "awful"]}
    rows = [f'{label},"{_sentence(generator, kinds[label])}"' for _ in range(100) for label in kinds]
    path = folder / "reviews.csv"
    path.write_text("\n".join(["label,text", *rows]), encoding="utf-8")
    return {"file": str(path), "vocabulary": 50}


task = Task(
    name="text_classification",
    title="Text classification",
    summary=(
        "The network reads the words of a text from your file and classifies it, such as a review as good or bad. "
        "A score above that of a bag of words shows that a cell uses the order of the words."
    ),
    loss_unit="nats per text",
    output="softmax",
    every_step=False,
    metrics=(ACCURACY,),
    train_size_unit="texts",
    options=TextClassificationOptions,
    make=make,
    score=classification,
    examples=examples,
    widths=lambda options: (options.vocabulary + _UNKNOWN + 1, len(_shared(options).classes)),
    identity=identity,
    facts=facts,
    target=("accuracy", "bag_of_words"),
    small=(60, 12),
    sample=sample,
)
