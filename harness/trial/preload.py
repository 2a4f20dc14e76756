"""What the fork server imports once, so that no trial pays for it. The import starts no thread and no device."""

from __future__ import annotations

from harness.trial.quiet import quiet_stderr

with quiet_stderr():
    import harness.trial.process
    import harness.trial.train  # noqa: F401
