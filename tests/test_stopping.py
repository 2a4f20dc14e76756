"""Stop signals within one process: flags, interruptions, and restored handlers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from harness.stopping import STOP_SIGNALS, interrupt_on_signals, stop_on_signals


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in STOP_SIGNALS]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_stop_signal_sets_a_flag_and_the_handlers_are_restored(number: signal.Signals) -> None:
    before = handlers()
    with stop_on_signals() as stopped:
        assert not stopped()
        os.kill(os.getpid(), number)
        assert stopped()
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_while_a_run_is_judged_a_stop_signal_interrupts_it_as_ctrl_c_does(number: signal.Signals) -> None:
    before = handlers()
    with pytest.raises(KeyboardInterrupt), interrupt_on_signals():
        signal.raise_signal(number)
    assert handlers() == before


def test_an_ignored_hang_up_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupt_on_signals(), stop_on_signals() as stopped:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopped()
    finally:
        signal.signal(signal.SIGHUP, before)


BLOCKED = """
import os, signal
from harness.stopping import end_on_signals, stop_signals_blocked
with stop_signals_blocked():
    os.kill(os.getpid(), signal.{name})
    print("blocked", flush=True)
    end_on_signals()
print("still here")
"""


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_that_arrives_while_blocked_ends_the_process_afterwards(number: signal.Signals) -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED.format(name=number.name)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-number, "blocked\n")
