"""Which open claims get seeds first, and how many."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runner.open_claims import next_claim, next_count
from harness.verdicts.verdict import Verdict, VerdictWord


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


def chosen(*verdicts: Verdict, **seconds: float) -> str:
    return next_claim(verdicts, {verdict.id: seconds.get(verdict.id, 10.0) for verdict in verdicts}).id


CLEAR = leaning("for_it", 0.95, 0.05), leaning("equal", 0.02, 0.96), leaning("against", 0.01, 0.02)
OPEN = leaning("open", 0.6, 0.3)


@pytest.mark.parametrize("clear", CLEAR, ids=lambda verdict: verdict.id)
def test_a_claim_that_leans_clearly_comes_first_in_any_direction(clear: Verdict) -> None:
    assert chosen(OPEN, clear, leaning("unknown"), open=1.0) == clear.id


def test_of_the_claims_that_lean_clearly_the_one_with_the_shortest_trials_comes_first() -> None:
    assert chosen(OPEN, *CLEAR, equal=3.0, open=1.0) == "equal"
    assert chosen(*CLEAR, against=3.0) == "against"


def test_if_no_claim_leans_clearly_the_one_that_leans_most_comes_first() -> None:
    assert chosen(leaning("half", 0.5, 0.3), leaning("more", 0.2, 0.7), leaning("unknown"), half=1.0) == "more"
    assert chosen(leaning("unknown")) == "unknown"


def test_of_a_claim_with_conditions_the_condition_that_leans_least_counts() -> None:
    decided, near, far = leaning("a", word="supported"), leaning("b", 0.05, 0.03), leaning("c", 0.5, 0.3)
    torn = leaning("torn", 0.01, 0.98, conditions=(decided, far))
    assert chosen(torn, leaning("depends", 0.3, 0.4, conditions=(decided, near)), torn=1.0) == "depends"
    assert chosen(torn, leaning("together", 0.95, 0.03, conditions=(far, far)), torn=1.0) == "together"


def test_claims_with_fewer_than_five_seeds_come_first() -> None:
    assert chosen(leaning("few", 0.5, 0.2, n=3), leaning("more", 0.5, 0.2), more=1.0) == "few"


@pytest.mark.parametrize(
    ("n", "before", "count"), [(0, 0, 5), (3, 0, 5), (5, 0, 11), (7, 5, 13), (5, 11, 17), (39, 0, 40)]
)
def test_a_claim_gets_six_seeds_more_or_its_first_five(n: int, before: int, count: int) -> None:
    assert next_count(leaning("a", n=n), before, 40) == count


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_claim_that_gets_no_seeds_soon_reaches_the_maximum(n: int, most: int) -> None:
    before = 0
    for _ in range(most // 6 + 2):
        before = next_count(leaning("a", n=min(n, most)), before, most)
    assert before == most
