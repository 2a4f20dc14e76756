"""A results folder of an older version: all that reads it works from its stored ids, and a run says what it repeats."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli.main import app
from harness.runner.engine import Trial
from harness.runner.flow import run_experiment
from harness.spec.trial import SPEC_DEFAULTS, TrialSpec
from harness.store.folder import EXPERIMENT_NAME
from harness.store.frame import load_records
from harness.store.sqlite import FILE_NAME, open_store
from tests.factories import EXPERIMENT, experiment, plan, record
from tests.runner.simulated import Simulated

_SCHEMA = """
CREATE TABLE trial (trial_id TEXT NOT NULL, attempt INTEGER NOT NULL, status TEXT NOT NULL, task TEXT NOT NULL,
    cell TEXT NOT NULL, seconds REAL, record TEXT NOT NULL, PRIMARY KEY (trial_id, attempt));
CREATE INDEX trial_state ON trial (trial_id, attempt, status, seconds);
CREATE TABLE planned (position INTEGER PRIMARY KEY, trial_id TEXT NOT NULL UNIQUE, task TEXT NOT NULL,
    lane TEXT NOT NULL, kernel TEXT NOT NULL, cell TEXT NOT NULL, guess REAL NOT NULL, spec TEXT NOT NULL);
CREATE INDEX planned_load ON planned (task, lane, kernel, cell, guess, trial_id);
CREATE TABLE left_out (trial_id TEXT NOT NULL PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE look (claim TEXT NOT NULL, through INTEGER NOT NULL, most INTEGER NOT NULL,
    PRIMARY KEY (claim, through)) WITHOUT ROWID;
PRAGMA application_id = 1380863560;
PRAGMA user_version = 2;
"""
_LATER = ("gradient_reach", "evaluate_lengths")
"""Fields that a spec of this folder lacks, as if they had been added since; their values are the defaults."""


def older(folder: Path, seeds: tuple[int, ...] = (0, 1)) -> Path:
    """What version 0.1 left of the tiny experiment: its ids hashed every field, code and data have other digests, and
    a backend was called a kernel."""
    folder.mkdir(parents=True)
    (folder / EXPERIMENT_NAME).write_text(EXPERIMENT.replace("backend =", "kernel ="), encoding="utf-8")
    specs = [spec for spec in plan(experiment()).values() if spec.seed in seeds]
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.executescript(_SCHEMA)
        for position, spec in enumerate(specs):
            trial_id = f"{position + 10 * min(seeds):016x}"
            stored: dict[str, Any] = record(spec, trial_id=trial_id, test={"loss": 2.0 - position / 10}).model_dump(
                mode="json"
            )
            stored["spec"] = {name: value for name, value in stored["spec"].items() if name not in _LATER}
            stored["spec"] |= {"code": "0123456789ab", "data": {"procedure": "older 1"}}
            stored["spec"]["kernel"] = stored["spec"].pop("backend")
            text, spec_text = json.dumps(stored), json.dumps(stored["spec"])
            row = (trial_id, 1, "ok", spec.task, spec.cell, 1.5, text)
            connection.execute("INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            planned = (position, trial_id, spec.task, spec.lane, spec.backend, spec.cell, 3.0, spec_text)
            connection.execute("INSERT INTO planned VALUES (?, ?, ?, ?, ?, ?, ?, ?)", planned)
    return folder


def test_its_records_are_read_with_the_defaults_of_later_fields(tmp_path: Path) -> None:
    frame = load_records(older(tmp_path / "tiny"))
    assert len(frame) == 8
    assert set(frame["evaluate_lengths"]) == {"[]"}
    assert set(frame["gradient_reach"]) == {False}
    assert set(frame["backend"]) == {experiment().backend[0]}
    assert set(frame["trial_id"]) == {f"{place:016x}" for place in range(8)}


@pytest.mark.parametrize("command", ["status", "judge", "export"])
def test_commands_that_read_it_work(tmp_path: Path, command: str) -> None:
    answer = CliRunner().invoke(app, [command, str(older(tmp_path / "tiny"))])
    assert answer.exit_code == 0, answer.output


def test_it_is_reported(tmp_path: Path, undrawn_files: None) -> None:
    answer = CliRunner().invoke(app, ["report", str(older(tmp_path / "tiny")), "--format", "md"])
    assert answer.exit_code == 0, answer.output
    assert "8" in (tmp_path / "tiny" / "report.md").read_text(encoding="utf-8")


def test_it_is_merged_with_another(tmp_path: Path) -> None:
    parts = [str(older(tmp_path / name / "tiny", seeds)) for name, seeds in (("a", (0,)), ("b", (1,)))]
    answer = CliRunner().invoke(app, ["merge", *parts, "--into", str(tmp_path / "both")])
    assert answer.exit_code == 0, answer.output
    assert len(load_records(tmp_path / "both")) == 8


def test_a_run_into_it_states_what_it_re_runs_and_keeps_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def result(trial: Trial) -> Any:
        return record(trial.spec, attempt=trial.attempt, test={"loss": 1.0})

    monkeypatch.setattr("harness.runner.flow.LocalEngine", lambda *_, **__: Simulated(result=result))
    monkeypatch.setattr("harness.runner.flow._summarise_models", lambda *_: None)
    monkeypatch.setattr("harness.report.render", lambda _, directory, *__: directory / "report.html")
    older(tmp_path / "tiny")
    said = []
    for _ in range(2):
        out = io.StringIO()
        run_experiment(experiment(), results=tmp_path, console=Console(file=out, width=100))
        said.append(out.getvalue())
    assert "8 of them have a record from other code" in said[0]
    assert "run before" not in said[1]
    with open_store(tmp_path / "tiny") as store:
        assert len(store.attempts()) == 16


class Wider(TrialSpec):
    """The spec with a factor that a later version might add."""

    label_smoothing: float = 0.0


def test_a_new_factor_with_a_default_leaves_all_ids_as_they_are() -> None:
    for spec in plan(experiment()).values():
        wider = Wider(**spec.model_dump())
        assert wider.id() == spec.id()
        assert wider.model_copy(update={"label_smoothing": 0.1}).id() != spec.id()


def test_defaults_stay_as_they_are() -> None:
    """They stand for values in the ids of all stored records: a line may be added here, but none may change."""
    assert (
        SPEC_DEFAULTS.items()
        >= {
            "lane": "accuracy",
            "layers": 1,
            "matched": "units",
            "patience": None,
            "stop_at_target": False,
            "dropout": 0.0,
            "recurrent_dropout": 0.0,
            "clip_norm": 1.0,
            "optimizer": "adam",
            "reset_after": True,
            "forget_bias": None,
            "initialiser": "orthogonal",
            "weight_decay": 0.0,
            "schedule": "constant",
            "gradient_reach": False,
            "purpose": "comparison",
        }.items()
    )
    assert SPEC_DEFAULTS["dense_units"] == SPEC_DEFAULTS["evaluate_lengths"] == []
