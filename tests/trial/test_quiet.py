"""Capturing stderr: nothing is printed after success, everything after an error."""

from __future__ import annotations

import os

import pytest

from harness.errors import UserError
from harness.trial.quiet import quiet_stderr


def test_output_of_c_code_is_captured(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"a notice of some library\n")
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "after it\n"


def test_captured_output_is_printed_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with quiet_stderr():
            os.write(2, b"the reason why\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "the reason why" in capfd.readouterr().err


def test_a_user_error_prints_only_its_message(capfd: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        with quiet_stderr():
            os.write(2, b"a notice of some library\n")
            raise UserError("what is wrong")

    with pytest.raises(UserError, match="what is wrong"):
        refuse()
    assert capfd.readouterr().err == ""
