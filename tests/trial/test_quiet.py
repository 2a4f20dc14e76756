"""Keeping stderr quiet: nothing is shown where all goes well, everything where it does not."""

from __future__ import annotations

import os

import pytest

from harness.errors import UserError
from harness.trial.quiet import quiet_stderr


def test_what_is_written_below_python_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"a notice of some library\n")
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "after it\n"


def test_it_is_shown_after_all_where_something_goes_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with quiet_stderr():
            os.write(2, b"the reason why\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "the reason why" in capfd.readouterr().err


def test_a_mistake_of_the_user_is_its_message_alone(capfd: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        with quiet_stderr():
            os.write(2, b"a notice of some library\n")
            raise UserError("what is wrong")

    with pytest.raises(UserError, match="what is wrong"):
        refuse()
    assert capfd.readouterr().err == ""
