"""Run the trials of a plan: send those without a record to the engine, and store the records it returns."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.runner.engine import Engine, Trial
from harness.runner.lanes import speed_order
from harness.spec.trial import TrialSpec, block_of
from harness.stopping import stop_on_signals
from harness.store.record import Record, is_left
from harness.store.sqlite import NONE, Attempts, Store

if TYPE_CHECKING:
    from harness.runner.budget import Budget
    from harness.runner.progress import ShowProgress

_POLL_SECONDS = 0.2


def left_to_do(
    trials: Mapping[str, TrialSpec],
    attempts: Mapping[str, Attempts],
    retry: Mapping[str, int] = MappingProxyType({}),
) -> list[Trial]:
    """The trials without a final record, in the plan's order, accuracy trials before speed trials.

    A trial in `retry` is re-run with any status, unless it has more attempts than `retry` states. A timing block runs
    as a whole: if one of its trials is left, all of them are.
    """

    def is_to_run(trial: Trial) -> bool:
        stored = attempts.get(trial.id, NONE)
        return is_left(stored.status, stored.crashes) or stored.number <= retry.get(trial.id, 0)

    every = [Trial(id, spec, attempts.get(id, NONE).number + 1) for id, spec in trials.items()]
    accuracy = [trial for trial in every if trial.spec.lane == "accuracy" and is_to_run(trial)]
    speed = [trial for trial in every if trial.spec.lane == "speed"]
    blocks = {block_of(trial.spec) for trial in speed if is_to_run(trial)}
    return accuracy + speed_order([trial for trial in speed if block_of(trial.spec) in blocks])


def _next_group(waiting: deque[Trial], engine: Engine) -> list[Trial]:
    """Remove the next timing block, or the accuracy trials that the engine chooses, from `waiting`."""
    if waiting[0].spec.lane == "speed":
        block = block_of(waiting[0].spec)
        return [waiting.popleft() for _ in takewhile(lambda trial: block_of(trial.spec) == block, list(waiting))]
    chosen = engine.choose(waiting)
    group = [waiting[index] for index in chosen]
    for index in reversed(chosen):
        del waiting[index]
    return group


def run_plan(
    left: Sequence[Trial], store: Store, engine: Engine, progress: ShowProgress, budget: Budget | None = None
) -> bool:
    """Run the trials that are left. Ctrl-C, SIGTERM or SIGHUP stops the run; finished trials are already stored.

    Returns whether it was stopped.

    A budget, made from the same trials, selects the trials to run; trials that still run at its end are interrupted.
    Raises UserError if a record cannot be stored (for example, on a full disk) or the engine cannot continue. Records
    stored before stay intact, and the records that the engine has by then are stored too.
    """
    waiting = deque(left if budget is None else ())

    def next_trial() -> Trial | None:
        if not waiting and budget:
            waiting.extend(budget.next_block())
        return waiting[0] if waiting else None

    def take_in(records: Sequence[Record]) -> None:
        if records:
            store.add(*records)
        for record in records:
            done = record.status != "interrupted"
            if budget:
                budget.ended(record.trial_id, done=done)
            if done:
                progress.finished(record)

    with stop_on_signals() as stopped:
        try:
            while not stopped() and not (budget and budget.is_over()) and (next_trial() or engine.running()):
                while (first := next_trial()) and engine.has_room(first.spec.lane):
                    group = _next_group(waiting, engine)
                    engine.submit(group)
                    for trial in group:
                        if budget:
                            budget.started(trial)
                        progress.started(trial)
                if waiting and not engine.running():
                    progress.held_up(engine.waits_for)
                take_in(engine.wait(_POLL_SECONDS))
            take_in(engine.interrupt())
        except Exception:
            take_in([record for record in engine.interrupt() if record.status != "interrupted"])
            raise
        finally:
            engine.close()
        return stopped()
