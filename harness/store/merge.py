"""Merge results folders of several coordinators, each with a part of the trials.

Records whose JSON values are all equal, except the attempt number, are copies of one attempt; one of them is kept.
Records that differ come from different attempts, and all are kept. If the last attempts at a trial differ between
folders, that is a conflict, and the attempt that began last counts. The trials of a timing block all count from one
folder.

Records are copied unchanged, with keys that this version does not know. Sources may be read-only. They are read a few
records at a time and are not locked, so a run may go on in one of them; records that it stores meanwhile may be missing
here.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.files import make_folder, read_text, resolved, user_path, write_atomically
from harness.spec.trial import SPEC_DEFAULTS, VARIES_WITHIN_A_BLOCK
from harness.store.datasets import Data, of_record
from harness.store.folder import (
    EXPERIMENT_NAME,
    SUMMARIES_FOLDER,
    exclusive,
    load_stored_experiment,
    stored_experiment,
    summary_files,
)
from harness.store.interim import InterimAnalyses
from harness.store.record import TRY_AGAIN, Record
from harness.store.sqlite import Planned, Store, open_store

_ABSENT = {name: of.get_default() for name, of in Record.model_fields.items() if not of.is_required()}
"""The values of keys that records of older versions lack."""


@dataclass(frozen=True)
class Conflict:
    """A trial with different records in several folders. All are kept."""

    trial_id: str
    folders: tuple[Path, ...]
    fields: tuple[str, ...]
    """In which the records differ."""


@dataclass
class Merged:
    """The result of a merge."""

    trials: int = 0
    records: int = 0
    copies: int = 0
    """Equal to one that was kept."""
    conflicts: list[Conflict] = field(default_factory=list)
    data: dict[str, set[Data]] = field(default_factory=dict)
    """Of the records of each folder."""


@dataclass(frozen=True)
class _Distinct:
    """A record that equals no other, and the numbers of the folders that have it."""

    record: dict[str, Any]
    folders: tuple[int, ...]


def merge(sources: Sequence[str | Path], into: str | Path) -> Merged:
    """Merge results folders of one experiment into a new one. Either all records are written or none.

    The new plan has the trials of all sources, in their order; the experiment file is that of the first source. Sources
    are not changed, except that a store with an old schema is migrated. Raises UserError.
    """
    directories, into = [user_path(source) for source in sources], user_path(into)
    _check(directories, into)
    merged = Merged()
    with ExitStack() as stack:
        stores = [stack.enter_context(open_store(directory)) for directory in directories]
        analyses = _all_analyses(stores)  # before the records: what an analysis has used was stored before it
        plan = _whole_plan(stores)
        target = stack.enter_context(open_store(into, create=True, option="--into DIR"))
        stack.enter_context(exclusive(into, "--into DIR"))
        if next(target.records(all_records=True), None) is not None:
            raise UserError(f"{into}: already contains results. Name a new folder with --into DIR")
        write_atomically(into / EXPERIMENT_NAME, stored_experiment(directories[0]))
        _copy_summaries(directories, into)
        records = _all_records(stores, directories, _whose_blocks(stores, plan), merged)
        target.fill(plan, analyses, records)  # last, so that a stopped merge can be repeated
    return merged


def _check(directories: Sequence[Path], into: Path) -> None:
    places = [resolved(directory) for directory in directories]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise UserError(f"{twice}: given twice. Name each results folder once")
    if len(places) < 2:
        raise UserError("merging takes two results folders or more")
    if resolved(into) in places:
        raise UserError(f"{into}: is one of the folders to merge. Name a new folder with --into DIR")
    names = [load_stored_experiment(directory).name for directory in directories]
    for directory, name in zip(directories, names, strict=True):
        if name != names[0]:
            raise UserError(
                f"{directory}: results of the experiment {name!r}, not of {names[0]!r} as in {directories[0]}."
                f" See them side by side instead: harness report {directories[0]} {directory}"
            )


def _all_analyses(stores: Sequence[Store]) -> dict[str, InterimAnalyses]:
    """The interim analyses of each claim (by id) in any of the folders.

    Each counts as an analysis of the merged records up to its last seed. A folder decided from earlier seeds whether to
    add later ones, so the merged records in the order of seeds are one sequence of analyses, and levels adjusted for
    all of them hold. The levels depend on the maximum number of seeds. Raises UserError if it differs between folders.
    """
    merged: dict[str, InterimAnalyses] = {}
    most: tuple[int, Path] | None = None
    for store in stores:
        for claim, analyses in store.analyses().items():
            most = most or (analyses.most, store.directory)
            if analyses.most != most[0]:
                raise UserError(
                    f"{store.directory}: claims were analysed with at most {analyses.most} seeds, in {most[1]} with at"
                    f" most {most[0]}, so no verdict can use the seeds of both. See them side by side instead:"
                    f" harness report {most[1]} {store.directory}"
                )
            before = merged[claim].through if claim in merged else ()
            merged[claim] = InterimAnalyses(tuple(sorted({*before, *analyses.through})), analyses.most)
    return merged


def _whole_plan(stores: Sequence[Store]) -> list[Planned]:
    planned: dict[str, Planned] = {}
    for store in stores:
        for one in store.plan():
            planned.setdefault(one.trial_id, one)
    return list(planned.values())


def _whose_blocks(stores: Sequence[Store], plan: Sequence[Planned]) -> dict[str, int]:
    """For trials (by id) of timing blocks that several folders ran: the folder whose block counts.

    It is the folder with the most outcomes of the block; in a tie, the one with the trial that began last.
    """
    ids = [one.trial_id for one in plan if one.load.lane == "speed"]
    blocks: dict[str, dict[int, dict[str, str]]] = {}
    for index, store in enumerate(stores):
        for record in store.last_attempts(ids):
            if record["status"] not in TRY_AGAIN:
                begun = blocks.setdefault(_block(record["spec"]), {}).setdefault(index, {})
                begun[record["trial_id"]] = record["started_at"]
    whose = {}
    for folders in blocks.values():
        if len(folders) > 1:
            best = max(folders, key=lambda index: (len(folders[index]), max(folders[index].values())))
            whose.update(dict.fromkeys(folders[best], best))
    return whose


def _block(spec: Mapping[str, Any]) -> str:
    """The values that the trials of a block share, except options, whose paths may differ between hosts."""
    whole = SPEC_DEFAULTS | {**spec}
    shared = {name: value for name, value in whole.items() if name not in {*VARIES_WITHIN_A_BLOCK, "options"}}
    return json.dumps(shared, sort_keys=True)


def _all_records(
    stores: Sequence[Store], directories: Sequence[Path], whose: Mapping[str, int], merged: Merged
) -> Iterator[dict[str, Any]]:
    """The records to keep, trial by trial to save memory. Counts them in `merged`."""
    streams = [_numbered(index, store.every_attempt()) for index, store in enumerate(stores)]
    for trial_id, entries in groupby(heapq.merge(*streams, key=lambda entry: entry[:2]), key=lambda entry: entry[0]):
        of_folders = [(index, _text(record), record) for _, index, record in entries]
        for index, _, record in of_folders:
            merged.data.setdefault(str(directories[index]), set()).add(of_record(record))
        distinct = _without_copies(of_folders)
        merged.trials += 1
        merged.records += len(distinct)
        merged.copies += len(of_folders) - len(distinct)
        last = {index: text for index, text, _ in of_folders}
        counted = [
            text for text in distinct if text in last.values() and distinct[text].record["status"] not in TRY_AGAIN
        ]
        if len(counted) > 1:
            merged.conflicts.append(_conflict(trial_id, [distinct[text] for text in counted], directories))
        texts = list(distinct)
        if len(last) > 1:
            of_block = last.get(whose.get(trial_id, -1))
            texts.sort(
                key=lambda text: (
                    distinct[text].record["status"] not in TRY_AGAIN,
                    text == of_block,
                    distinct[text].record["started_at"],
                )
            )
        for attempt, text in enumerate(texts, start=1):
            yield {**distinct[text].record, "attempt": attempt}


def _numbered(index: int, records: Iterator[dict[str, Any]]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for record in records:
        yield record["trial_id"], index, record


def _text(record: dict[str, Any]) -> str:
    """The record as text without the number of the attempt. As text, NaN equals NaN."""
    return json.dumps({name: value for name, value in (_ABSENT | record).items() if name != "attempt"}, sort_keys=True)


def _without_copies(records: Sequence[tuple[int, str, dict[str, Any]]]) -> dict[str, _Distinct]:
    """The records that differ, by their text."""
    distinct: dict[str, _Distinct] = {}
    for index, text, record in records:
        same = distinct.get(text)
        distinct[text] = _Distinct(same.record, (*same.folders, index)) if same else _Distinct(record, (index,))
    return distinct


def _conflict(trial_id: str, records: Sequence[_Distinct], directories: Sequence[Path]) -> Conflict:
    texts = [
        {name: json.dumps(value, sort_keys=True) for name, value in (_ABSENT | one.record).items()} for one in records
    ]
    names = [name for name in dict.fromkeys(name for text in texts for name in text) if name != "attempt"]
    differ = tuple(name for name in names if len({text.get(name) for text in texts}) > 1)
    return Conflict(trial_id, tuple(directories[index] for one in records for index in one.folders), differ)


def _copy_summaries(directories: Sequence[Path], into: Path) -> None:
    """For each cell, the model summary of the first folder that has one."""
    summaries: dict[str, Path] = {}
    for directory in directories:
        summaries = summary_files(directory) | summaries
    for path in summaries.values():
        make_folder(into / SUMMARIES_FOLDER)
        write_atomically(into / SUMMARIES_FOLDER / path.name, read_text(path))
