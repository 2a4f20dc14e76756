"""Tuning of learning rates: the tables that a sweep may have in place of rates."""

from __future__ import annotations

import math
import random
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from harness.spec.types import STRICT, Positive, among, as_tuple, at_least

FIRST_TUNING_SEED = 1_000_000
"""First seed of tuning trials. They share no seed with the comparison, so no trial is judged at a rate that its seed
chose."""
_DIGITS = 4
"""Significant digits of a drawn rate: enough for 200 different rates between a rate and its double."""


_Bound = Annotated[float, Field(ge=1e-9, le=1e6, allow_inf_nan=False)]
"""A bound of drawn rates: far from the smallest floats, of which there are too few to draw from."""


class Tuning(BaseModel):
    """What a grid of rates and a random search have in common."""

    model_config = STRICT

    seeds: Annotated[int, Field(ge=1, le=1000)] = 2
    """Number of tuning trials per rate. Their seeds start at 1,000,000, apart from those of the comparison."""
    at: Literal["middle", "all"] = "middle"
    """middle: tune at the middle size and length of the sweep; all: tune at each size and length separately."""

    def seed_numbers(self) -> range:
        """The seeds of the tuning trials."""
        return range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + self.seeds)

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates to try."""
        raise NotImplementedError


class Tune(Tuning):
    """The table `learning_rate = { tune = [...], seeds = 2, at = "middle" }` of a sweep: a grid."""

    tune: Annotated[tuple[Positive, ...], at_least(2), BeforeValidator(as_tuple)]
    """The rates to try."""

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates of the grid, as given."""
        return self.tune


class Search(Tuning):
    """The table `learning_rate = { search = "log-uniform", low = 1e-4, high = 1e-2, trials = 10 }` of a sweep."""

    search: Annotated[str, among("search", ("log-uniform", "uniform"))]
    """The distribution of the rates: uniform between `low` and `high`, or log-uniform: that of their logarithms."""
    low: _Bound
    """The smallest rate that may be drawn."""
    high: _Bound
    """The largest rate that may be drawn."""
    trials: Annotated[int, Field(ge=2, le=200)] = 10
    """Number of rates to draw. Every cell tries the same rates."""

    @model_validator(mode="after")
    def _wide_enough(self) -> Self:
        if self.high < 2 * self.low:
            raise ValueError(f"'high' is {self.high:g} and 'low' {self.low:g}; expected 'high' at least twice 'low'")
        return self

    @property
    def rates(self) -> tuple[float, ...]:
        """The drawn rates, ascending, rounded to four digits. The same table always draws the same rates."""
        generator = random.Random(f"{self.low!r} {self.high!r} {self.trials}")
        drawn: set[float] = set()
        while len(drawn) < self.trials:
            if self.search == "uniform":
                rate = generator.uniform(self.low, self.high)
            else:
                rate = math.exp(generator.uniform(math.log(self.low), math.log(self.high)))
            drawn.add(min(max(float(f"{rate:.{_DIGITS}g}"), self.low), self.high))
        return tuple(sorted(drawn))
