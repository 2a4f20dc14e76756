"""The records on disk: one SQLite file per results folder. Stored records are never edited."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json

from harness.errors import UserError
from harness.files import is_file, resolved, user_path
from harness.plan.estimate import Load, load_of
from harness.spec.factors import Lane
from harness.spec.renamed import with_new_names
from harness.spec.trial import TrialSpec
from harness.store import FILE_NAME as FILE_NAME
from harness.store.data_names import Identity, dataset_names, identity_of, with_data
from harness.store.faults import FROM_A_COPY, clear_errors
from harness.store.folder import make_writable
from harness.store.interim import InterimAnalyses
from harness.store.record import Record
from harness.store.tables import INSERT_PLANNED, check_schema

_PLANNED_IDS = "SELECT trial_id FROM planned ORDER BY position"
_LAST = (
    "SELECT trial_id, record FROM trial AS here WHERE trial_id IN ({}) AND attempt ="
    " (SELECT max(attempt) FROM trial WHERE trial_id = here.trial_id)"
)
_PAGE = (
    "SELECT trial_id, attempt, record FROM trial WHERE (trial_id, attempt) > (?, ?) ORDER BY trial_id, attempt LIMIT ?"
)
_DATA = "task, json_extract(spec, '$.options'), json_extract(spec, '$.data')"
_AT_A_TIME = 500
_INSERT_TRIAL = "INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?)"
_INSERT_ANALYSIS = "INSERT INTO look VALUES (?, ?, ?)"
_LEFT_OUT = (
    "FROM left_out JOIN planned USING (trial_id) WHERE NOT EXISTS"
    " (SELECT 1 FROM trial WHERE trial.trial_id = left_out.trial_id AND status <> 'interrupted')"
)


@dataclass(frozen=True)
class State:
    """How many planned trials of one load are in one state."""

    load: Load
    status: str
    """Of the last attempt; 'missing' where there is none."""
    crashes: int
    """How many of a trial's attempts crashed."""
    trials: int
    seconds: float
    """Total time of their last attempts."""
    longest: float
    """Time of the longest of these attempts."""
    spent: float
    """Total time of all their attempts."""


class Attempts(NamedTuple):
    """The stored attempts at one trial."""

    number: int
    status: str
    """Of the last attempt; 'missing' where there is none."""
    crashes: int
    """How many of them crashed."""


NONE = Attempts(0, "missing", 0)


@dataclass(frozen=True)
class LeftOut:
    """Trials of one cell and condition that a run left out, for one reason."""

    task: str
    """With the name of its data where the plan has several of the task: 'music (a.mat)'."""
    cell: str
    lane: Lane
    train_size: int
    sequence_length: int
    reason: str
    seeds: tuple[int, ...] = ()
    trials: int = 0

    @property
    def why(self) -> str:
        """The condition and seeds, and the reason."""
        seeds = f"seed{'s' * (len(self.seeds) > 1)} {', '.join(map(str, self.seeds))}"
        where = f"size {self.train_size}, length {self.sequence_length}, {self.lane} lane, {seeds}"
        return f"{where}: {self.reason}"


class Planned(NamedTuple):
    """A stored planned trial, from any version of the harness."""

    trial_id: str
    load: Load
    spec: str
    """As JSON."""


class Store:
    """An open store. `directory` is the results folder; use `open_store`."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self.directory = directory
        self._connection = connection

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, *records: Record) -> None:
        """Store attempts in one transaction: all of them or none.

        Raises UserError if the file cannot be written, KeyError if one of the attempts is stored already.
        """
        with self._writing():
            for record in records:
                row = (
                    record.trial_id,
                    record.attempt,
                    record.status,
                    record.spec.task,
                    record.spec.cell,
                    record.seconds_total,
                    record.model_dump_json(),
                )
                try:
                    self._connection.execute(_INSERT_TRIAL, row)
                except sqlite3.IntegrityError as error:
                    raise KeyError(f"trial {record.trial_id}, attempt {record.attempt}, is stored already") from error

    def set_plan(self, trials: Mapping[str, TrialSpec]) -> None:
        """Store the present plan, from which status and report know which trials are missing."""
        plan = (Planned(trial_id, load_of(spec), spec.model_dump_json()) for trial_id, spec in trials.items())
        with self._writing():
            self._replace_plan(plan)

    def _replace_plan(self, plan: Iterable[Planned]) -> None:
        rows = ((position, one.trial_id, *one.load, one.spec) for position, one in enumerate(plan))
        self._connection.execute("DELETE FROM left_out")
        self._connection.execute("DELETE FROM planned")
        self._connection.executemany(INSERT_PLANNED, rows)

    def fill(
        self, plan: Iterable[Planned], analyses: Mapping[str, InterimAnalyses], records: Iterable[Mapping[str, Any]]
    ) -> None:
        """Store the content of other stores in one transaction: all or nothing. Each record has its attempt number."""
        rows = (
            (
                record["trial_id"],
                record["attempt"],
                record["status"],
                record["spec"]["task"],
                record["spec"]["cell"],
                record.get("seconds_total"),
                json.dumps(record, ensure_ascii=False, separators=(",", ":")),
            )
            for record in records
        )
        with self._writing():
            self._replace_plan(plan)
            for claim, of in analyses.items():
                self._connection.executemany(_INSERT_ANALYSIS, [(claim, through, of.most) for through in of.through])
            self._connection.executemany(_INSERT_TRIAL, rows)

    def leave_out(self, reasons: Mapping[str, str]) -> None:
        """Store which planned trials (by id) this run left out, and why. The next plan deletes this."""
        with self._writing():
            self._connection.executemany("INSERT OR REPLACE INTO left_out VALUES (?, ?)", reasons.items())

    def left_out(self) -> list[LeftOut]:
        """The trials that the last run left out and that still have no outcome, in the plan's order."""
        seeds: dict[LeftOut, list[int]] = {}
        names = self.task_names()
        for text, reason in self._read(f"SELECT spec, reason {_LEFT_OUT} ORDER BY position"):
            spec = from_json(text)
            where = {name: spec[name] for name in ("cell", "lane", "train_size", "sequence_length")}
            where["task"] = names[identity_of(spec)]
            seeds.setdefault(LeftOut(**where, reason=reason), []).append(spec["seed"])
        return [replace(of, seeds=tuple(dict.fromkeys(every)), trials=len(every)) for of, every in seeds.items()]

    def left_out_ids(self) -> set[str]:
        """The ids of these trials."""
        return {trial_id for (trial_id,) in self._read(f"SELECT left_out.trial_id {_LEFT_OUT}")}

    def add_analyses(self, claims: Mapping[str, int], most: int) -> None:
        """Store an interim analysis of each claim (by id) with all seeds up to the given one."""
        rows = [(claim, through, most) for claim, through in claims.items()]
        with self._writing():
            self._connection.executemany(_INSERT_ANALYSIS, rows)

    def analyses(self) -> dict[str, InterimAnalyses]:
        """The interim analyses of each claim (by id) that has any."""
        analyses: dict[str, InterimAnalyses] = {}
        for claim, through, most in self._read("SELECT claim, through, most FROM look ORDER BY claim, through"):
            before = analyses[claim].through if claim in analyses else ()
            analyses[claim] = InterimAnalyses((*before, through), most)
        return analyses

    def attempts(self) -> dict[str, Attempts]:
        """The attempts at each stored trial, by its id."""
        rows = self._read("SELECT trial_id, max(attempt), status, sum(status = 'crashed') FROM trial GROUP BY trial_id")
        return {trial_id: Attempts(*row) for trial_id, *row in rows}

    def planned_trials(self) -> dict[str, tuple[str, str]]:
        """(task, cell) of each trial of the last plan, by id; a task of several data with the name of the trial's."""
        names = self.task_names()
        if len(names) == len({task for task, _, _ in names}):
            rows = self._read("SELECT trial_id, task, cell FROM planned ORDER BY position")
            return {trial_id: (task, cell) for trial_id, task, cell in rows}
        rows = self._read(f"SELECT trial_id, cell, {_DATA} FROM planned ORDER BY position")
        return {trial_id: (names[_identity(*data)], cell) for trial_id, cell, *data in rows}

    def task_names(self) -> dict[Identity, str]:
        """The tasks of the last plan, with the name of the data if a task has several: 'music (a.mat)'."""
        identities = [_identity(*row) for row in self._read(f"SELECT DISTINCT {_DATA} FROM planned")]
        return {data: with_data(data[0], name) for data, name in dataset_names(identities).items()}

    def plan(self) -> list[Planned]:
        """The trials of the last plan, in its order."""
        rows = self._read("SELECT trial_id, task, lane, backend, cell, guess, spec FROM planned ORDER BY position")
        return [Planned(trial_id, Load(*load), spec) for trial_id, *load, spec in rows]

    def endings(self) -> Counter[tuple[str, str, str]]:
        """How many planned trials there are of each (purpose, cell, status of the last attempt or 'missing')."""
        query = (
            "SELECT json_extract(spec, '$.purpose'), cell, coalesce(status, 'missing'), count(*) FROM planned LEFT JOIN"
            " (SELECT trial_id, max(attempt), status FROM trial GROUP BY trial_id) USING (trial_id) GROUP BY 1, 2, 3"
        )
        return Counter({(purpose, cell, status): trials for purpose, cell, status, trials in self._read(query)})

    def speed_machines(self) -> dict[str, tuple[int, dict[str, Any]]]:
        """The planned speed trials whose last attempt is ok, by id: its number, and the machine that timed it."""
        rows = self._read(
            "SELECT trial_id, attempt, record FROM (SELECT trial_id, max(attempt) AS attempt, status, record FROM trial"
            " JOIN planned USING (trial_id) WHERE lane = 'speed' GROUP BY trial_id) WHERE status = 'ok'"
        )
        return {trial_id: (attempt, from_json(text)["machine"]) for trial_id, attempt, text in rows}

    def planned_seeds(self) -> set[int]:
        """The seeds of the last plan's comparison."""
        spec = "json_extract(spec, '$.{}')".format
        query = f"SELECT DISTINCT {spec('seed')} FROM planned WHERE {spec('purpose')} = 'comparison'"
        return {seed for (seed,) in self._read(query)}

    def records(self, *, all_records: bool = False) -> Iterator[dict[str, Any]]:
        """The last attempt at each planned trial, in the plan's order, as JSON values.

        With `all_records`, trials outside the present plan are included, and all are in the order of their ids. Records
        are read a few at a time, so that a run which stores trials meanwhile does not wait for long.
        """
        rows = self._read("SELECT DISTINCT trial_id FROM trial ORDER BY 1" if all_records else _PLANNED_IDS)
        yield from self.last_attempts([trial_id for (trial_id,) in rows])

    def last_attempts(self, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The last attempt at each of these trials, in their order; trials without an attempt are skipped."""
        for start in range(0, len(ids), _AT_A_TIME):
            some = ids[start : start + _AT_A_TIME]
            texts = dict(self._read(_LAST.format(", ".join("?" * len(some))), *some))
            for trial_id in some:
                if trial_id in texts:
                    yield _record(texts[trial_id])

    def every_attempt(self) -> Iterator[dict[str, Any]]:
        """All stored records with their stored names, in the order of trial ids and attempts, read a few at a time."""
        last = ("", 0)
        while page := list(self._read(_PAGE, *last, _AT_A_TIME)):
            for trial_id, attempt, text in page:
                last = (trial_id, attempt)
                yield from_json(text)

    def attempts_at(self, trial_id: str) -> list[dict[str, Any]]:
        """All attempts at one trial, oldest first. Raises UserError unless the id, or its beginning, fits one trial."""
        pattern = trial_id.replace("%", "").replace("_", "") + "%"
        rows = list(self._read("SELECT trial_id, record FROM trial WHERE trial_id LIKE ? ORDER BY attempt", pattern))
        ids = sorted({row[0] for row in rows})
        if len(ids) != 1:
            problem = (
                f"{len(ids)} trials have ids that begin with it: {', '.join(ids[:5])}"
                if ids
                else "there is no record of this trial"
            )
            raise UserError(f"{self.directory}: trial {trial_id!r}: {problem}. `harness export` lists the ids")
        return [_record(text) for _, text in rows]

    def last_started(self) -> str:
        """When the trial that was stored last started (ISO 8601); empty without one."""
        rows = self._read("SELECT json_extract(record, '$.started_at') FROM trial ORDER BY rowid DESC LIMIT 1")
        return next((str(started or "") for (started,) in rows), "")

    def states(self) -> list[State]:
        """Numbers of planned trials by state. They are read from indexes, which is fast in a large store too."""
        query = (
            "SELECT task, lane, backend, cell, guess, coalesce(status, 'missing'), coalesce(crashes, 0), count(*),"
            " coalesce(sum(seconds), 0), coalesce(max(seconds), 0), coalesce(sum(spent), 0) FROM planned LEFT JOIN"
            " (SELECT trial_id, max(attempt), status, seconds, sum(seconds) AS spent,"
            " sum(status = 'crashed') AS crashes FROM trial GROUP BY trial_id) USING (trial_id)"
            " GROUP BY task, lane, backend, cell, guess, status, crashes"
        )
        return [State(Load(*row[:5]), *row[5:]) for row in self._read(query)]

    def _read(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        with clear_errors(self.directory):
            # `yield from` would close the cursor of an abandoned generator, perhaps after its connection.
            for row in self._connection.execute(query, values):  # noqa: UP028
                yield row

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with clear_errors(self.directory), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield


def _record(text: str) -> dict[str, Any]:
    record: dict[str, Any] = from_json(text)
    return {**record, "spec": with_new_names(record["spec"])}


def _identity(task: str, options: str, data: str) -> Identity:
    return identity_of({"task": task, "options": from_json(options), "data": from_json(data)})


@contextmanager
def open_store(directory: str | Path, *, create: bool = False, option: str = "--results DIR") -> Iterator[Store]:
    """The store of a results folder. `create` makes a missing one. Messages suggest `option` for another folder.

    Raises UserError if the folder or file is missing, cannot be read or written, is no SQLite file, belongs to another
    program or to a newer version of the harness, or holds values of wrong types at which the block fails. Nothing is
    overwritten.
    """
    directory = user_path(directory)
    path = directory / FILE_NAME
    if create:
        make_writable(directory, option)
    elif not is_file(path):
        raise UserError(
            f"{directory}: no results here ({FILE_NAME} is missing). Run an experiment first: harness run FILE"
        )
    _check_beside(path)
    with clear_errors(directory), _connection(path, "rwc" if create else "rw") as connection:
        check_schema(connection, path, create=create)
        if not create:  # not mode=ro, which could not undo what a run wrote when it was killed
            connection.execute("PRAGMA query_only = ON")
        try:
            yield Store(directory, connection)
        except (UserError, sqlite3.Error):
            raise
        except Exception as error:
            _name_damage(connection, path, error)
            raise


def _check_beside(path: Path) -> None:
    """Raises UserError if a journal beside the store is not a regular file: SQLite would block on a pipe."""
    for name in (f"{path.name}-journal", f"{path.name}-wal"):
        beside = path.with_name(name)
        if beside.exists() and not beside.is_file():
            raise UserError(f"{beside}: is not a regular file, expected SQLite's journal or nothing. Move it away")


@contextmanager
def naming_damage(*directories: str | Path) -> Iterator[None]:
    """Raises UserError if the block fails because of damaged values that were read from these folders."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        for directory in directories:
            with open_store(directory) as store:
                _name_damage(store._connection, store.directory / FILE_NAME, error)
        raise


def _name_damage(connection: sqlite3.Connection, path: Path, error: Exception) -> None:
    """Raise UserError with the first damaged value as the cause of `error`, if there is one."""
    from harness.store.damage import found_damage

    damage = found_damage(connection, error)
    if damage is not None:
        raise UserError(f"{path}: damaged ({damage}). {FROM_A_COPY}") from error


@contextmanager
def _connection(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{resolved(path).as_uri()}?mode={mode}", uri=True, timeout=30, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
