"""A short fuzz with fixed seeds. `make fuzz` tries 10,000 inputs per target; `test_found.py` has its past findings."""

from __future__ import annotations

import pytest
from typer.main import get_command

from harness.cli.main import app
from tests.fuzz.commands import ARGUMENTS
from tests.fuzz.targets import TARGETS

INPUTS = 20


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_are_read_or_refused_with_a_message(name: str) -> None:
    assert TARGETS[name].failures(range(INPUTS)) == {}


def test_the_fuzz_covers_every_command() -> None:
    assert {*get_command(app).commands} == {*ARGUMENTS}
