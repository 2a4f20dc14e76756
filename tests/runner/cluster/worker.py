"""`dask worker` with pretended training and a separate machine lock, as if on another machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from distributed.cli.dask_worker import main

import tests.runner.cluster.pretending  # noqa: F401
from harness.runner import lanes
from harness.runner.cluster import host

if __name__ == "__main__":
    lanes.LOCK_FILE = Path(tempfile.gettempdir()) / f"{os.environ[host.HOST_VARIABLE]}.lock"
    main()
