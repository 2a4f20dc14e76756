"""What the verdicts say first: what to believe, how large it is, of what it holds, and where the evidence is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.report.page.answer import (
    answer,
    effect,
    figure_of,
    margin_in_words,
    mean_outcomes,
    means,
    published,
    scope,
)
from harness.report.writing import page_files
from harness.verdicts.verdict import Pair, PublishedFigure, PublishedResult, Verdict
from harness.verdicts.words.conditions import condition_names
from tests.report.samples import comparison, frame, looks_of_three, plots, report_data, trial, verdicts

LOOKS = looks_of_three()


def verdict(word: str = "supported", **given: Any) -> Verdict:
    values: dict[str, Any] = {
        "id": "x", "claim": "x", "verdict": word, "effect": 0.1, "ci_low": 0.05, "ci_high": 0.2, "unit": "nats", "n": 5,
        "kind": "paired", "better": "gru", "than": "lstm", "on": "test_loss",
    }  # fmt: skip
    return Verdict(**(values | given))


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        (verdict(), "The claim holds here: GRU does better than LSTM by 0.1\u00a0nats."),
        (verdict("contradicted", effect=-0.1), "The opposite holds here: LSTM does better than GRU by 0.1\u00a0nats."),
        (verdict(effect=float("inf")), "The claim holds here: GRU does better than LSTM."),
        (verdict(kind="data-to-target"), "The claim holds here: GRU needs less data than LSTM by 0.1\u00a0nats."),
        (verdict("undecided", kind="data-to-target"),
         "Undecided: 5 seeds do not show whether GRU or LSTM needs less data."),
        (verdict(kind="trend"), "The claim holds here: the advantage changes as claimed by 0.1\u00a0nats."),
        (verdict(kind="crossing", crossing=12.34, crossing_low=9.0, crossing_high=17.0),
         "The claim holds here: GRU does better at the smallest value, LSTM at the largest, and the advantage changes"
         " sign at 12.3 [9, 17]."),
        (verdict(kind="crossing"),
         "The claim holds here: GRU does better at the smallest value, LSTM at the largest."),
        (verdict("contradicted", kind="crossing"),
         "The claim does not hold here: the advantage does not change sign as claimed."),
        (verdict("undecided", kind="crossing"), "Undecided: 5 seeds do not show whether the advantage changes sign."),
        (verdict("no practical difference"),
         "GRU and LSTM differ by less than the margin, which is too little to matter in practice."),
        (verdict("undecided"), "Undecided: 5 seeds do not show whether GRU or LSTM does better."),
        (verdict("undecided", n=0, effect=None), "There are no data to judge yet."),
        (verdict("depends", by_condition=(verdict(), verdict("undecided"), verdict("contradicted"))),
         "The verdict depends on the condition: supported in 1, undecided in 1, contradicted in 1 of 3 conditions."),
        (verdict("undecided", by_condition=(verdict(), verdict())),
         "Undecided when conditions are pooled; judged separately: supported in 2 of 2 conditions."),
        (verdict("undecided", by_condition=(verdict("undecided"),) * 2),
         "Undecided: 5 seeds do not show whether GRU or LSTM does better."),
        (verdict("contradicted", effect=-50.0, unit="%", scale="log ratio"),
         "The opposite holds here: LSTM does better than GRU by 2\u00a0times."),
        (verdict(effect=100.0, unit="%", scale="log ratio"),
         "The claim holds here: GRU does better than LSTM by 2\u00a0times."),
        (verdict("contradicted", effect=-50.0, unit="%", scale="relative difference"),
         "The opposite holds here: LSTM does better than GRU by 50\u00a0%."),
        (verdict("contradicted", effect=-50.0, unit="%", scale="log ratio", kind="trend"),
         "The opposite holds here: the advantage changes in the opposite direction by 2\u00a0times."),
        (verdict("not testable", kind="not-testable"), "No finite experiment can decide it."),
        (verdict("not testable"), "It could not be measured here."),
        (verdict(kind="exact"), "True: counted or computed, not estimated."),
        (verdict("contradicted", kind="exact"), "False: counted or computed, not estimated."),
    ],
)  # fmt: skip
def test_each_verdict_says_what_to_believe(judged: Verdict, sentence: str) -> None:
    assert means(judged, LOOKS) == sentence


@pytest.mark.parametrize(
    ("value", "unit", "kind", "text"),
    [
        (0.12, "nats", "paired", "+0.12\u00a0nats"),
        (-0.12, "nats", "paired", "−0.12\u00a0nats"),
        (24.7, "% fewer parameters", "exact", "24.7\u00a0% fewer parameters"),
        (24.7, "% fewer parameters", "", "24.7\u00a0% fewer parameters"),
        (-3.0, "% fewer parameters", "", "3\u00a0% more parameters"),
        (0.0, "gates", "exact", "0\u00a0gates"),
        (8.9e-16, "difference at most", "exact", "8.90\u00a0× 10⁻¹⁶ difference at most"),
        (None, "nats", "paired", "–"),
    ],
)
def test_a_sign_stands_where_the_words_do_not_say_the_direction(
    value: float | None, unit: str, kind: str, text: str
) -> None:
    assert effect(verdict(effect=value, unit=unit, kind=kind)) == text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"margin": 0.02}, "±0.02\u00a0nats"),
        ({"margin": 25.0, "unit": "%", "scale": "log ratio"}, "±25\u00a0%"),
        ({"margin": 25.0, "unit": "%", "scale": "relative difference"}, "±25\u00a0%"),
        ({}, ""),
    ],
)
def test_a_margin_holds_for_either_cell(given: dict[str, Any], words: str) -> None:
    assert margin_in_words(verdict(**given)) == words


def test_the_crosses_of_a_strip_are_explained_where_there_are_any() -> None:
    pairs = (Pair(0, 1.0, float("nan"), float("inf")), Pair(1, 1.0, 1.1, 0.1))
    lost, whole = verdict(kind="time-to-target", pairs=pairs), verdict(pairs=pairs[1:])
    shown = answer(report_data(frame(), verdicts=[lost, whole]), LOOKS, [])
    assert [one["crosses"] for one in shown] == ["✗ n: number of pairs in which one trial missed the target.", ""]
    html = page_files(report_data(frame(), verdicts=[lost, whole]))["report.html"].decode()
    assert html.count("number of pairs") == 1


def test_what_is_as_usual_is_no_part_of_the_scope() -> None:
    conditions = {"task": "recall", "layers": 1, "dropout": 0.0, "optimizer": "adam", "reset_after": True,
                  "forget_bias": ["", "chrono"], "machine": "3f2a9c"}  # fmt: skip
    assert scope(conditions) == [("task", "recall"), ("forget bias", ", chrono"), ("machine", "3f2a9c")]
    assert scope({"layers": 2, "reset_after": False}) == [("layers", "2"), ("reset after", "False")]


def test_each_kind_of_claim_leads_to_its_figure() -> None:
    verdicts = [
        *plots(comparison(2)).values(),
        *plots(frame(*(trial(task="sound_events", test_segment_f1=0.4, seed=s) for s in (0, 1)))).values(),
    ]
    recall, language, sounds = ({"task": name} for name in ("recall", "language", "sound_events"))
    for judged, figure in (
        (verdict(conditions=language), "loss-by-size"),
        (verdict(on="test_bits_per_character", conditions=language), "loss-by-size"),
        (verdict(on="test_accuracy", conditions=recall), "accuracy-by-length"),
        (verdict(on="test_accuracy", conditions={**recall, "sequence_length": [4, 8]}), "accuracy-by-length"),
        (verdict(on="test_segment_f1", conditions=sounds), "scores"),
        (verdict(on="seconds_per_update", conditions=language), "seconds-per-update"),
        (verdict(on="memory_peak_bytes"), "memory"),
        (verdict(kind="horizon", on="", conditions=recall), "horizon"),
        (verdict(kind="proportion", on="", conditions=recall), "solved"),
        (verdict(kind="data-to-target", on="solved", conditions=language), "loss-by-size"),
        (verdict(kind="exact", on="", unit="% fewer parameters"), "parameters"),
        (verdict(kind="exact", on="", unit="gates"), "architectures"),
        (verdict("not testable", kind="not-testable"), ""),
        (verdict(conditions={"task": "unknown"}), ""),
    ):
        assert figure_of(judged, verdicts) == figure, judged


def test_the_cells_means_and_the_baselines_stand_in_the_verdict() -> None:
    rows = frame(*(
        trial(cell=cell, sequence_length=length, baseline_chance_accuracy=0.125,
              baseline_simple_guess_accuracy=length / 16)
        for cell in ("gru", "lstm") for length in (4, 8)
    ))  # fmt: skip
    pairs = (Pair(0, 0.6, 0.5, 0.1), Pair(1, 0.8, float("nan"), float("inf")))
    judged = verdict(on="test_accuracy", pairs=pairs, conditions={"task": "recall", "sequence_length": 8})
    assert mean_outcomes(judged, rows, LOOKS) == (
        "Mean test accuracy: GRU 0.7, LSTM 0.5; baselines: chance 0.125, simple guess 0.5."
    )
    assert mean_outcomes(verdict(on="seconds_per_update", pairs=pairs), rows, LOOKS) == ""


def test_a_baseline_that_is_not_beaten_is_stated_once() -> None:
    said = "GRU does not beat the baseline 'chance'."
    judged = replace(verdicts()[1], reason=f"It is better. {said}", baseline=said)
    (shown,) = answer(report_data(frame(), verdicts=[judged]), LOOKS, [])
    assert said not in shown["reason"]
    assert shown["baseline"] == said


def test_conditions_are_named_by_the_fewest_factors_that_distinguish_them() -> None:
    parts = [
        verdict(conditions={"matched": "parameters", "units": [16, 20], "train_size": 10}),
        verdict(conditions={"matched": "units", "units": 16, "train_size": 10}),
    ]
    assert condition_names(parts) == ["equal parameters", "equal units"]


QUOTED = PublishedResult(
    "A book, table 1",
    "The GRU was better.",
    "nats",
    "A larger network.",
    (PublishedFigure("gru", 8.54, 8.6, 8.5, 8.7, 5), PublishedFigure("lstm", 7, None)),
)


def test_published_figures_stand_beside_those_measured() -> None:
    shown = published(verdict(published=QUOTED), LOOKS)
    assert shown is not None
    assert shown["rows"] == [("GRU", "8.54", "8.60 [8.50, 8.70]", "inside"), ("LSTM", "7", "not measured", "")]
    assert published(verdict(), LOOKS) is None
    page = page_files(report_data(verdicts=[verdict(published=QUOTED)]))["report.html"].decode()
    assert "Published in A book, table 1." in page
    assert "Differences in set-up: A larger network." in page
    assert "Published (nats)" in page
    assert "The GRU was better." in page
    in_words = replace(QUOTED, figures=())
    assert (
        "The GRU was better." in page_files(report_data(verdicts=[verdict(published=in_words)]))["report.html"].decode()
    )


def test_a_published_figure_is_a_reference_line_in_the_panels_of_its_condition() -> None:
    quoting = replace(verdicts()[1], conditions={"task": "language", "train_size": [2000, 8000]}, published=QUOTED)
    frame = comparison()
    described = plots(frame, verdicts=[quoting])
    (panel,) = described["loss-by-size"].panels
    assert [line.label for line in panel.references if "published" in line.label] == ["GRU published", "LSTM published"]
    assert [line.level for line in panel.references if "published" in line.label] == [8.54, 7]
    elsewhere = replace(quoting, conditions={"task": "recall"})
    assert not [
        line.label
        for plot in plots(frame, verdicts=[elsewhere]).values()
        for panel in plot.panels
        for line in panel.references
        if "published" in line.label
    ]
