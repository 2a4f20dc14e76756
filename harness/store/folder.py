"""The results folder: create and lock it, and its copies of the experiment file and of model summaries."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import UserError
from harness.files import make_folder, read_text, remove_parts, resolved, user_path, write_atomically
from harness.locks import owner, try_lock
from harness.spec.experiment import Experiment
from harness.spec.load import parse_experiment
from harness.tasks.common.cache import VARIABLE

EXPERIMENT_NAME = "experiment.toml"
SUMMARIES_FOLDER = "summaries"
_VERSION = re.compile(r"\.[0-9a-f]{12}$")


def cache_folder(results: Path) -> Path:
    """The folder for data that take long to make: HARNESS_CACHE, else `.cache` in the folder of the results folders."""
    return Path(os.environ.get(VARIABLE) or results / ".cache")


def make_writable(directory: Path, option: str = "--results DIR") -> None:
    """Make the folder. Raises UserError, which names the `option` that chooses another, where it cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise UserError(
            f"{directory}: results cannot be written here ({error.strerror}). Choose another folder with {option}"
        ) from error


@contextmanager
def exclusive(directory: Path, option: str = "--results DIR") -> Iterator[None]:
    """Hold the results folder for one run. Raises UserError that names the process which holds it.

    The lock ends with its process, even if that is killed. Unfinished files of a killed run are removed.
    """
    path = directory / ".lock"
    try:
        file = path.open("a+", encoding="utf-8")
    except PermissionError as error:
        raise UserError(
            f"{path}: belongs to {owner(path)} and cannot be written ({error.strerror}). Run as that user, or choose"
            f" another folder with {option}"
        ) from error
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}). Choose another folder with {option}"
        ) from error
    with file:
        if not try_lock(file.fileno(), path):
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise UserError(f"{directory}: {holder} is running an experiment into this folder. Wait for it, or stop it")
        file.truncate(0)
        with suppress(OSError):  # on a full disk the lock holds all the same
            os.write(file.fileno(), f"process {os.getpid()}".encode())
        remove_parts(directory)
        yield
        file.truncate(0)


def stored_experiment(directory: Path) -> str:
    """The text of the experiment file that the folder's last run used. Raises UserError."""
    return read_text(directory / EXPERIMENT_NAME)


def load_stored_experiment(directory: str | Path) -> Experiment:
    """The experiment that the folder's last run used. Raises UserError."""
    directory = user_path(directory)
    text = stored_experiment(directory)
    return parse_experiment(text, source=str(directory / EXPERIMENT_NAME), folder=resolved(directory))


def find_modules(directory: str | Path, names: Iterable[str]) -> None:
    """Let the `module:attribute` names among these be found beside the experiment that the folder's last run used.

    Raises UserError where there is such a name and the experiment cannot be read.
    """
    if any(":" in name for name in names):
        load_stored_experiment(directory)


def read_summaries(directory: Path) -> dict[str, str]:
    """The stored summaries of the article's models, by cell."""
    return {cell: read_text(path) for cell, path in summary_files(directory).items()}


def summary_files(directory: Path) -> dict[str, Path]:
    """The files of the stored summaries, by cell: `<cell>.<version of its code>.txt`, or the older `<cell>.txt`."""
    paths = sorted((directory / SUMMARIES_FOLDER).glob("[!.]*.txt"))
    return {_VERSION.sub("", path.stem): path for path in paths}


def summary_file(directory: Path, cell: str, version: str) -> Path:
    """The file of the summary of a cell's model, for this version of its code (12 hexadecimal digits)."""
    return directory / SUMMARIES_FOLDER / f"{cell.replace(os.sep, '_')}.{version}.txt"


def write_summary(directory: Path, cell: str, version: str, text: str) -> None:
    """Store the summary of a cell's model for the report, replacing that of other versions. Raises UserError."""
    path = summary_file(directory, cell, version)
    make_folder(path.parent)
    write_atomically(path, text)
    for other in path.parent.glob("[!.]*.txt"):
        if other != path and _VERSION.sub("", other.stem) == _VERSION.sub("", path.stem):
            other.unlink(missing_ok=True)
