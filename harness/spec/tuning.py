"""Tuning of learning rates: the table that a sweep may have in place of rates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from harness.spec.types import STRICT, Positive, as_tuple, at_least

FIRST_TUNING_SEED = 1_000_000
"""First seed of tuning trials. They share no seed with the comparison, so no trial is judged at a rate that its seed
chose."""


class Tune(BaseModel):
    """The table `learning_rate = { tune = [...], seeds = 2, at = "middle" }` of a sweep."""

    model_config = STRICT

    tune: Annotated[tuple[Positive, ...], at_least(2), BeforeValidator(as_tuple)]
    """The rates to try."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 2
    """Number of tuning trials per rate. Their seeds start at 1,000,000, apart from those of the comparison."""
    at: Literal["middle", "all"] = "middle"
    """middle: tune at the middle size and length of the sweep; all: tune at each size and length separately."""

    def seed_numbers(self) -> range:
        """The seeds of the tuning trials."""
        return range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + self.seeds)
