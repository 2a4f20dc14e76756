"""Numbers as text."""

from __future__ import annotations

import math

import pytest

from harness.words import natural, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (math.nan, "–"), (0.0, "0"), (12714.0, "12,714"), (0.0200, "0.02"), (2.0001, "2.00"), (-4.1, "−4.10"),
     (1234.5678, "1,235"), (0.9996, "1"), (-0.9997, "−1"), (0.09996, "0.1"),
     (0.00001234, "1.23 × 10⁻⁵"), (math.inf, "∞")],
)  # fmt: skip
def test_numbers_are_written_for_reading(value: float | None, text: str) -> None:
    assert number(value) == text


def test_names_are_sorted_by_the_numbers_in_them() -> None:
    names = ["size 16", "size 256", "size 9", "a", "2 b", "10 b", "size 9, c 3", ""]
    assert sorted(names, key=natural) == ["", "a", "size 9", "size 9, c 3", "size 16", "size 256", "2 b", "10 b"]
