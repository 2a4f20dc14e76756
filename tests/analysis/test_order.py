"""The same records give the same verdicts, whatever order they come in."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.analysis.frame import curves_frame, to_frame
from harness.analysis.judge import judge
from tests.analysis.records import ALL_KINDS, mixed_records, trials


@settings(max_examples=8, deadline=None, phases=set(Phase) - {Phase.shrink})  # no order is simpler than another
@given(st.randoms(use_true_random=False))
def test_the_same_records_give_the_same_verdicts_in_any_order(random: Any) -> None:
    records = [
        *mixed_records(),
        *trials(0.1, seeds=3, code="other", sequence_length=10),
    ]  # the same trials, by other code
    expected = judge(ALL_KINDS, to_frame(records), curves_frame(records))
    random.shuffle(records)
    shuffled = judge(list(reversed(ALL_KINDS)), to_frame(records), curves_frame(records))
    assert repr(sorted(shuffled, key=lambda found: found.id)) == repr(sorted(expected, key=lambda found: found.id))


def test_verdicts_come_in_the_order_of_the_claims() -> None:
    assert [found.id for found in judge(ALL_KINDS, to_frame(mixed_records()))] == [claim.id for claim in ALL_KINDS]
