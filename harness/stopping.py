"""Handling of the signals that ask a process to stop: Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals with which a user, a terminal or a batch system stops a process."""


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Inside the block, the first stop signal sets a flag; a second one of the same kind ends the process at once.

    Yields a function that returns the flag. Outside of the main thread, signals are not handled.

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
    """Inside the block, SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does; an ignored SIGHUP stays ignored."""
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
