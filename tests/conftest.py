"""What all tests share: which of them need TensorFlow is told by where they live."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

TESTS = Path(__file__).parent
NEED_TENSORFLOW = (
    "benchmarks", "cells", "end_to_end", "runner/test_local.py", "test_model.py", "trial/test_carried.py",
    "trial/test_train.py",
)  # fmt: skip
"""The folders and files of tests/ whose tests import TensorFlow, here or in a process they start."""


def needs_tensorflow(path: Path) -> bool:
    return any(path.is_relative_to(TESTS / name) for name in NEED_TENSORFLOW)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only the tests that need no TensorFlow")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.getoption("--fast") and needs_tensorflow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if needs_tensorflow(item.path):
            item.add_marker(pytest.mark.tensorflow)


hypothesis.settings.register_profile("whatever the machine", deadline=None)
hypothesis.settings.load_profile("whatever the machine")
