"""Which open claims get their seeds first, and how many."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.verdict import Verdict, VerdictWord
from harness.until_decided import nearest_to_a_decision, next_count


def leaning(
    id: str,
    favour: float | None = None,
    within: float | None = None,
    *,
    n: int = 5,
    word: VerdictWord = "undecided",
    conditions: tuple[Verdict, ...] = (),
) -> Verdict:
    bare = Verdict(id, "It is better.", word, None, None, None, "", n)
    against = None if favour is None or within is None else 1 - favour - within
    return replace(bare, lean_favour=favour, lean_within=within, lean_against=against, by_condition=conditions)


def chosen(*verdicts: Verdict) -> set[str]:
    return {verdict.id for verdict in nearest_to_a_decision(verdicts)}


def test_claims_that_lean_clearly_come_first_in_any_direction() -> None:
    for_it, equal = leaning("for", 0.95, 0.05), leaning("equal", 0.02, 0.96)
    against, open_ = leaning("against", 0.01, 0.02), leaning("open", 0.6, 0.3)
    assert chosen(open_, for_it, equal, against) == {"for", "equal", "against"}


def test_where_none_leans_clearly_the_one_that_leans_most_comes_next() -> None:
    assert chosen(leaning("half", 0.5, 0.3), leaning("more", 0.1, 0.8), leaning("unknown")) == {"more"}
    assert chosen(leaning("unknown")) == {"unknown"}


def test_of_a_claim_with_conditions_the_one_that_leans_least_counts() -> None:
    found, near = leaning("a", word="supported"), leaning("b", 0.05, 0.03)
    far = leaning("c", 0.5, 0.3)
    depends = leaning("depends", 0.3, 0.4, conditions=(found, near))
    torn = leaning("torn", 0.01, 0.98, conditions=(found, far))
    assert chosen(depends, torn) == {"depends"}
    assert chosen(depends, leaning("together", 0.95, 0.03, conditions=(far, far))) == {"depends", "together"}


def test_claims_with_fewer_than_five_seeds_come_first() -> None:
    assert chosen(leaning("few", 0.5, 0.2, n=3), leaning("more", 0.5, 0.2)) == {"few"}


@pytest.mark.parametrize(
    ("n", "before", "count"), [(0, 0, 5), (3, 0, 5), (5, 0, 11), (7, 5, 13), (5, 11, 17), (39, 0, 40)]
)
def test_a_claim_gets_six_seeds_more_or_its_first_five(n: int, before: int, count: int) -> None:
    assert next_count(leaning("a", n=n), before, 40) == count


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_claim_that_gets_no_seeds_is_soon_asked_for_the_most(n: int, most: int) -> None:
    before = 0
    for _ in range(most // 6 + 2):
        before = next_count(leaning("a", n=min(n, most)), before, most)
    assert before == most
