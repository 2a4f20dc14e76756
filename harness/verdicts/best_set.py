"""The best set of a condition: the cells that no other cell beats, by a verdict on every pair of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from harness.errors import UserError
from harness.spec.claims import Comparison, Paired, TimeToTarget
from harness.verdicts.judge import Measured, judge_pairs
from harness.verdicts.outcomes import with_outcome
from harness.verdicts.pairs import find_pairs
from harness.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Contest:
    """The trials of one condition, and the outcome on which their cells are compared."""

    trials: pd.DataFrame
    cells: tuple[str, ...]
    on: str
    """A column of the records, or 'time-to-target' for the updates to the task's target."""
    margin: float | str
    """The equivalence margin, as in a claim: in the unit of the outcome, or relative, such as '5%'."""


Verdicts = Mapping[tuple[str, str], Verdict]
"""(cell, other cell) to the verdict on the claim that the first is better than the second; a pair of cells is judged
once, in the order of `Contest.cells`. Pairs without trials of equal seed are missing."""


def pairwise(contests: Sequence[Contest], curves: pd.DataFrame | None) -> list[Verdicts]:
    """The verdict on every pair of cells of each contest; all comparisons are corrected as one family of tests."""
    measured: list[Measured] = []
    places: list[tuple[int, tuple[str, str]]] = []
    for place, contest in enumerate(contests):
        for pair in combinations(contest.cells, 2):
            claim = _claim(contest, *pair)
            try:
                trials, outcome = with_outcome(contest.trials, claim, curves)
                paired = find_pairs(trials, claim, outcome.column, outcome.low)
            except UserError:  # a figure of the report shows what is measured; here it is just not compared
                continue
            if paired.conditions:
                measured.append((claim, paired, outcome))
                places.append((place, pair))
    verdicts: list[dict[tuple[str, str], Verdict]] = [{} for _ in contests]
    for (place, pair), verdict in zip(places, judge_pairs(measured), strict=True):
        verdicts[place][pair] = verdict
    return list(verdicts)


def _claim(contest: Contest, better: str, than: str) -> Comparison:
    common: dict[str, Any] = {"id": "pair", "claim": f"{better} is better than {than}", "better": better, "than": than}
    if contest.on == "time-to-target":
        return TimeToTarget(kind="time-to-target", margin=contest.margin, **common)
    return Paired(kind="paired", on=contest.on, margin=contest.margin, **common)


def beaten(verdicts: Verdicts) -> set[str]:
    """The cells that at least one other cell beats: the test rejects equality, and the cells are not equivalent."""
    losers = {than for (_, than), verdict in verdicts.items() if verdict.verdict == "supported"}
    return losers | {better for (better, _), verdict in verdicts.items() if verdict.verdict == "contradicted"}
