"""`dask worker` whose trials only pretend to train (tests/runner/pretend.py)."""

from __future__ import annotations

from functools import partial

from distributed.cli.dask_worker import main

from harness.runner.cluster import host
from tests.runner.pretend import PRELOAD

if __name__ == "__main__":
    host.LocalEngine = partial(host.LocalEngine, preload=PRELOAD)  # type: ignore[misc, assignment]
    main()
