"""The JSON schema of the experiment file against the loader: key by key, the same values are refused by both."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from harness.spec.claims import Where
from harness.spec.experiment import Experiment
from harness.spec.sweep import Sweep
from harness.spec.trial import TrialLimits
from tests.factories import EXPERIMENT
from tests.spec.test_schema import accepts, loader_accepts

PAIRED = {
    "id": "a", "claim": "b", "kind": "paired", "better": "gru", "than": "lstm", "on": "test_loss", "margin": 0.1
}  # fmt: skip
CLAIMS: dict[str, dict[str, Any]] = {
    "paired": PAIRED,
    "proportion": {**PAIRED, "kind": "proportion", "threshold": 0.5},
    "horizon": {**PAIRED, "kind": "horizon", "margin": "5%", "threshold": 0.5},
    "data-to-target": {**PAIRED, "kind": "data-to-target", "margin": "5%", "threshold": 0.5},
    "trend": {**PAIRED, "kind": "trend", "along": "train_size", "advantage": "grows"},
    "crossing": {**PAIRED, "kind": "crossing", "along": "train_size"},
    "time-to-target": {
        **{key: PAIRED[key] for key in ("id", "claim", "better", "than")},
        "kind": "time-to-target", "margin": "5%", "target": 1.5,
    },
    "exact": {"id": "a", "claim": "b", "kind": "exact", "fact": "no-gates"},
    "not-testable": {"id": "a", "claim": "b", "kind": "not-testable", "reason": "c"},
}  # fmt: skip


def whole(*claims: dict[str, Any]) -> dict[str, Any]:
    content = tomllib.loads(EXPERIMENT)
    content["limits"] = {}
    content["claim"] = [{**claim, "where": {}} if "better" in claim else claim for claim in claims]
    return content


def at(content: dict[str, Any], place: tuple[str | int, ...]) -> Any:
    for key in place:
        content = content[key]
    return content


PLACES: list[tuple[str, tuple[str | int, ...], set[str]]] = [
    ("paired", (), {*Experiment.model_fields} - {"sweep", "claim"}),
    ("paired", ("limits",), {*TrialLimits.model_fields}),
    ("paired", ("sweep", 0), {*Sweep.model_fields} - {"options"}),
    ("paired", ("claim", 0, "where"), {*Where.model_fields}),
    *((kind, ("claim", 0), {*CLAIMS[kind]} - {"id", "where"}) for kind in CLAIMS),
]
SEARCH = {"search": "log-uniform", "low": 0.1, "high": 0.2, "trials": 2}
VALUES: list[Any] = [
    *(0, 1, -1, 0.5, 1.5, 2.5, True, "", "5%", "0%", "-5%", {}, [], [1], [1, 1], [0.1, 0.2], [1, "x"], [True]),
    *("simple_rnn", "keras", "recall", "largest", "chrono", "accuracy", "test_accuracy", "seconds", "updates"),
    *("no-gates", "adam", "grows", ["simple_rnn"], ["recall"], ["keras", "keras"]),
    *({"tune": [0.1, 0.2]}, {"tune": [0.1]}, {"seconds": 5}),
    *({**SEARCH, **change} for change in ({}, {"search": "normal"}, {"trials": 1}, {"tune": [0.1, 0.2]}, {"lo": 1})),
]


@pytest.mark.parametrize(
    ("kind", "place", "key"),
    [(kind, place, key) for kind, place, keys in PLACES for key in sorted(keys)],
    ids=lambda part: part if isinstance(part, str) else ".".join(map(str, part)),
)
def test_schema_and_loader_agree_on_every_key(kind: str, place: tuple[str | int, ...], key: str) -> None:
    good = whole(
        *([CLAIMS[kind]] if "claim" in place else [])
    )  # no claim where none is changed: it takes long to check
    assert accepts(good)
    assert loader_accepts(good)
    problems = {}
    for value in VALUES:
        content = copy.deepcopy(good)
        at(content, place)[key] = value
        if accepts(content) != loader_accepts(content):
            problems[repr(value)] = "the loader refuses it" if accepts(content) else "the schema refuses it"
    assert problems == {}
