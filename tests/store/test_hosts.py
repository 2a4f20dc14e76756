"""On which hosts trials ran, and which block of speed trials where."""

from __future__ import annotations

import json
from typing import Any

from harness.store.hosts import MOST_CONDITIONS, Host, Whereabouts, runs_of
from tests.factories import record, spec


def hosts(*records: Any) -> list[Host]:
    whereabouts = Whereabouts()
    for one in records:
        whereabouts.add(json.loads(one.model_dump_json()))
    return whereabouts.hosts()


def test_blocks_and_accuracy_trials_are_listed_by_host() -> None:
    speed = [
        record(spec(lane="speed", seed=seed, cell=cell), host="b") for seed in (0, 1, 5) for cell in ("gru", "lstm")
    ]
    other = record(spec(seed=3), host="a", version_differences=("keras 3.9 there, 3.13 here",))
    machine = other.machine.fingerprint
    assert hosts(*speed, other) == [
        Host("a", machine, 1, (), ("keras 3.9 there, 3.13 here",)),
        Host("b", machine, 0, ("recall size 20 length 5, seeds 0 to 1, 5",), ()),
    ]


def test_what_ran_where_it_was_started_names_no_host() -> None:
    assert hosts(record()) == []


def test_only_the_first_of_very_many_conditions_are_listed() -> None:
    many = [record(spec(lane="speed", train_size=size), host="a") for size in range(20, 22 + MOST_CONDITIONS)]
    (host,) = hosts(*many)
    assert len(host.blocks) == MOST_CONDITIONS + 1
    assert host.blocks[-1] == "and 2 more conditions"


def test_whole_numbers_in_words() -> None:
    assert runs_of({7, 0, 2, 1, 3}) == "0 to 3, 7"
    assert runs_of({4}) == "4"
