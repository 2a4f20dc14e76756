"""Repeating one trial in the foreground: code that has changed since, and damaged records."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.plan.digest import code_version
from harness.trial.foreground import spec_of, threads_of
from tests.factories import record, spec


@pytest.mark.parametrize("changed", [True, False])
def test_a_warning_is_printed_if_the_code_has_changed_since_the_trial(
    changed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = spec(code="0" * 12 if changed else code_version("recall", "gru"))
    assert spec_of(record(wanted).model_dump(mode="json")) == wanted
    assert ("the code has changed" in capsys.readouterr().err) == changed


@pytest.mark.parametrize("threads", ["4", 2.0, True, 0, -1, 2**40, None])
def test_a_record_with_an_invalid_number_of_threads_is_refused(threads: object) -> None:
    with pytest.raises(UserError, match=r"trial abc: its record has threads = .*, expected 1 to 10,000"):
        threads_of({"trial_id": "abc", "threads": threads})
