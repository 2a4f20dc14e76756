"""words: predict the next word of real text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.common.task import Array
from harness.tasks.text.next_token import UNKNOWN, TextOptions, next_token_task

_MARKS = ("Mn", "Mc", "Me")
"""Unicode categories of combining marks, which belong to the previous letter."""
_JOINERS = "\u200c\u200d"
"""Zero-width characters that join or separate letters within a word."""


class WordsOptions(TextOptions):
    """Options: the text, the size of the vocabulary, and the sizes of validation and test splits."""

    vocabulary: Annotated[int, Field(ge=1, le=50_000)] = 2000
    """Maximum number of different words: the most frequent in the training portion. All others count as one word, so
    losses are comparable only for equal vocabularies."""
    validation_size: Annotated[int, Field(ge=1)] = 5000
    """Number of words; at most a tenth of the text."""
    test_size: Annotated[int, Field(ge=1)] = 5000
    """Number of words; at most a tenth of the text."""


def words_of(text: str) -> list[str]:
    """The text's words in lower case: sequences of letters, digits and underscores, or of one repeated other sign.

    A combining mark belongs to the previous letter, in any script.
    """
    text = text.lower()
    marks = (character for character in set(text) if unicodedata.category(character) in _MARKS)
    inside = rf"[\w{re.escape(''.join(sorted(marks)) + _JOINERS)}]"
    return [match.group() for match in re.finditer(rf"\w{inside}*|([^\w\s])\1*", text)]


def _ids(words: Sequence[str], known: Sequence[str]) -> Array:
    ids = {word: at for at, word in enumerate(known, start=UNKNOWN + 1)}
    return np.array([ids.get(word, UNKNOWN) for word in words], dtype=np.int32)


task = next_token_task(
    name="words",
    title="Word-level language modelling",
    summary=(
        "The network reads real text and predicts each next word, from a vocabulary of fixed size. "
        "Good performance shows how much of the previous words a cell uses."
    ),
    unit="word",
    version="words 2",
    options=WordsOptions,
    tokens_of=words_of,
    ids_of=_ids,
    small=(2000, 32),
)
