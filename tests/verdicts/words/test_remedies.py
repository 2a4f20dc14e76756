"""The sentences on what would decide an undecided claim."""

from __future__ import annotations

from typing import Any

from harness.spec.claims import Comparison
from harness.store.interim import InterimAnalysis
from harness.verdicts.advantages import Scale
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.resolution import Resolution
from harness.verdicts.words.remedies import (
    interim_analyses,
    known_within,
    measured_better,
    seeds_wanted,
)
from tests.verdicts.records import paired
from tests.verdicts.words.samples import HORIZON, LOSS, PAIRED, SOLVED, TIME, TREND, evidence


def wanted(needed: int | None, n: int = 8, most: int | None = None, of: Comparison = PAIRED, **further: Any) -> str:
    scale = Scale("difference", "", 0.1)
    return seeds_wanted(evidence(of, scale=scale, n=n, seeds_for_power=needed, most_seeds=most, **further))


def test_the_seeds_required_are_stated_with_the_command() -> None:
    start = "80 % power to detect a difference of 0.1 requires about"
    assert wanted(None) == wanted(None, most=40) == ""
    assert wanted(8, most=40) == (
        "8 seeds have at least 80 % power to detect a difference of 0.1:"
        " if there is a difference, it is probably smaller."
    )
    assert wanted(12) == f"{start} 12 seeds (harness run FILE --seeds 12)."
    assert wanted(40, most=40) == f"{start} 40 seeds (harness run FILE --until-decided)."
    assert wanted(41, most=40) == f"{start} 41 seeds (more than the maximum of 40 that was fixed beforehand)."
    assert "more than 150 seeds. Instead, use a wider margin" in wanted(151, 150, 40)


def test_beyond_a_hundred_seeds_a_wider_margin_or_more_data_is_advised() -> None:
    time = OutcomeColumn("seconds_per_update", "seconds per update", "updates", True)
    for of, outcome, instead in (
        (TIME, LOSS, "a wider margin or longer training"),
        (HORIZON, LOSS, "a wider margin or longer training"),
        (SOLVED, LOSS, "a wider margin or longer training"),
        (TREND, LOSS, "a wider margin or more values of train size"),
        (paired(), LOSS, "a wider margin or more test data"),
        (paired(), time, "a wider margin"),
    ):
        assert wanted(101, most=40, of=of, outcome=outcome) == (
            f"80 % power to detect a difference of 0.1 requires more than 100 seeds. Instead, use {instead}."
        )


def test_a_claim_on_a_time_recommends_an_idle_machine() -> None:
    by_rounds = measured_better(OutcomeColumn("seconds_per_update", "Seconds per update", "s", True))
    assert by_rounds == (
        "Measure times on an otherwise idle machine or with more rounds (a smaller margin causes more rounds);"
        " more seeds do not reduce timing noise."
    )
    assert "rounds" not in measured_better(OutcomeColumn("seconds_total", "Seconds", "s", True))


def test_the_resolution_of_times_is_stated() -> None:
    known = "Times to target are known to within 30 updates, the largest interval between two evaluations around them."
    assert known_within(Resolution(30, too_coarse=False, finer_helps=False), "updates") == known
    assert known_within(Resolution(30, too_coarse=True, finer_helps=True, finer=1), "updates") == (
        f"{known} That is too coarse to decide the claim with any number of seeds; use `evaluate_every = 1`."
    )
    assert known_within(Resolution(30, too_coarse=False, finer_helps=True, finer=7), "updates") == (
        f"{known} Exact times might decide the claim; use `evaluate_every = 7`."
    )
    seconds = known_within(Resolution(0.29, too_coarse=True, finer_helps=True), "s")
    assert "to within 0.29 s" in seconds
    assert "; use a smaller `evaluate_every`." in seconds


def test_interim_analyses_are_stated_with_their_counts() -> None:
    analyses = [InterimAnalysis(n, 0.0, 0.0, 0.0, 1.0, 1.0) for n in (5, 10, 15)]
    adjusted = "of at most 40 seeds; p-value and interval are adjusted for"
    assert interim_analyses(analyses[:1], 40, 0) == f"Interim analysis after 5 {adjusted} it."
    assert interim_analyses(analyses[:2], 40, 1) == (
        f"Interim analyses after 5 and 10 {adjusted} them."
        " 1 seed came after the last interim analysis and does not count."
    )
    assert interim_analyses(analyses, 40, 2) == (
        f"Interim analyses after 5, 10 and 15 {adjusted} them."
        " 2 seeds came after the last interim analysis and do not count."
    )
    assert interim_analyses([], 40, 3) == "3 seeds came after the last interim analysis and do not count."
    assert interim_analyses([], 40, 0) == ""
