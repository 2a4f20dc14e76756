"""The shape of what the store keeps, and of what a trial's process hands over for it."""

from __future__ import annotations

import dataclasses
import math

from harness.store.record import CurvePoint, Measured, Record
from tests.factories import record


def test_what_a_trial_measures_is_part_of_its_record_with_the_same_value_where_nothing_is_measured() -> None:
    measured = Measured().fields()
    assert measured.keys() == {field.name for field in dataclasses.fields(Measured)}
    absent = {name: Record.model_fields[name].get_default() for name in measured}
    assert {name: tuple(value) if isinstance(value, list) else value for name, value in absent.items()} == measured


def test_measured_values_become_those_of_the_record() -> None:
    point = CurvePoint(update=1, seconds=0.5, train_loss=math.inf, validation_loss=1.0)
    measured = Measured(curve=(point,), test={"loss": 0.25}, test_at={3: {"loss": 0.5}}, parameters=7)
    stored = record(**measured.fields())
    assert (stored.curve, stored.test, stored.test_at, stored.parameters) == (
        [point],
        measured.test,
        measured.test_at,
        7,
    )


def test_a_value_of_another_type_is_passed_on_unchanged() -> None:
    assert Measured(data_fingerprint=["a", "list"]).fields()["data_fingerprint"] == ["a", "list"]  # type: ignore[arg-type]
    assert Measured(data_fingerprint=b"bytes").fields()["data_fingerprint"] == b"bytes"  # type: ignore[arg-type]
