"""The order of records does not change verdicts."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.store.frame import curves_frame, to_frame
from harness.verdicts.judge import judge
from tests.verdicts.records import ALL_KINDS, mixed_records, trials


def of_two_versions() -> list[dict[str, Any]]:
    """The mixed records, and some of the same trials with different code."""
    return [*mixed_records(), *trials(0.1, seeds=3, code="other", sequence_length=10)]


@cache
def in_order() -> list[str]:
    """The verdicts on the records in their original order."""
    records = of_two_versions()
    return sorted(map(repr, judge(ALL_KINDS, to_frame(records), curves_frame(records))))


@settings(max_examples=5, deadline=None, phases=set(Phase) - {Phase.shrink})  # no order is simpler than another
@given(st.randoms(use_true_random=False))
def test_the_same_records_give_the_same_verdicts_in_any_order(random: Any) -> None:
    records = of_two_versions()
    random.shuffle(records)
    shuffled = judge(list(reversed(ALL_KINDS)), to_frame(records), curves_frame(records))
    assert sorted(map(repr, shuffled)) == in_order()


def test_verdicts_come_in_the_order_of_the_claims() -> None:
    assert [verdict.id for verdict in judge(ALL_KINDS, to_frame(mixed_records()))] == [claim.id for claim in ALL_KINDS]
