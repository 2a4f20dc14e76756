"""What the fork server imports once, so that no trial pays for it. The import starts no thread and no device.

The cells and tasks are among it: all trials of a run then use the same code, even where a file is edited meanwhile.
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
        with suppress(UserError):  # a trial that needs what cannot be loaded says so itself
            registry[name]
