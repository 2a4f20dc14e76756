"""Imported by a worker when it starts: its trials only pretend to train (tests/runner/pretend.py)."""

from __future__ import annotations

from functools import partial

from harness.runner.cluster import host
from tests.runner.pretend import PRELOAD

host.LocalEngine = partial(host.LocalEngine, preload=PRELOAD)  # type: ignore[misc, assignment]
