"""One trial again, in the foreground: what it is told of the code that ran it first."""

from __future__ import annotations

import pytest

from harness.code_version import code_version
from harness.trial.foreground import spec_of
from tests.factories import record, spec


@pytest.mark.parametrize("changed", [True, False])
def test_a_trial_whose_code_has_changed_since_says_so(changed: bool, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = spec(code="0" * 12 if changed else code_version("recall", "gru"))
    assert spec_of(record(wanted).model_dump(mode="json")) == wanted
    assert ("the code has changed" in capsys.readouterr().err) == changed
