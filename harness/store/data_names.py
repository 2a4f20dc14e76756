"""Names for the data of a task that differ between them: file name, part of the path, option, or hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeAlias

Identity: TypeAlias = tuple[str, str, str]
"""Task, options and data of a trial's spec, the last two as JSON texts."""
as_text = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""A spec's options or data as text, as the frame has them."""
_MOST_FILES = 2
"""Of a list of files, the names that are shown."""
_HASH = 8
"""Characters of a hash that are shown."""


def dataset_names(trials: Iterable[Identity]) -> dict[Identity, str]:
    """The name of each trial's data among all data of its task; empty where the task has only these.

    Data are the same where what identifies them (`Task.identity`) is the same, at any path. They are
    named by the options that differ: a path by the file's name and, where names are equal, by the part of the path that
    differs; else by what differs in the data, such as the hash of a file that was changed.
    """
    known: dict[str, dict[str, tuple[str, str]]] = {}
    every = sorted(set(trials))
    for task, options, data in every:
        known.setdefault(task, {}).setdefault(data or options, (options, data))
    names = {
        (task, identity): name
        for task, identities in known.items()
        for identity, name in zip(identities, _names(list(identities.values())), strict=True)
    }
    return {(task, options, data): names[task, data or options] for task, options, data in every}


def names_of_tasks(specs: Iterable[Mapping[str, Any]]) -> list[str]:
    """The task of each spec (as JSON values), with the name of its data where the task has several: 'music (a.mat)'."""
    identities = [identity_of(spec) for spec in specs]
    names = dataset_names(identities)
    return [with_data(identity[0], names[identity]) for identity in identities]


def identity_of(spec: Mapping[str, Any]) -> Identity:
    """The identity of the data in a spec, given as JSON values."""
    return str(spec["task"]), as_text(spec["options"]), as_text(spec["data"])


def with_data(task: str, dataset: str) -> str:
    """'music (a.mat)'; without a name of the data, the task alone."""
    return f"{task} ({dataset})" if dataset else task


def _names(identities: Sequence[tuple[str, str]]) -> list[str]:
    if len(identities) == 1:
        return [""]
    options, data = ([_mapping(text) for text in texts] for texts in zip(*identities, strict=True))
    differing = _differing(options)
    columns = {name: [one.get(name) for one in options] for name in differing}
    paths = {name: _short_paths(values) for name, values in columns.items() if _are_paths(values)}
    names = [
        ", ".join(
            _option(name, values[at], paths[name][at] if name in paths else "", named=len(paths) > 1)
            for name, values in columns.items()
        )
        for at in range(len(identities))
    ]
    for name in {name for name in names if names.count(name) > 1}:
        alike = [at for at, other in enumerate(names) if other == name]
        hashes = _differing([data[at] for at in alike])
        for at in alike:
            parts = [
                f"{key.removesuffix('_sha256').replace('_', ' ')} {str(data[at].get(key))[:_HASH]}" for key in hashes
            ]
            names[at] = ", ".join(filter(None, [name, *parts]))
        if len({names[at] for at in alike}) < len(alike):
            for at in alike:
                whole = hashlib.sha256(identities[at][1].encode()).hexdigest()
                names[at] = ", ".join(filter(None, [name, f"data {whole[:_HASH]}"]))
    return names


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {"options": text}
    return value if isinstance(value, dict) else {"options": text}


def _differing(mappings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values are not the same in all."""
    keys = sorted({key for one in mappings for key in one})
    return [key for key in keys if len({json.dumps(one.get(key), sort_keys=True) for one in mappings}) > 1]


def _option(name: str, value: Any, path: str, *, named: bool) -> str:
    words = name.replace("_", " ")
    if value is None:
        return f"default {words}"
    if path:
        return f"{words} {path}" if named else path
    return f"{words} {json.dumps(value, ensure_ascii=False) if isinstance(value, bool | list | dict) else value}"


def _files(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _are_paths(values: Sequence[Any]) -> bool:
    """Whether they are absolute paths, as those in an experiment's options are, or lists of such."""
    files = [file for value in values for file in _files(value)]
    return bool(files) and all(isinstance(file, str) and PurePath(file).is_absolute() for file in files)


def _short_paths(values: Sequence[Any]) -> list[str]:
    every = {PurePath(file) for value in values for file in _files(value)}
    short = []
    for value in values:
        names = [_short_path(PurePath(file), every) for file in _files(value)]
        more = len(names) - _MOST_FILES
        short.append(" + ".join(names[:_MOST_FILES]) + (f" + {more} more" if more > 0 else ""))
    return short


def _short_path(path: PurePath, others: Iterable[PurePath]) -> str:
    """The file's name or, if another file has the same name, the parts of the path that distinguish them."""
    others = [other for other in others if other != path]
    parts = path.parts
    count = next(
        (count for count in range(1, len(parts)) if all(other.parts[-count:] != parts[-count:] for other in others)),
        len(parts),
    )
    return "/".join(parts[-count:]) if count <= 2 else f"{parts[-count]}/…/{parts[-1]}"
