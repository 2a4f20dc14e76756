"""A short fuzz with fixed seeds. `make fuzz` tries 10,000 inputs a target; `test_found.py` keeps what it found."""

from __future__ import annotations

import pytest

from harness.cli.main import app
from tests.fuzz.commands import ARGUMENTS
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

INPUTS = 20


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_mutated_inputs_are_read_or_refused_with_a_message(target: Target) -> None:
    assert target.failures(range(INPUTS)) == {}


def test_every_command_is_among_the_command_lines() -> None:
    assert {command.name or command.callback.__name__ for command in app.registered_commands if command.callback} == {
        *ARGUMENTS
    }
