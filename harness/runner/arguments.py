"""Checks of the arguments of a run."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral

from harness.errors import UserError, check_name
from harness.store.record import OTHER_MACHINE, RETRIED


def check_count(name: str, value: object) -> None:
    """Raises UserError unless the value is None or a whole number of at least 1."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1):
        raise UserError(f"{name} is {value!r}, expected a whole number of at least 1")


def check_seconds(name: str, value: object) -> None:
    """Raises UserError unless the value is None or a positive number."""
    if value is not None and not (isinstance(value, int | float) and value > 0):
        raise UserError(f"{name} is {value!r}, expected a positive number of seconds")


def check_statuses(statuses: Collection[str], *, on_cluster: bool) -> None:
    """Raises UserError unless trials with these statuses can be re-run."""
    for status in statuses:
        check_name("status", status, RETRIED)
    if on_cluster and OTHER_MACHINE in statuses:
        raise UserError(f"--retry {OTHER_MACHINE} is for one machine: on a cluster, timing blocks run on several hosts")
