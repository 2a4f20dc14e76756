"""Handling of the signals that ask a process to stop: Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals with which a user, a terminal or a batch system stops a process."""


Handler = Callable[[int, FrameType | None], object] | int | None


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Inside the block, the first stop signal sets a flag; a second one of the same kind ends the process at once.

    Yields a function that returns the flag. Outside of the main thread, signals are not handled. An ignored SIGHUP
    (`nohup`) stays ignored.
    """
    flag = threading.Event()
    terminals = [stream for stream in (sys.__stdout__, sys.__stderr__) if stream is not None and stream.isatty()]

    def stop(number: int, frame: FrameType | None) -> None:
        flag.set()
        signal.signal(number, before[number])
        if number == signal.SIGHUP:
            _silence([stream.fileno() for stream in terminals])

    with _handled(STOP_SIGNALS, stop) as before:
        yield flag.is_set


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Inside the block, SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does; an ignored SIGHUP stays ignored."""
    with _handled((signal.SIGTERM, signal.SIGHUP), signal.default_int_handler):
        yield


@contextmanager
def _handled(numbers: Collection[int], handler: Handler) -> Iterator[dict[int, Handler]]:
    """Handle these signals inside the block; yields the handlers that are restored after it."""
    before: dict[int, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in numbers}
        if before[signal.SIGHUP] is signal.SIG_IGN:
            del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, handler)
    try:
        yield before
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _silence(descriptors: list[int]) -> None:
    """Redirect output to closed terminals to the null device, because writing to them would raise an error."""
    for descriptor in descriptors:
        if not os.isatty(descriptor):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)


@contextmanager
def stop_signals_blocked() -> Iterator[None]:
    """Inside the block, this thread and the processes that it starts do not receive stop signals."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_on_signals() -> None:
    """Let stop signals end this process at once, including those that arrived while they were blocked."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no KeyboardInterrupt, which would look like an exception of a trial
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
