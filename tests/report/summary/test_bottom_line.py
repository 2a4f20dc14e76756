"""The bottom line: sentences that follow from the matrix and the verdicts by rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.report.figures.cost import PARAMETERS, SECONDS_PER_UPDATE
from harness.report.figures.plot import Axis, Centre, Quantity
from harness.report.summary.bottom_line import bottom_line
from harness.report.summary.matrix import Entry, Matrix, Row
from harness.verdicts.best_set import PairVerdict
from harness.verdicts.verdict import Verdict

CELLS = ("simple_rnn", "gru", "lstm")
TITLES = {"simple_rnn": "simple RNN", "gru": "GRU", "lstm": "LSTM"}
ACCURACY = Quantity("test_accuracy", Axis("Test accuracy", "%"), 100.0, "higher")


def row(title: str, *best: str, decided: bool = True) -> Row:
    entries = {cell: Entry(Centre(0.0, 1.0, None, None, 5), 5, best=cell in best) for cell in CELLS}
    return Row(title, title.lower(), ACCURACY, entries, decided)


def said(rows: list[Row], *verdicts: Verdict, costs: tuple[Row, ...] = ()) -> list[str]:
    return bottom_line(Matrix(CELLS, tuple(rows), costs), verdicts, TITLES)


def claim(word: str, better: str = "gru", than: str = "lstm", **given: Any) -> Verdict:
    return Verdict("c", "C", word, better=better, than=than, kind="paired", **given)  # type: ignore[arg-type]


def times(backend: str, effect: float, word: str = "supported") -> Row:
    verdict = PairVerdict(word, effect, "%", "log ratio", 0.01)  # type: ignore[arg-type]
    entries = {cell: Entry(Centre(0.0, 1.0, None, None, 5), 5) for cell in CELLS}
    return Row(
        "Recall", "recall", SECONDS_PER_UPDATE, entries, True, backend=backend, verdicts={("gru", "lstm"): verdict}
    )


def weights(**counts: int) -> Row:
    entries = {cell: Entry(Centre(0.0, count, None, None, 0), 5) for cell, count in counts.items()}
    return Row("Recall", "recall", PARAMETERS, entries, True)


def test_the_first_sentence_ranks_the_cells_by_the_tasks_on_which_they_are_among_the_best() -> None:
    (sentence,) = said([row("Recall", "gru"), row("Adding", "gru"), row("Text", "lstm")])
    assert sentence == "GRU is among the best on 2 of 3 tasks (Recall, Adding) and LSTM on 1 (Text)."
    (sentence,) = said([row("Recall", "gru", "lstm"), row("Text", "gru")])
    assert sentence == "GRU is among the best on both tasks and LSTM on 1 (Recall)."


def test_of_a_single_task_the_best_cells_are_named() -> None:
    assert said([row("Recall", "gru")]) == ["On Recall, GRU is best."]
    assert said([row("Recall", "gru", "lstm")]) == ["On Recall, GRU and LSTM are best."]


def test_tasks_without_a_decision_are_stated() -> None:
    (sentence,) = said([row("Recall", "gru"), row("Text", *CELLS, decided=False)])
    assert sentence == "On Recall, GRU is best; on 1 task no difference is shown."
    (sentence,) = said([row("Recall", "gru"), row("Adding", "gru"), row("Text", *CELLS, decided=False)])
    assert sentence == "GRU is among the best on 2 of 3 tasks (Recall, Adding); on 1 task no difference is shown."
    (sentence,) = said([row("Recall", *CELLS, decided=False), row("Text", *CELLS, decided=False)])
    assert sentence == "The trials do not show that one cell is better than another on any of the 2 tasks."


def test_cells_that_do_not_beat_a_baseline_are_not_praised() -> None:
    entries = {cell: Entry(None, 5, best=cell == "gru", beats_baseline=False) for cell in CELLS}
    below = replace(row("Recall"), entries=entries, baseline="chance 50")
    assert said([below]) == ["On Recall, GRU is best; no cell beats the strongest baseline on Recall."]
    assert said([below, row("Text", "gru")])[0].endswith(
        "on both tasks; no cell beats the strongest baseline on Recall."
    )


def test_the_second_sentence_states_times_by_backend_and_parameters() -> None:
    costs = (times("fused", 25.0), times("keras", -20.0, "contradicted"), weights(gru=750, lstm=1000))
    sentence = said([row("Recall", "gru")], claim("supported"), costs=costs)[1]
    assert sentence == (
        "Per update, GRU is 25 % faster than LSTM with backend fused and 25 % slower with backend keras;"
        " it has 25 % fewer parameters."
    )


def test_the_comparison_is_the_same_from_the_other_side() -> None:
    costs = (times("fused", 25.0), weights(gru=750, lstm=1000))
    sentence = said([row("Recall", "lstm")], claim("supported"), costs=costs)[1]
    assert sentence == "Per update, LSTM is 25 % slower than GRU; it has 33 % more parameters."


def test_where_no_cell_is_best_the_claims_say_which_costs_are_compared() -> None:
    costs = (weights(simple_rnn=500, gru=750, lstm=1000),)
    sentence = said([row("Recall", *CELLS, decided=False)], claim("undecided", "lstm", "gru"), costs=costs)[1]
    assert sentence == "LSTM has 33 % more parameters than GRU."


def test_times_that_do_not_differ_are_said_not_to() -> None:
    equal = said([row("Recall", "gru")], claim("supported"), costs=(times("fused", 1.0, "no practical difference"),))
    assert equal[1] == "Per update, GRU is about as fast as LSTM."
    unknown = said([row("Recall", "gru")], claim("supported"), costs=(times("fused", 1.0, "undecided"),))
    assert unknown[1] == "Per update, GRU is not shown to be faster or slower than LSTM."


def test_times_that_were_not_measured_alone_are_left_out() -> None:
    matrix = Matrix(CELLS, (row("Recall", "gru"),), (times("fused", 25.0), weights(gru=750, lstm=1000)), alone=False)
    sentences = bottom_line(matrix, [claim("supported")], TITLES)
    assert sentences[1] == "GRU has 25 % fewer parameters than LSTM."


def test_the_last_sentence_counts_the_measured_claims() -> None:
    exact = Verdict("e", "E", "supported", kind="exact")
    (sentence,) = said([], claim("supported"), claim("supported"), claim("contradicted"), claim("undecided"), exact)
    assert sentence == "Of 4 measured claims, 2 are supported, 1 is contradicted and 1 is undecided."


def test_the_sentence_states_that_nothing_is_decided() -> None:
    assert said([], claim("undecided"), claim("undecided")) == ["None of the 2 measured claims is decided yet."]
    assert said([], claim("undecided")) == ["The claim is undecided."]
    assert said([]) == []
