"""language: predict the next character of real text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.common.task import Array
from harness.tasks.text.next_token import UNKNOWN, TextOptions, next_token_task


class LanguageOptions(TextOptions):
    """Options: the text, and the size of the vocabulary."""

    vocabulary: Annotated[int, Field(ge=1, le=20_000)] = 256
    """Maximum number of different characters: the most frequent in the training portion. All others count as one."""


def _ids(text: str, known: Sequence[str]) -> Array:
    """Each character's index in the sorted `known` ones, from 1; 0 if it is not among them."""
    points, ordered = (
        np.frombuffer(characters.encode("utf-32-le"), dtype=np.uint32) for characters in (text, "".join(sorted(known)))
    )
    at = np.minimum(np.searchsorted(ordered, points), len(ordered) - 1)
    return np.where(ordered[at] == points, at + 1, UNKNOWN).astype(np.int32)


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
    tokens_of=lambda text: text,
    ids_of=_ids,
    small=(12_800, 128),
)
