"""Results folders become one: of several coordinators, each with a part of the trials, on storage that they share.

An attempt is identified by the trial's id and its number. Two records of an attempt are equal where their JSON values
are: results, times and machine. Whoever ran a trial once and copied its record has equal ones. Records that differ come
from two runs of the trial; nothing says which one counts, so both are kept, one after another as attempts by the time
they were started, and told.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.experiment import TrialSpec
from harness.record import Record
from harness.results import SUMMARIES_FOLDER, load_stored_experiment
from harness.store import EXPERIMENT_NAME, Store, exclusive, open_store, stored_experiment, write_atomically


@dataclass(frozen=True)
class Conflict:
    """Records of one attempt that differ: the folders they come from, the attempts they became."""

    trial_id: str
    attempt: int
    sources: tuple[Path, ...]
    kept_as: tuple[int, ...]
    fields: tuple[str, ...]
    """In which they differ."""


@dataclass(frozen=True)
class Merged:
    """What came of it."""

    trials: int
    records: int
    equal: int
    """Records that were there more than once."""
    conflicts: list[Conflict]


def merge(sources: Sequence[str | Path], into: str | Path) -> Merged:
    """Merge results folders of one experiment into a new one. Raises UserError; the sources are only read.

    The new folder has the plan of all of them in the order of the sources, and the first one's experiment file.
    """
    directories, into = [Path(source) for source in sources], Path(into)
    _check(directories, into)
    with ExitStack() as stack:
        stores = [stack.enter_context(open_store(directory)) for directory in directories]
        target = stack.enter_context(open_store(into, create=True))
        stack.enter_context(exclusive(into))
        if next(target.records(all_records=True), None) is not None:
            raise UserError(f"{into}: there are results in it already. Name a new folder with --into DIR")
        planned: dict[str, TrialSpec] = {}
        for store in stores:
            for trial_id, spec in store.plan():
                planned.setdefault(trial_id, spec)
        target.set_plan(planned)
        merged = _merge_records(stores, directories, target)
        write_atomically(into / EXPERIMENT_NAME, stored_experiment(directories[0]))
        _copy_summaries(directories, into)
    return merged


def _check(directories: Sequence[Path], into: Path) -> None:
    places = [directory.resolve() for directory in directories]
    if len(set(places)) < 2:
        raise UserError("merging takes two results folders or more")
    if len(set(places)) < len(places):
        twice = next(place for place in places if places.count(place) > 1)
        raise UserError(f"{twice}: given twice")
    if into.resolve() in places:
        raise UserError(f"{into}: is one of those to be merged. Name a new folder with --into DIR")
    first, *others = [load_stored_experiment(directory) for directory in directories]
    for directory, other in zip(directories[1:], others, strict=True):
        if other.name != first.name:
            raise UserError(
                f"{directory}: results of the experiment {other.name!r}, not {first.name!r} as in {directories[0]}."
                " Different experiments are seen side by side with `harness report DIR DIR`"
            )


def _merge_records(stores: Sequence[Store], directories: Sequence[Path], target: Store) -> Merged:
    """Trial by trial in the order of their ids, so that only one trial's records are in memory."""
    trials = records = equal = 0
    conflicts: list[Conflict] = []
    streams = [
        ((record["trial_id"], record["attempt"], index, record) for record in store.every_attempt())
        for index, store in enumerate(stores)
    ]
    order = heapq.merge(*streams, key=lambda entry: entry[:3])
    for trial_id, of_trial in groupby(order, key=lambda entry: entry[0]):
        kept: list[tuple[dict[str, Any], int, tuple[int, ...]]] = []
        for attempt, of_attempt in groupby(of_trial, key=lambda entry: entry[1]):
            different = _distinct((index, record) for _, _, index, record in of_attempt)
            equal += sum(len(indices) - 1 for _, indices in different)
            kept += [(record, attempt, indices) for record, indices in different]
        numbered = list(enumerate(sorted(kept, key=lambda entry: (entry[1], entry[0]["started_at"])), start=1))
        for number, (record, _, _) in numbered:
            target.add(Record.model_validate({**record, "attempt": number}))
        trials, records = trials + 1, records + len(numbered)
        for attempt, entries in groupby(numbered, key=lambda entry: entry[1][1]):
            found = list(entries)
            if len(found) > 1:
                conflicts.append(_conflict(trial_id, attempt, found, directories))
    return Merged(trials, records, equal, conflicts)


def _distinct(found: Iterator[tuple[int, dict[str, Any]]]) -> list[tuple[dict[str, Any], tuple[int, ...]]]:
    """Each record once, with the numbers of the stores that have it."""
    different: list[tuple[dict[str, Any], tuple[int, ...]]] = []
    for index, record in found:
        for place, (known, indices) in enumerate(different):
            if known == record:
                different[place] = (known, (*indices, index))
                break
        else:
            different.append((record, (index,)))
    return different


def _conflict(
    trial_id: str,
    attempt: int,
    found: Sequence[tuple[int, tuple[dict[str, Any], int, tuple[int, ...]]]],
    directories: Sequence[Path],
) -> Conflict:
    records = [record for _, (record, _, _) in found]
    return Conflict(
        trial_id,
        attempt,
        tuple(directories[index] for _, (_, _, indices) in found for index in indices),
        tuple(number for number, _ in found),
        tuple(name for name in records[0] if any(record.get(name) != records[0][name] for record in records)),
    )


def _copy_summaries(directories: Sequence[Path], into: Path) -> None:
    for directory in reversed(directories):  # the first one's count
        for path in (directory / SUMMARIES_FOLDER).glob("*.txt"):
            (into / SUMMARIES_FOLDER).mkdir(exist_ok=True)
            write_atomically(into / SUMMARIES_FOLDER / path.name, path.read_text(encoding="utf-8"))
