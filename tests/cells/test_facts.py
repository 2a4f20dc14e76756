"""Facts about parameters and gates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cells import cells
from harness.cells.facts import facts, fewer_parameters, no_gates
from harness.store.frame import to_frame
from tools.simulate import simulated_record

EMPTY = to_frame([])


def test_a_gru_has_fewer_parameters_by_the_formula_and_by_the_records() -> None:
    records = [
        simulated_record(cell, 0, 1.0, units=units, recurrent_parameters=count)
        for units, counts in ((8, {"gru": 300, "lstm": 400}), (16, {"gru": 900, "lstm": 1000}))
        for cell, count in counts.items()
    ]
    fact = fewer_parameters(to_frame(records))
    assert fact.holds
    assert fact.effect == pytest.approx(25, abs=3)
    assert "10.0% to 25.0% fewer (2 sizes)" in fact.reason
    assert "equal for one feature and one unit" in fact.reason


def test_records_with_other_counts_contradict_the_formula() -> None:
    records = [simulated_record("gru", 0, 1.0, recurrent_parameters=401)]
    records += [simulated_record("lstm", 0, 1.0, recurrent_parameters=400)]
    assert fewer_parameters(to_frame(records)).holds is False


def test_facts_hold_without_records() -> None:
    assert fewer_parameters(EMPTY).holds
    assert no_gates(EMPTY).holds


def test_facts_are_found_by_name() -> None:
    assert facts["no-gates"] is no_gates
    assert {"fewer-parameters", "simpler", "same-gate-equations", "reduces-to-rnn"} <= set(facts)


def test_facts_state_the_counts() -> None:
    formula = fewer_parameters(EMPTY)
    assert formula.unit == "% fewer parameters"
    counted = ("6.2% to 25.0% fewer", "1155 combinations", "from 1 to 4096", "the records contain no parameter counts")
    assert [words for words in counted if words not in formula.reason] == []
    gates = no_gates(EMPTY)
    assert (gates.effect, gates.unit) == (0, "gates")
    assert "0 gates, 1 candidate and 1 state; the GRU 2, the LSTM 3 gates" in gates.reason


@pytest.mark.parametrize("more", [{"multiplicative_gates": ("update",)}, {"gates": ("a", "b")}, {"states": ("h", "c")}])
def test_a_simple_rnn_with_more_than_one_candidate_and_state_contradicts_the_fact(
    more: dict[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cells.simple_rnn.cell", replace(cells["simple_rnn"], **more))
    assert no_gates(EMPTY).holds is False
