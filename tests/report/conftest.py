"""One complete report for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report import render
from tests.report.samples import report_data


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a finished comparison; its figures lie beside it."""
    return render(report_data(), tmp_path_factory.mktemp("complete"))
