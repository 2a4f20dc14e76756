"""Modules that the fork server imports once for all trials. The import starts no thread and no device.

They include the cells and tasks, so that all trials of a run use the same code, even if a file is edited during the
run.
"""

from __future__ import annotations

from contextlib import suppress

from harness.cells import cells
from harness.errors import UserError
from harness.tasks import tasks
from harness.trial.quiet import quiet_stderr
from harness.trial.settings import set_keras, set_variables

set_variables()
with quiet_stderr():
    import harness.cells.layer
    import harness.trial.process
    import harness.trial.train  # noqa: F401
set_keras()

for registry in (cells, tasks):
    for name in registry:
        with suppress(UserError):  # a trial that needs this cell or task reports the error
            registry[name]
