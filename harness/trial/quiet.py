"""Hides TensorFlow's start-up messages, which its settings cannot turn off."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import UserError


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Capture what this process, including C++ code, writes to stderr, and print it only if the block raises.

    After a UserError it is not printed, because the error message is sufficient.
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
