"""Descriptions of the data of trials, and differences in data between results folders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.store.data_names import Identity, dataset_names, identity_of, with_data

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN_ALLOWED = 0.05
"""Above this share of unknown tokens there is a warning."""
_DIGITS = 12
"""Hexadecimal digits of a hash that are shown."""


class Data(NamedTuple):
    """The data of a task: the task's `identity` of them as JSON, and their source ('' if they are generated).

    An identity also contains options that only decide how data are used; two data that differ in these are the same.
    """

    task: str
    identity: str
    source: str

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """The hashes of what was read and the version of the task's procedure."""
        identity: Mapping[str, str] = json.loads(self.identity or "{}")
        return tuple(
            (name, value) for name, value in sorted(identity.items()) if name == "procedure" or name.endswith("sha256")
        )

    @property
    def in_words(self) -> str:
        """'documentation of pandas 3.1.1 (SHA-256 6669ccdb0251)'; for generated data, the procedure."""
        hashes = [value[:_DIGITS] for name, value in self.key if name.endswith("sha256")]
        procedure = dict(self.key).get("procedure", "data of an unknown procedure")
        source = self.source or ("data whose name is not on record" if hashes else procedure)
        return f"{source} (SHA-256 {', '.join(hashes)})" if hashes else source


def differences(folders: Mapping[str, Iterable[Data]]) -> list[str]:
    """One sentence for each task whose data differ between folders."""
    by_task: dict[str, dict[str, dict[tuple[tuple[str, str], ...], Data]]] = {}
    for folder, every in folders.items():
        for data in every:
            by_task.setdefault(data.task, {}).setdefault(folder, {})[data.key] = data
    sentences = []
    for task, parts in by_task.items():
        shared = set.intersection(*(set(part) for part in parts.values()))
        differing = {
            folder: [data for key, data in part.items() if key not in shared] for folder, part in parts.items()
        }
        if sum(map(bool, differing.values())) > 1:
            listed = "; ".join(
                f"{folder}: {' and '.join(sorted(data.in_words for data in every))}"
                for folder, every in differing.items()
                if every
            )
            sentences.append(f"The data of {task} differ, so its results are not comparable. {listed}.")
    return sentences


def of_frame(frame: pd.DataFrame) -> tuple[Data, ...]:
    """The data of a frame's trials."""
    rows = (
        frame[[name for name in ("task", "data", "data_source") if name in frame]].drop_duplicates().to_dict("records")
    )
    return tuple(Data(*(str(row.get(name, "")) for name in ("task", "data", "data_source"))) for row in rows)


def of_record(record: Mapping[str, Any]) -> Data:
    """The data of a stored record."""
    spec = record["spec"]
    return Data(spec["task"], json.dumps(spec.get("data") or {}, sort_keys=True), _facts(record).get("source", ""))


class Summary:
    """The report's table of data: one row per task and data."""

    def __init__(self) -> None:
        self._facts: dict[Data, list[Mapping[str, Any]]] = {}
        self._identities: dict[Data, Identity] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a stored record; records without facts about their data are ignored."""
        facts = _facts(record)
        self._identities.setdefault(of_record(record), identity_of(record["spec"]))
        every = self._facts.setdefault(of_record(record), []) if facts else []
        if facts not in every and record["spec"]["purpose"] == "comparison":
            every.append(facts)

    def rows(self) -> Iterator[dict[str, str]]:
        """Task, data, examples of the three splits, classes, share of unknown tokens, padding, what is left out."""
        names = dataset_names(self._identities.values())
        for data, every in self._facts.items():
            if every:
                yield {
                    "task": with_data(data.task, names[self._identities[data]]),
                    "data": data.in_words,
                    **{split: _range(facts["examples"][split] for facts in every) for split in every[0]["examples"]},
                    "classes": _range(facts["classes"] for facts in every),
                    "unknown tokens": _percent(facts["unknown"] for facts in every),
                    "padding": _percent(max(facts["padded"].values(), default=0.0) for facts in every),
                    "left out": left_out_in_words(most_left_out(facts["left_out"] for facts in every)),
                }

    def warnings(self) -> Iterator[str]:
        """One sentence for each task and data with many unknown tokens."""
        for data, every in self._facts.items():
            for unknown in sorted({facts["unknown"] for facts in every if facts["unknown"] is not None})[-1:]:
                warning = unknown_warning(unknown, "tokens")
                if warning:
                    yield f"{data.task}, {data.source}: {warning}."


def left_out_in_words(left_out: Mapping[str, int]) -> str:
    """'3 series that equal another one, 12 ...'; 'nothing' if each part of the data is in a split."""
    return ", ".join(f"{count:,} {what}" for what, count in left_out.items() if count) or "nothing"


def unknown_warning(unknown: float | None, unit: str) -> str:
    """Advice about many unknown tokens; empty if there are few."""
    if unknown is None or unknown <= UNKNOWN_ALLOWED:
        return ""
    return f"{unknown * 100:.0f} % of the {unit} are unknown: raise options.vocabulary"


def _facts(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return record.get("data_facts") or {}


def _range(values: Iterable[int]) -> str:
    distinct = sorted(set(values))
    return f"{distinct[0]:,}" if len(distinct) == 1 else f"{distinct[0]:,} to {distinct[-1]:,}"


def _percent(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known) * 100:.1f} %" if known else "–"


def most_left_out(every: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The largest number of each thing that is left out."""
    most: dict[str, int] = {}
    for left_out in every:
        for what, count in left_out.items():
            most[what] = max(count, most.get(what, 0))
    return most
