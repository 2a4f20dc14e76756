"""Small valid values for tests: an experiment, a spec, a record; each argument replaces a field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.plan.expand import Losses, make_plan
from harness.spec.experiment import Experiment
from harness.spec.load import parse_experiment
from harness.spec.trial import TrialSpec
from harness.store.folder import EXPERIMENT_NAME
from harness.store.machine import this_machine
from harness.store.record import Record
from harness.store.sqlite import open_store

EXPERIMENT = """
name = "tiny"
title = "Tiny"
seeds = 2
cells = ["gru", "lstm"]
backend = "keras"

[[sweep]]
task = "recall"
train_size = [20, 40]
sequence_length = 5
units = 4
updates = 6
"""


def experiment(text: str = EXPERIMENT, *changes: tuple[str, str], folder: Path = Path()) -> Experiment:
    """The experiment in `text` after replacements of one string by another."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_experiment(text, source="tiny.toml", folder=folder)


def plan(of: Experiment, losses: Losses | None = None) -> dict[str, TrialSpec]:
    """The trials of an experiment's plan, by id."""
    return dict(make_plan(of, losses).trials)


def spec(**changes: Any) -> TrialSpec:
    fields: dict[str, Any] = {
        "task": "recall",
        "options": {},
        "data": {"made": "1"},
        "code": "0" * 12,
        "cell": "gru",
        "backend": "keras",
        "units": 4,
        "reference_units": 4,
        "train_size": 20,
        "sequence_length": 5,
        "learning_rate": 3e-3,
        "batch_size": 4,
        "updates": 6,
        "evaluate_every": 2,
        "seed": 0,
    }
    return TrialSpec(**{**fields, **changes})


def record(of: TrialSpec | None = None, **changes: Any) -> Record:
    of = of or spec()
    fields: dict[str, Any] = {
        "trial_id": of.id(),
        "spec": of,
        "status": "ok",
        "started_at": "2026-01-01T00:00:00+00:00",
        "machine": this_machine(),
        "threads": 1,
        "git_commit": None,
        "git_dirty": None,
        "seconds_total": 1.5,
        "test": {"loss": 1.0},
    }
    return Record.model_validate({**fields, **changes})


def half_done(directory: Path, **changes: Any) -> Path:
    """Make a results folder with records of half of the plan."""
    trials = plan(experiment())
    with open_store(directory, create=True) as store:
        store.set_plan(trials)
        for planned in list(trials.values())[:4]:
            store.add(record(planned, parameters=100, test={"loss": 1.0, "accuracy": 0.5}, **changes))
    (directory / EXPERIMENT_NAME).write_text(EXPERIMENT, encoding="utf-8")
    return directory
