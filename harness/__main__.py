"""The command `harness`, also as `python -m harness`. This file imports little, so that it handles Ctrl-C early."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Import the command and run it. Ctrl-C during the import ends the process silently with exit status 130."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from harness.cli.main import main as command

    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
