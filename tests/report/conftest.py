"""Reports for all tests that only read them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from harness.report import render
from harness.report.figures.plot import Plot
from tests.report.samples import comparison, curves, frame, plots, report_data, trial


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a finished comparison; its figures lie beside it."""
    return render(report_data(), tmp_path_factory.mktemp("complete"))


@pytest.fixture(scope="session")
def address(complete: Path) -> str:
    return complete.as_uri()


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with two backends and two ways of matching, of which not every combination was tried."""
    tried = [("keras", "units"), ("fused", "units"), ("fused", "parameters")]
    rows = frame(
        *(
            trial(backend=backend, matched=matched, cell=cell, train_size=size, seed=seed, test_loss=1 + size / 9000)
            for (backend, matched), cell, size, seed in product(tried, ("gru", "lstm"), (1000, 4000), range(3))
        )
    )
    rows["trial_id"] = [f"trial-{place}" for place in range(len(rows))]
    return render(report_data(rows), tmp_path_factory.mktemp("several")).as_uri()


@pytest.fixture(scope="session")
def compared() -> dict[str, Plot]:
    """The figures of a finished comparison, by id."""
    rows = comparison()
    return plots(rows, curves(rows))
