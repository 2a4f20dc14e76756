"""The best set of a condition: the cells that no other cell beats, by a verdict on every pair of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from harness.errors import UserError
from harness.spec.claims import Comparison, Paired, TimeToTarget, Where
from harness.verdicts.judge import Measured, examine_pairs
from harness.verdicts.outcomes import with_outcome
from harness.verdicts.pairs import find_pairs
from harness.verdicts.verdict import VerdictWord


@dataclass(frozen=True)
class Contest:
    """The trials of one condition, and the outcome on which their cells are compared."""

    trials: pd.DataFrame
    cells: tuple[str, ...]
    on: str
    """A column of the records, or 'time-to-target' for the updates to the task's target."""
    margin: float | str
    """The equivalence margin, as in a claim: in the unit of the outcome, or relative, such as '5%'."""


@dataclass(frozen=True)
class PairVerdict:
    """The verdict on the claim that the first of two cells is better than the second."""

    word: VerdictWord
    effect: float | None
    """As in `Verdict`: positive if the first cell is better; of a log ratio, the percent change."""
    unit: str
    scale: str
    p_adjusted: float


Verdicts = Mapping[tuple[str, str], PairVerdict]
"""A verdict for each pair of cells, once, in the order of `Contest.cells`. Pairs without trials of equal seed are
missing."""


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
    verdicts: list[dict[tuple[str, str], PairVerdict]] = [{} for _ in contests]
    for (place, pair), compared in zip(places, examine_pairs(measured), strict=True):
        overall = compared.overall
        effect = overall.scale.show(overall.sample.estimate.effect) if overall.informed else None
        verdicts[place][pair] = PairVerdict(
            compared.word, effect, overall.scale.unit, overall.scale.kind, overall.p_adjusted
        )
    return list(verdicts)


def _claim(contest: Contest, better: str, than: str) -> Comparison:
    """The claim without the checks of an experiment file: a stored cell need not be registered here."""
    fields: dict[str, Any] = {"id": "pair", "claim": "", "source": "", "better": better, "than": than, "where": Where()}
    if contest.on == "time-to-target":
        return TimeToTarget.model_construct(kind="time-to-target", margin=contest.margin, **fields)
    return Paired.model_construct(kind="paired", on=contest.on, margin=contest.margin, **fields)


def beaten(verdicts: Verdicts) -> set[str]:
    """The cells that at least one other cell beats: the test rejects equality, and the cells are not equivalent."""
    losers = {than for (_, than), verdict in verdicts.items() if verdict.word == "supported"}
    return losers | {better for (better, _), verdict in verdicts.items() if verdict.word == "contradicted"}
