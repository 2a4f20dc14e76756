"""Commands about one trial: show, trial."""

from __future__ import annotations

from harness.cli.arguments import Directory, TrialId


def show(directory: Directory, trial: TrialId) -> None:
    """Print the complete record of a trial.

    The last line is the command that repeats the trial.
    """
    import json
    import shlex

    from harness.store.sqlite import open_store

    with open_store(directory) as store:
        attempts = store.attempts_at(trial)
        command = shlex.join(["harness", "trial", str(directory), attempts[-1]["trial_id"]])
    for record in attempts:
        print(json.dumps(record, indent=2))
    print(f"# To repeat this trial in the foreground: {command}")


def trial_(directory: Directory, trial: TrialId) -> None:
    """Repeat a trial in this process, to debug it. Nothing is stored."""
    from harness.store.folder import find_modules
    from harness.store.sqlite import open_store

    with open_store(directory) as store:
        record = store.attempts_at(trial)[-1]
        find_modules(directory, (record["spec"]["task"], record["spec"]["cell"]))
        from harness.trial.foreground import run_in_foreground, spec_of, threads_of

        spec, threads = spec_of(record), threads_of(record)
    run_in_foreground(spec, threads)
