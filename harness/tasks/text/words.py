"""words: predict each next word of real text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.text.next_token import UNKNOWN, Portions, TextOptions, next_token_task, split_points
from harness.tasks.text.text import Text, load_text

_MARKS = ("Mn", "Mc", "Me")
"""Unicode categories of the marks that belong to the letter before them."""
_JOINERS = "\u200c\u200d"
"""Characters without width that join or separate letters within a word."""


class WordsOptions(TextOptions):
    """Which text, which of its words are known, and how much of it measures."""

    vocabulary: Annotated[int, Field(ge=1, le=50_000)] = 2000
    """At most this many different words, the most frequent of the training portion; all others count as one word, so
    that losses are comparable between equal vocabularies only."""
    validation_size: Annotated[int, Field(ge=1)] = 5000
    """Words, at most a tenth of the text."""
    test_size: Annotated[int, Field(ge=1)] = 5000
    """Words, at most a tenth of the text."""


def words_of(text: str) -> list[str]:
    """The text's words in lower case: runs of letters, digits and underscores, or of one other sign.

    A combining mark belongs to the letter before it, in any script.
    """
    text = text.lower()
    marks = (character for character in set(text) if unicodedata.category(character) in _MARKS)
    inside = rf"[\w{re.escape(''.join(sorted(marks)) + _JOINERS)}]"
    return [match.group() for match in re.finditer(rf"\w{inside}*|([^\w\s])\1*", text)]


def _portions(options: WordsOptions) -> Portions:
    return _coded(load_text(options.text), options.vocabulary, options.validation_size, options.test_size)


@lru_cache(maxsize=4)
def _coded(text: Text, vocabulary: int, validation_size: int, test_size: int) -> Portions:
    words = words_of(text.characters)
    validation_at, test_at = split_points(len(words), validation_size, test_size)
    frequent = Counter(words[:validation_at]).most_common(vocabulary)
    ids = {word: at for at, (word, _) in enumerate(frequent, start=UNKNOWN + 1)}
    coded = np.array([ids.get(word, UNKNOWN) for word in words], dtype=np.int32)
    train, validation, test = np.split(coded, [validation_at, test_at])
    return Portions(train, validation, test, len(ids) + 1, text, "words")


task = next_token_task(
    name="words",
    title="Word-level language modelling",
    summary=(
        "The network reads real text and predicts each next word, out of a vocabulary of fixed size. "
        "Doing it well shows how much a cell uses of what was said before, a whole word a step."
    ),
    unit="word",
    version="words 2",
    options=WordsOptions,
    portions=_portions,
    small=(2000, 32),
)
