"""Order and length of the turns in a timing block, with simulated processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from harness.runner.engine import Trial
from harness.runner.local import turns
from harness.runner.local.turns import TimingBlock
from harness.runner.precision import EVERY_PAIR, Precision
from tests.factories import record, spec


class Pretend:
    """A process whose warm-up takes half a second per update, and whose updates take a millisecond each after that."""

    own = 100

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.turns: list[float] = [0.5]
        self.counts: list[int] = []

    def take_turn(self, count: int) -> None:
        self.counts.append(count)
        if count:
            self.turns.append(0.001)

    def note(self, timing_block: str, noisy: bool | None = None) -> None: ...

    def own_bytes(self) -> int:
        return self.own


def run(specs: Sequence[Any], precision: Precision = EVERY_PAIR) -> tuple[list[list[Pretend]], list[Any]]:
    """The processes of each group, in the order in which they were started, and the records."""
    groups: list[list[Pretend]] = [[]]

    def start(trial: Trial) -> Pretend:
        groups[-1].append(Pretend(trial))
        return groups[-1][-1]

    block = TimingBlock([Trial(s.id(), s) for s in specs], start, precision)  # type: ignore[arg-type]
    while not block.finished():
        block.advance()
        if all(child.counts and child.counts[-1] == 0 for child in groups[-1]):
            for child in groups[-1]:
                block.ended(child, record(child.trial.spec))  # type: ignore[arg-type]
            groups.append([])
    return groups[:-1], list(block.finished())


def test_the_length_of_a_turn_follows_from_the_fastest_turn() -> None:
    ((child, _),), _ = run([spec(lane="speed"), spec(lane="speed", cell="lstm")])
    assert child.counts[:3] == [1, 50, 50]


@pytest.mark.parametrize(("free", "sizes"), [(150, [4]), (149, [2, 2, 2])])
def test_a_further_process_starts_if_free_memory_is_one_and_a_half_times_that_of_the_largest(
    monkeypatch: pytest.MonkeyPatch, free: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(turns, "free_memory", lambda: free)
    specs = [spec(lane="speed", cell=f"cell-{number}") for number in range(4)]
    groups, records = run(specs)
    assert [len(group) for group in groups] == sizes
    assert {group[0].trial.spec.cell for group in groups} == {"cell-0"}
    split = len(sizes) > 1
    assert [r.timing_group for r in records] == ([1, 1, 2, 3] if split else [None] * 4)
    assert {len(r.reference_rounds) for r in records} == {10 if split else 0}


def test_the_reference_has_most_comparisons_and_compared_trials_are_neighbours() -> None:
    specs = [spec(cell=cell, backend=backend) for backend in ("fused", "article", "keras") for cell in ("gru", "lstm")]
    precision = Precision((("fused", "keras", 0.02), ("article", "keras", 0.02)))
    ((*children,),), _ = run(specs, precision)
    assert [(child.trial.spec.cell, child.trial.spec.backend) for child in children] == [
        ("gru", "keras"), ("gru", "fused"), ("gru", "article"),
        ("lstm", "keras"), ("lstm", "fused"), ("lstm", "article"),
    ]  # fmt: skip
