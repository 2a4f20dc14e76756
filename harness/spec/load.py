"""Reads experiment files: TOML text becomes an Experiment, and every mistake becomes a line of one message."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ValidationError

from harness.errors import UserError, nearest
from harness.files import read_text, resolved, user_path
from harness.registry import find_beside
from harness.spec.bundled import bundled_experiments, locate
from harness.spec.claims import Claim
from harness.spec.claims_check import check_claims
from harness.spec.experiment import Experiment, distinct_ids
from harness.spec.explain import explain
from harness.spec.renamed import rename_in_experiment
from harness.spec.toml import to_toml
from harness.spec.types import STRICT, OneOrMore
from harness.tasks import tasks
from harness.tasks.common.task import with_paths_from

_COMMENTS = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
_MODULE = re.compile(r"[\w.]+:\w+")


class ClaimsFile(BaseModel):
    """A file that has only claims, to judge stored records with."""

    model_config = STRICT

    claim: Annotated[OneOrMore[Claim], AfterValidator(distinct_ids)]
    """The claims to judge."""


def load_experiment(path: str | Path) -> Experiment:
    """The experiment in a TOML file.

    path: the file, or the name of a bundled experiment

    Raises UserError, with the place and the nearest valid name, if the file cannot be read or is not valid.
    """
    path = locate(path)
    experiment = parse_experiment(_text(path), source=str(path), folder=resolved(path).parent)
    if experiment.folder is not None and not user_path(experiment.folder).is_dir():
        raise UserError(_no_folder(str(path), user_path(experiment.folder)))
    return experiment


def load_claims(path: str | Path) -> tuple[Claim, ...]:
    """The claims of an experiment file, or of a file that has only claims. Raises UserError."""
    path = locate(path)
    text = _text(path)
    content, folder = _content(text, str(path)), resolved(path).parent
    if content.keys() & Experiment.model_fields.keys() - ClaimsFile.model_fields.keys():
        return parse_experiment(text, source=str(path), folder=folder).claim
    try:
        find_beside(folder, _modules(content))
        return ClaimsFile.model_validate(rename_in_experiment(content)[0]).claim
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except ValidationError as error:
        raise UserError(explain(error, source=str(path), model=ClaimsFile)) from error


def parse_experiment(text: str, *, source: str, folder: Path) -> Experiment:
    """The experiment in TOML text. `source` names the text in messages.

    Paths in options and `module:attribute` names are relative to `folder`, unless the text has the key `folder`.

    Raises UserError with file, key, what was expected and the nearest valid name.
    """
    content = _content(text, source)
    modules = _modules(content)
    try:
        content, renamed = rename_in_experiment(content)
        folder = _folder_of(content, folder)
        find_beside(folder, modules)
        experiment = Experiment.model_validate(content)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    except ValidationError as error:
        missing = f"\n{_no_folder(source, folder)}" if modules and "folder" in content and not folder.is_dir() else ""
        raise UserError(explain(error, source=source, model=Experiment) + missing) from error
    sweeps = []
    has_relative_paths = False
    for index, sweep in enumerate(experiment.sweep):
        try:
            given = sweep.task_options()
            complete = with_paths_from(folder, given)
        except ValidationError as error:
            model = tasks[sweep.task].options
            raise UserError(explain(error, source=source, model=model, at=("sweep", index, "options"))) from error
        except UserError as error:
            raise UserError(f"{source}: sweep[{index}].options: {error}") from error
        has_relative_paths |= complete != given
        sweeps.append(sweep.with_options(complete))
    experiment = experiment.model_copy(update={"sweep": tuple(sweeps)})
    experiment._source, experiment._folder, experiment._text, experiment._renamed = source, folder, text, renamed
    if "folder" not in content and (has_relative_paths or modules):
        experiment._text = _with_folder(text, folder)
        experiment = experiment.model_copy(update={"folder": str(folder)})
    experiment._read = dict(experiment)
    check_claims(experiment)
    return experiment


def checked(experiment: Experiment) -> Experiment:
    """The experiment as it would be read from a file. One that was made or changed in Python is validated now.

    Relative paths of an experiment made in Python are relative to the current folder. Raises UserError.
    """
    if experiment.is_as_read():
        return experiment
    return parse_experiment(experiment.text(), source=experiment.source, folder=experiment._folder or Path.cwd())


def _folder_of(content: dict[str, Any], folder: Path) -> Path:
    """The base folder of relative paths and modules: the key `folder`, else the folder of the file."""
    given = content.get("folder")
    try:
        return resolved(user_path(given) if isinstance(given, str) and given else folder)
    except UserError as error:  # a null character
        raise UserError(f"folder: {given!r} is not a path ({error})") from error


def _no_folder(source: str, folder: Path) -> str:
    return (
        f"{source}: folder: {folder}: no such folder. The experiment needs data or modules from it;"
        " change 'folder' to their present location"
    )


def _with_folder(text: str, folder: Path) -> str:
    """The text with the key `folder`, inserted after the leading comments, so that no table header precedes it."""
    begin = _COMMENTS.match(text)
    place = begin.end() if begin else 0
    return f"{text[:place]}{to_toml({'folder': str(folder)})}{text[place:]}"


def _modules(content: object) -> list[str]:
    """The `module:attribute` names under the keys that accept them. The rest of the content may be invalid."""
    if isinstance(content, str):
        return [content] if _MODULE.fullmatch(content) else []
    if isinstance(content, list):
        return [name for inner in content for name in _modules(inner)]
    if isinstance(content, dict):
        names = [content.get(key) for key in ("task", "cells", "figures", "reference", "better", "than")]
        tables = [content.get(key) for key in ("sweep", "claim", "where")]
        return _modules([*names, *(table for table in tables if not isinstance(table, str))])
    return []


def _content(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        raise UserError(f"{source}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise UserError(f"{source}: lists or tables are nested too deeply") from error


def _text(path: Path) -> str:
    try:
        path.stat()
    except FileNotFoundError:
        siblings = {str(sibling) for sibling in path.parent.glob("[!.]*.toml")} if path.parent.is_dir() else set()
        raise UserError(
            f"{path}: no such experiment file.{nearest(str(path), siblings | bundled_experiments().keys())}"
        ) from None
    except (OSError, ValueError):
        pass  # read_text raises the message for it
    return read_text(path)
