"""A cluster for complete runs; the check of `place` also finds the processes and files that the cluster leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.runner.cluster.processes import Processes
from tests.runner.place import Place


@pytest.fixture
def processes(place: Place) -> Iterator[Processes]:
    """Its processes are ended after the test."""
    processes = Processes(place.folder)
    yield processes
    processes.stop_all()
    shutil.rmtree(place.temporary, ignore_errors=True)  # of workers that were killed; the next one would remove it
