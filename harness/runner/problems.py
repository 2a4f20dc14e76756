"""The reasons for which a completed run has exit code 1."""

from __future__ import annotations

from collections import Counter

from harness.plan.expand import Plan
from harness.store.sqlite import NONE, Store
from harness.words import plural

MOST_FAILED = 0.5
"""The largest share of trials that may fail in a run that counts as successful. Tuning trials do not count."""


def problems_of(plan: Plan, store: Store) -> tuple[str, ...]:
    """One clause for each problem of the plan and its stored trials; empty if the run is successful.

    Problems are: a sweep that cannot continue, trials without a final record that the budget did not leave out, more
    failed trials than the share MOST_FAILED, and a cell of which all trials crashed.
    """
    problems = list(plan.without_rate)
    left_out, attempts = store.left_out_ids(), store.attempts()
    statuses = (attempts.get(id, NONE).status for id in store.planned_trials() if id not in left_out)
    unfinished = sum(status in ("missing", "interrupted") for status in statuses)
    if unfinished:
        trials_are = plural(unfinished, "trial is", "trials are")
        problems.append(f"{trials_are} interrupted or not started. The same command continues the run")
    ended, failed, crashed = Counter[str](), Counter[str](), Counter[str]()
    for (purpose, cell, status), trials in store.endings().items():
        if purpose != "tuning" and status not in ("missing", "interrupted"):
            ended[cell] += trials
            failed[cell] += trials * (status != "ok")
            crashed[cell] += trials * (status == "crashed")
    if failed.total() > MOST_FAILED * ended.total():
        problems.append(f"{failed.total()} of {ended.total()} trials failed")
    problems += [f"all {trials} trials of {cell} crashed" for cell, trials in ended.items() if trials == crashed[cell]]
    return tuple(problems)
