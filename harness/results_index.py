"""An index of all results folders below a folder: `index.html`, a row for each."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.errors import UserError
from harness.files import is_file, replacing, resolved, user_path
from harness.report.index import Entry, index
from harness.store import FILE_NAME
from harness.store.folder import make_writable, stored_experiment
from harness.store.sqlite import open_store
from harness.verdicts.earlier import VERDICTS_NAME
from harness.verdicts.saved import read_verdicts

INDEX_NAME = "index.html"
DEPTH = 3
"""How many levels below the folder are searched."""
REPORTS = ("report.html", "report.md")


def write_index(directory: str | Path, output: str | Path | None = None) -> Path:
    """Write `index.html` of all results folders below `directory` into it, or into `output`; returns its path.

    Nothing is judged or drawn. Raises UserError if there is no results folder, or if the file cannot be written.
    """
    directory = user_path(directory)
    found = sorted(find_results(directory))
    if not found:
        raise UserError(
            f"{directory}: no results here ({FILE_NAME} is missing), nor in the folders below it. Run an experiment"
            " first: harness run FILE"
        )
    target = directory if output is None else user_path(output)
    make_writable(target, "--output DIR")
    entries = [read_entry(folder, directory, target) for folder in found]
    with replacing(target / INDEX_NAME) as file:
        file.write(index(str(directory), entries).encode("utf-8", errors="replace"))
    return target / INDEX_NAME


def find_results(directory: Path) -> Iterator[Path]:
    """The results folders below the folder, at most DEPTH levels down; hidden folders and links are not searched."""
    top = len(directory.parts)
    for path, folders, _ in os.walk(directory):
        here = Path(path)
        is_results = here != directory and is_file(here / FILE_NAME)
        if is_results:
            yield here
        deep = len(here.parts) - top >= DEPTH
        folders[:] = [] if is_results or deep else [name for name in folders if not name.startswith(".")]


def read_entry(folder: Path, directory: Path, target: Path) -> Entry:
    """The row of a results folder; what cannot be read is stated in it."""
    problems = []
    title, planned, done, failed, last = "", 0, 0, 0, ""
    try:
        with open_store(folder) as store:
            statuses = Counter[str]()
            for state in store.states():
                statuses[state.status] += state.trials
            last = store.last_started()
        planned = statuses.total()
        done = planned - statuses["missing"] - statuses["interrupted"]
        failed = done - statuses["ok"]
    except UserError as error:
        problems.append(str(error))
    with suppress(UserError, tomllib.TOMLDecodeError):  # not parsed as an experiment, which imports its modules
        title = str(tomllib.loads(stored_experiment(folder)).get("title", ""))
    counts: dict[str, int] | None = None
    if is_file(folder / VERDICTS_NAME):
        try:
            counts = Counter(verdict.verdict for verdict in read_verdicts(folder / VERDICTS_NAME))
        except UserError as error:
            problems.append(str(error))
    report = next((folder / name for name in REPORTS if is_file(folder / name)), None)
    return Entry(
        folder=folder.relative_to(directory).as_posix(),
        title=title,
        last=last,
        planned=planned,
        done=done,
        failed=failed,
        verdicts=counts,
        report=_relative(report, target) if report else "",
        problems=tuple(problems),
    )


def _relative(path: Path, target: Path) -> str:
    """The path as seen from the folder of the index; absolute where it is on another drive."""
    try:
        return Path(os.path.relpath(resolved(path), resolved(target))).as_posix()
    except ValueError:
        return resolved(path).as_posix()
