"""The progress of a results folder: trials by cell and status, time spent, time left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.plan.estimate import Estimator, seconds_in_all
from harness.store.record import is_given_up, is_left
from harness.store.sqlite import State, Store


@dataclass(frozen=True)
class CellStatus:
    """One cell's part of the plan. Times in seconds."""

    cell: str
    trials: Counter[str]
    """By status; 'missing' are those without a record."""
    spent: float
    """Total time of all attempts."""
    left: float
    """Estimated time of the trials left, with nothing else running."""


@dataclass(frozen=True)
class Status:
    """The progress of a plan."""

    cells: tuple[CellStatus, ...]
    spent: float
    left: float
    """Estimated seconds for the trials that are left, with the given number of trials at the same time."""
    trials_left: int
    """Missing, interrupted, or crashed and not given up."""
    left_out: int
    """Trials that did not fit into the budget of the last run and still have no record."""
    given_up: int = 0
    """Trials that crashed too often to be tried again."""


def learned(states: Iterable[State]) -> Estimator:
    """An estimator that has learned from stored trials."""
    estimator = Estimator()
    states = tuple(states)
    for state in states:
        if state.status == "ok":
            estimator.learn(state.load, state.seconds, state.trials)
    for state in states:
        if state.status in ("interrupted", "timeout"):
            estimator.at_least(state.load, state.longest)
    return estimator


def status_of(store: Store, jobs: int) -> Status:
    """The status of the folder's present plan, for `jobs` trials at the same time."""
    states = store.states()
    estimator = learned(states)
    cells = []
    for cell in sorted({state.load.cell for state in states}):
        rows = [state for state in states if state.load.cell == cell]
        trials = Counter[str]()
        for state in rows:
            trials[state.status] += state.trials
        cells.append(CellStatus(cell, trials, sum(state.spent for state in rows), _seconds_left(rows, estimator, 1)))
    return Status(
        tuple(cells),
        sum(cell.spent for cell in cells),
        _seconds_left(states, estimator, jobs),
        sum(state.trials for state in states if is_left(state.status, state.crashes)),
        len(store.left_out_ids()),
        sum(state.trials for state in states if is_given_up(state.status, state.crashes)),
    )


def _seconds_left(states: Iterable[State], estimator: Estimator, jobs: int) -> float:
    left = ((state.load, state.trials) for state in states if is_left(state.status, state.crashes))
    return seconds_in_all(left, estimator, (jobs,))
