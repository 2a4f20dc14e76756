"""`dask worker` whose trials only pretend to train (tests/runner/pretend.py), as if on a machine of its own."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

from distributed.cli.dask_worker import main

from harness.runner import lanes
from harness.runner.cluster import host
from tests.runner.pretend import PRELOAD

if __name__ == "__main__":
    host.LocalEngine = partial(host.LocalEngine, preload=PRELOAD)  # type: ignore[misc, assignment]
    lanes.LOCK_FILE = Path(tempfile.gettempdir()) / f"{os.environ[host.HOST_VARIABLE]}.lock"
    main()
