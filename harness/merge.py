"""Results folders become one: of several coordinators, each with a part of the trials, on storage that they share.

Two records are equal where all their JSON values are, times and machine included, but for the attempt's number: such
are copies of one run of a trial, and are kept once. Records that differ come from different runs of the trial, and all
are kept, as its attempts. Where folders that have a trial count different records of it, that is a conflict.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.experiment import TrialSpec
from harness.files import make_folder
from harness.record import Record
from harness.results import SUMMARIES_FOLDER, load_stored_experiment
from harness.runner.run import TRY_AGAIN
from harness.store import EXPERIMENT_NAME, Store, exclusive, open_store, stored_experiment, write_atomically


@dataclass(frozen=True)
class Conflict:
    """A trial of which folders count different records; all are kept, and the one that was begun last counts."""

    trial_id: str
    folders: tuple[Path, ...]
    fields: tuple[str, ...]
    """In which the records differ."""


@dataclass
class Merged:
    """What came of it, in numbers of records but for the trials."""

    trials: int = 0
    records: int = 0
    copies: int = 0
    """Equal to one that was kept."""
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(frozen=True)
class _Found:
    """A record and the numbers of the folders that have it."""

    record: dict[str, Any]
    folders: tuple[int, ...]


def merge(sources: Sequence[str | Path], into: str | Path) -> Merged:
    """Merge results folders of one experiment into a new one; no record is written unless all are.

    Its plan has the trials of all of them in the order of the sources; the experiment file is the first one's, the
    sources are only read. Raises UserError.
    """
    directories, into = [Path(source) for source in sources], Path(into)
    _check(directories, into)
    merged = Merged()
    with ExitStack() as stack:
        stores = [stack.enter_context(open_store(directory)) for directory in directories]
        target = stack.enter_context(open_store(into, create=True))
        stack.enter_context(exclusive(into))
        if next(target.records(all_records=True), None) is not None:
            raise UserError(f"{into}: there are results in it already. Name a new folder with --into DIR")
        planned: dict[str, TrialSpec] = {}
        for store in stores:
            for trial_id, spec in store.plan().items():
                planned.setdefault(trial_id, spec)
        target.set_plan(planned)
        target.add_all(_all_records(stores, directories, merged))
        write_atomically(into / EXPERIMENT_NAME, stored_experiment(directories[0]))
        _copy_summaries(directories, into)
    return merged


def _check(directories: Sequence[Path], into: Path) -> None:
    places = [directory.resolve() for directory in directories]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise UserError(f"{twice}: given twice. Name each results folder once")
    if len(places) < 2:
        raise UserError("merging takes two results folders or more")
    if into.resolve() in places:
        raise UserError(f"{into}: is one of those to be merged. Name a new folder with --into DIR")
    names = [load_stored_experiment(directory).name for directory in directories]
    for directory, name in zip(directories, names, strict=True):
        if name != names[0]:
            raise UserError(
                f"{directory}: results of the experiment {name!r}, not of {names[0]!r} as in {directories[0]}."
                f" See them side by side instead: harness report {directories[0]} {directory}"
            )


def _all_records(stores: Sequence[Store], directories: Sequence[Path], merged: Merged) -> Iterator[Record]:
    """The records to be kept, trial by trial, so that only one trial's are in memory; counts them in `merged`."""
    streams = [_numbered(index, store.every_attempt()) for index, store in enumerate(stores)]
    for trial_id, entries in groupby(heapq.merge(*streams, key=lambda entry: entry[:2]), key=lambda entry: entry[0]):
        of_folders = [(index, record) for _, index, record in entries]
        found = _without_copies(of_folders)
        merged.trials += 1
        merged.records += len(found)
        merged.copies += len(of_folders) - len(found)
        counted = [one for one in found if _counts(one, of_folders)]
        if len(counted) > 1:
            merged.conflicts.append(_conflict(trial_id, counted, directories))
        if len({index for index, _ in of_folders}) > 1:
            found.sort(key=lambda one: (one.record["status"] not in TRY_AGAIN, one.record["started_at"]))
        for attempt, one in enumerate(found, start=1):
            yield Record.model_validate({**one.record, "attempt": attempt})


def _numbered(index: int, records: Iterator[dict[str, Any]]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for record in records:
        yield record["trial_id"], index, record


def _without_copies(records: Sequence[tuple[int, dict[str, Any]]]) -> list[_Found]:
    found: list[_Found] = []
    for index, record in records:
        same = next((one for one in found if _without_number(one.record) == _without_number(record)), None)
        if same is None:
            found.append(_Found(record, (index,)))
        else:
            found[found.index(same)] = _Found(same.record, (*same.folders, index))
    return found


def _without_number(record: dict[str, Any]) -> str:
    """As text, in which what is not a number equals itself."""
    return json.dumps({name: value for name, value in record.items() if name != "attempt"}, sort_keys=True)


def _counts(one: _Found, records: Sequence[tuple[int, dict[str, Any]]]) -> bool:
    """Whether it is the last record of its trial in a folder, and not one that is to be tried again."""
    last = {index: _without_number(record) for index, record in records}
    return one.record["status"] not in TRY_AGAIN and _without_number(one.record) in last.values()


def _conflict(trial_id: str, found: Sequence[_Found], directories: Sequence[Path]) -> Conflict:
    texts = [{name: json.dumps(value, sort_keys=True) for name, value in one.record.items()} for one in found]
    names = [name for name in texts[0] if name != "attempt"]
    differ = tuple(name for name in names if len({text.get(name) for text in texts}) > 1)
    return Conflict(trial_id, tuple(directories[index] for one in found for index in one.folders), differ)


def _copy_summaries(directories: Sequence[Path], into: Path) -> None:
    for directory in reversed(directories):  # the first one's stays
        for path in (directory / SUMMARIES_FOLDER).glob("*.txt"):
            make_folder(into / SUMMARIES_FOLDER)
            write_atomically(into / SUMMARIES_FOLDER / path.name, path.read_text(encoding="utf-8"))
