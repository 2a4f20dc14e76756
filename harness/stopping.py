"""Ending in good order when Ctrl-C, SIGTERM or SIGHUP asks for it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals by which a person, a terminal or a batch system stops a process."""


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Within, a stop signal only sets a flag, which the callable returns; a second one of its kind ends at once.

    An ignored SIGHUP (`nohup`) stays ignored.
    """
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag.is_set
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    terminals = [stream for stream in (sys.__stdout__, sys.__stderr__) if stream is not None and stream.isatty()]

    def stop(number: int, frame: FrameType | None) -> None:
        flag.set()
        signal.signal(number, before[signal.Signals(number)])
        if number == signal.SIGHUP:
            _silence([stream.fileno() for stream in terminals])

    for number in before:
        signal.signal(number, stop)
    try:
        yield flag.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does; an ignored SIGHUP stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _silence(descriptors: list[int]) -> None:
    """Send what is written to a closed terminal to the null device: writing to it would be an error."""
    for descriptor in descriptors:
        if not os.isatty(descriptor):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)


@contextmanager
def stop_signals_blocked() -> Iterator[None]:
    """Within, this thread, and the processes that it starts, do not receive stop signals."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_on_signals() -> None:
    """From now on a stop signal ends this process at once, also one that arrived while it was blocked."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no KeyboardInterrupt, which would look like an exception of a trial
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
