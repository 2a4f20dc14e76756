"""Keeping TensorFlow's start-up notices off the user's terminal; they cannot be switched off by its settings."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import UserError


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what this process, C++ included, writes to stderr; where the block raises, it is shown after all.

    Not with a UserError, whose message says all that the user needs.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except UserError:
            raise
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
