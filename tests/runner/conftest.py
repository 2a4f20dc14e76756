"""A folder for complete runs, with a check that they leave no process or file."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from tests.runner.place import Place


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Checks after the test that no process and no temporary file is left. Its short path can hold sockets."""
    place = Place(tmp_path_factory.mktemp("place"))
    yield place
    for run in place.started:
        run.kill()
        run.communicate()
    _, alive = psutil.wait_procs(place.processes(), timeout=20)
    for process in alive:
        process.kill()
    assert not alive
    assert list(place.temporary.rglob("*")) == []
    assert {path.name for path in place.directory.rglob(".*")} <= {".lock"}
