"""language: predict the next character of real text."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.common.task import Array
from harness.tasks.text.documentation import Text
from harness.tasks.text.next_token import UNKNOWN, Portions, TextOptions, next_token_task, split_points
from harness.tasks.text.text import load_text


class LanguageOptions(TextOptions):
    """Options: the text, and the size of the vocabulary."""

    vocabulary: Annotated[int, Field(ge=1, le=20_000)] = 256
    """Maximum number of different characters: the most frequent in the training portion. All others count as one."""


def _portions(options: LanguageOptions) -> Portions:
    return _coded(load_text(options.text), options.vocabulary, options.validation_size, options.test_size)


@lru_cache(maxsize=4)
def _coded(text: Text, vocabulary: int, validation_size: int, test_size: int) -> Portions:
    validation_at, test_at = split_points(len(text.characters), validation_size, test_size)
    frequent = Counter(text.characters[:validation_at]).most_common(vocabulary)
    known = np.sort(np.array([ord(character) for character, _ in frequent], dtype=np.uint32))
    train, validation, test = np.split(_ids(text.characters, known), [validation_at, test_at])
    return Portions(train, validation, test, len(known) + 1, text, "characters")


def _ids(text: str, known: Array) -> Array:
    """Each character's index in `known`, from 1; 0 if it is not in `known`."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    at = np.minimum(np.searchsorted(known, points), len(known) - 1)
    return np.where(known[at] == points, at + 1, UNKNOWN).astype(np.int32)


task = next_token_task(
    name="language",
    title="Character-level language modelling",
    summary=(
        "The network reads real text and predicts each next character. "
        "Good performance on little text shows how quickly a cell learns structure from data, "
        "and on long sequences how much of the past it uses."
    ),
    unit="character",
    version="language 1",
    options=LanguageOptions,
    portions=_portions,
    small=(12_800, 128),
)
