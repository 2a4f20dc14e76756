"""A short fuzz with fixed seeds; `make fuzz` tries 10,000 inputs of each target."""

from __future__ import annotations

import pytest

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

INPUTS = 60
FOUND = {
    "command line": (48, 172),
    "results folder": (17,),
    "experiment": (73, 189, 259),
    "data npz": (91, 171, 210),
}
"""Seeds whose inputs once showed a fault, as the mutations were then; `test_found.py` keeps what was wrong."""


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_inputs_are_read_or_refused_with_a_message(target: Target) -> None:
    assert target.failures([*range(INPUTS), *FOUND.get(target.name, ())]) == {}
