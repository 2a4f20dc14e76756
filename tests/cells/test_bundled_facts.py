"""Facts about the equations, computed without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from harness.cells import Cell, bundled_facts, cells
from harness.cells import lstm as lstm_equations
from harness.cells.cell import Gates, Recurrence, Saved, States
from harness.cells.facts import facts
from harness.errors import UserError
from harness.store.frame import to_frame

EMPTY = to_frame([])


def test_operations_are_two_per_weight_and_the_others_per_unit() -> None:
    cell = Cell("x", "", "", ("a", "b"), (), step=cells["gru"].step)
    counts = replace(bundled_facts.counts(cell), functions=1, elementwise=3)
    assert counts.operations(3, 4) == 2 * 2 * (3 + 4) * 4 + (1 + 3) * 4


def test_counts_are_those_of_the_equations() -> None:
    rnn, gru, lstm = (bundled_facts.counts(cells[name]) for name in ("simple_rnn", "gru", "lstm"))
    assert (rnn.multiplicative_gates, gru.multiplicative_gates, lstm.multiplicative_gates) == (0, 2, 3)
    assert (rnn.gates, gru.gates, lstm.gates) == (1, 3, 4)
    assert (rnn.functions, gru.functions, lstm.functions) == (1, 3, 5)
    assert (rnn.recurrent_products, gru.recurrent_products, lstm.recurrent_products) == (1, 1, 1)
    assert bundled_facts.counts(cells["gru"].variant(reset_after=False)).recurrent_products == 2
    # x + u in each gate, then f c + i g and o tanh(c'); the GRU's: r u, z h + (1 - z) c, and its second bias
    assert (rnn.elementwise, lstm.elementwise) == (1, 4 + 3 + 1)
    assert gru.elementwise == 3 + 1 + 4 + 3


def any_arguments(*given: object) -> tuple[tuple[()], tuple[()]]:
    return (), ()


@pytest.mark.parametrize(
    "step", [any_arguments, partial(any_arguments), lambda x, states, recur: ((), ()), len, eval("lambda: 0")]
)
def test_a_step_that_cannot_be_read_is_named(step: Any) -> None:
    with pytest.raises(UserError, match="cell 'odd': its step is not written as a function"):
        bundled_facts.counts(replace(cells["gru"], name="odd", step=step))


def test_the_gru_is_simpler() -> None:
    fact = facts["simpler"](EMPTY)
    assert fact.holds
    assert (fact.effect, fact.unit) == (pytest.approx(25, abs=1), "% fewer operations per time step")
    counted = ("gates 2 and 3", "candidate 3 and 4", "states 1 and 2", "3 and 5 sigmoids", "11 and 8 additions",
               "statements 7 and 10", "10% to 25% fewer operations", "9 sizes")  # fmt: skip
    assert [words for words in counted if words not in fact.reason] == []


@pytest.mark.parametrize(
    "gru", [replace(cells["lstm"], name="gru"), replace(cells["gru"], states=cells["lstm"].states)], ids=["all", "one"]
)
def test_a_gru_that_saves_nothing_in_any_or_in_one_respect_is_not_simpler(
    gru: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cells.gru.cell", gru)
    assert facts["simpler"](EMPTY).holds is False


def test_permuting_the_lstms_gates_weights_permutes_the_gates() -> None:
    fact = facts["same-gate-equations"](EMPTY)
    assert fact.holds
    assert (fact.effect, fact.unit) == (0, "difference at most")
    assert "6 permutations of the weights of the input, forget, output gates" in fact.reason
    assert "the largest difference is 0." in fact.reason


def test_a_gate_with_another_equation_contradicts_the_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(x: Gates, states: States, recur: Recurrence) -> tuple[States, Saved]:
        new, (i, f, *rest) = lstm_equations.step(x, states, recur)
        return new, (i, 0.9 * f, *rest)

    monkeypatch.setattr("harness.cells.lstm.cell", replace(cells["lstm"], step=step))
    assert facts["same-gate-equations"](EMPTY).holds is False


def test_the_gru_reduces_to_the_simple_rnn_in_the_convention_that_is_stated() -> None:
    fact = facts["reduces-to-rnn"](EMPTY)
    assert fact.holds
    assert fact.effect < 1e-12
    assert fact.unit == "difference at most"
    assert "keeps the old state" in fact.reason
    assert f"{fact.effect:.1g} in float64" in fact.reason


def test_a_gru_whose_update_gate_takes_the_candidate_does_not_reduce_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled_facts, "SATURATED", -bundled_facts.SATURATED)
    assert facts["reduces-to-rnn"](EMPTY).holds is False


def test_facts_need_no_tensorflow() -> None:
    code = (
        "import sys, pandas; from harness.cells.facts import facts\n"
        "assert all(facts[name](None).holds for name in ('simpler', 'same-gate-equations', 'reduces-to-rnn'))\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
