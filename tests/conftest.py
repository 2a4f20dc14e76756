"""What all tests share: a browser; and which of them need TensorFlow, or take long, told by where they live."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

TESTS = Path(__file__).parent
NEED_TENSORFLOW = (
    "benchmarks", "cells", "end_to_end", "runner/local/test_engine.py", "trial/test_carried.py",
    "trial/test_programs.py", "trial/test_schedule.py", "trial/test_settings.py", "trial/test_sources.py",
    "trial/test_train.py", "trial/test_update.py", "trial/training.py",
)  # fmt: skip
"""The folders and files of tests/ whose tests import TensorFlow, here or in a process they start."""
TAKE_LONG = (
    "cli/test_completion.py", "cli/test_processes.py", "cli/test_serve.py", "documents/test_blocks.py",
    "fuzz/test_fuzz.py", "plan/test_syntax_trees.py", "report/draw", "report/figures/test_figures.py",
    "report/figures/test_heard.py", "report/figures/test_learning_rates.py", "report/figures/test_own_figures.py",
    "report/page/test_measured.py", "report/test_large.py", "report/test_report.py",
    "runner/cluster/test_network.py", "runner/cluster/test_processes.py", "runner/cluster/test_survival.py",
    "runner/local/test_scratch.py", "runner/local/test_shared_process.py", "runner/local/test_turns.py",
    "runner/local/test_watch.py", "runner/test_disk.py", "runner/test_faults.py", "runner/test_flow.py",
    "runner/test_backends.py", "runner/test_signals.py", "runner/test_survival.py", "spec/test_schema_every_key.py",
    "tasks/sound/test_sound_events.py", "tasks/test_contract.py", "test_results.py", "tools/test_error_rates.py",
    "tools/test_simulate_blocks.py", "trial/test_measure.py", "verdicts/test_equivalence.py",
    "verdicts/test_failure_table.py", "verdicts/test_kinds.py", "verdicts/test_order.py",
    "verdicts/test_sequential.py",
)  # fmt: skip
"""Those that need none, but start many processes, simulate many experiments, try many values, or draw whole reports."""
QUICK_XLA = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
BROWSERS = {"browser", "plain_browser"}
"""The fixtures whose tests take a browser: they are left out with --fast, too."""


def lives_in(path: Path, names: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(TESTS / name) for name in names)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast", action="store_true", help="only tests without TensorFlow and browser, less those that take long"
    )
    parser.addoption("--kills", type=int, default=4, help="how often test_survival.py kills the runner")


def pytest_configure(config: pytest.Config) -> None:
    """Let XLA compile in half of the time: what tests train is small, and they compare programs compiled alike.

    End-to-end tests and benchmarks compile as users do.
    """
    if not config.getoption("--benchmark-enable"):
        os.environ.setdefault("XLA_FLAGS", QUICK_XLA)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    fast = config.getoption("--fast")
    return True if fast and lives_in(collection_path, (*NEED_TENSORFLOW, *TAKE_LONG)) else None


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    for item in items:
        if lives_in(item.path, NEED_TENSORFLOW):
            item.add_marker(pytest.mark.tensorflow)
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist: what takes long first, so that all end together
        items.sort(key=lambda item: (not lives_in(item.path, NEED_TENSORFLOW), not lives_in(item.path, TAKE_LONG)))
    if config.getoption("--fast"):
        left_out = [item for item in items if BROWSERS & {*getattr(item, "fixturenames", ())}]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests that need one: see tests/report/browser.py."""
    from tests.report.browser import start

    driver = start(tmp_path_factory.mktemp("browser"))
    yield driver
    driver.quit()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a small experiment."""
    from tests.factories import EXPERIMENT

    path = tmp_path / "tiny.toml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder of that experiment with records of half of its plan."""
    from tests.factories import half_done

    return half_done(tmp_path / "results" / "tiny")


@pytest.fixture
def undrawn_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report's figures are in its page as ever; as files they are empty, for tests/report/ holds these."""
    monkeypatch.setattr(
        "harness.report.writing.plot_files", lambda plot, looks: {f"{plot.id}.png": b"", f"{plot.id}.svg": b""}
    )


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report has no figures: for tests of its other sections."""
    monkeypatch.setattr("harness.report.writing.evidence", lambda results, own: [])


@pytest.fixture
def plain_browser(tmp_path: Path) -> Iterator[Any]:
    """A browser without JavaScript."""
    from tests.report.browser import start

    driver = start(tmp_path, scripts=False)
    yield driver
    driver.quit()


hypothesis.settings.register_profile("whatever the machine", deadline=None)
hypothesis.settings.load_profile("whatever the machine")
