"""Facts of the code."""

from __future__ import annotations

import pytest

from harness.analysis.exact import facts, fewer_parameters, no_gates
from harness.analysis.frame import to_frame
from harness.analysis.simulate import simulated_record

EMPTY = to_frame([])


def test_a_gru_has_fewer_parameters_by_the_formula_and_by_the_records() -> None:
    records = [
        simulated_record(cell, 0, 1.0, units=units, recurrent_parameters=count)
        for units, counts in ((8, {"gru": 300, "lstm": 400}), (16, {"gru": 900, "lstm": 1000}))
        for cell, count in counts.items()
    ]
    found = fewer_parameters(to_frame(records))
    assert found.holds
    assert found.effect == pytest.approx(25, abs=3)
    assert "10.0% to 25.0% fewer, at 2 sizes" in found.reason
    assert "equal with one feature and one unit" in found.reason


def test_records_that_count_otherwise_contradict_the_formula() -> None:
    records = [simulated_record("gru", 0, 1.0, recurrent_parameters=401)]
    records += [simulated_record("lstm", 0, 1.0, recurrent_parameters=400)]
    assert fewer_parameters(to_frame(records)).holds is False


def test_facts_hold_without_records() -> None:
    assert fewer_parameters(EMPTY).holds
    assert no_gates(EMPTY).holds


def test_facts_are_found_by_name() -> None:
    assert facts["no-gates"] is no_gates
    assert {"fewer-parameters", "simpler", "same-gate-equations", "reduces-to-rnn"} <= set(facts)
