"""Looking at a claim while seeds are added: when it was looked at, and what each look saw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Looks:
    """When a claim was looked at, with the most seeds that one was willing to run, fixed before the first look."""

    through: tuple[int, ...]
    """The last seed that each look has seen, ascending."""
    most: int


@dataclass(frozen=True)
class Look:
    """What was known after the first n seeds. The interval is the repeated one: all looks' hold together at 95 %."""

    n: int
    effect: float
    low: float
    high: float
    p_value: float
    """Of this look by itself."""
    p_sequential: float
    """Of all looks so far; to be corrected across claims like any p-value."""
