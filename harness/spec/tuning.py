"""Learning rates to tune: the table that a sweep may give in place of rates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from harness.spec.types import STRICT, AtLeast, Positive, as_tuple

FIRST_TUNING_SEED = 1_000_000
"""Tuning seeds start here, so that no seed chooses a rate and is judged with it."""


class Tune(BaseModel):
    """`learning_rate = { tune = [...], seeds = 2, at = "middle" }` of a sweep."""

    model_config = STRICT

    tune: Annotated[tuple[Positive, ...], AtLeast(2), BeforeValidator(as_tuple)]
    """The rates to try."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 2
    """Trials of each rate; their seeds are no others' (1,000,000 and up)."""
    at: Literal["middle", "all"] = "middle"
    """At the middle one of the sweep's sizes and lengths, or at each of them by itself."""

    def seed_numbers(self) -> range:
        """The seeds of the first stage."""
        return range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + self.seeds)
