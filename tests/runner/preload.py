"""The module that the fork server imports for trials with pretended training (tests/runner/pretend.py)."""

from __future__ import annotations

import os
import sys

import harness.trial.process  # noqa: F401 - what every trial needs
from harness.tasks import tasks
from tests.runner import pretend

tasks["recall"]
sys.modules["harness.trial.train"] = pretend
if os.environ.get(pretend.JUMPING):
    pretend.let_the_clock_jump()
