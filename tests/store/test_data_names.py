"""Two data files in one experiment are told apart wherever the task alone would not do it."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from harness.cli.terminal import plan_table, tasks_of
from harness.report.figures.aggregate import prepared
from harness.report.figures.evidence import evidence
from harness.report.figures.panels import results_of
from harness.spec.claims import Paired
from harness.store.data_names import dataset_names, names_of_tasks
from harness.store.frame import to_frame
from harness.store.hosts import Whereabouts
from harness.store.sqlite import open_store
from harness.verdicts.changes import compare
from harness.verdicts.pairs import find_pairs
from harness.verdicts.words.conditions import scope
from tests.factories import experiment, record, spec
from tests.report.samples import report_data

A, B = "/data/a.mat", "/data/b.mat"


def names(*found: tuple[dict[str, object], dict[str, str]]) -> list[str]:
    keys = [("music", json.dumps(options), json.dumps(data)) for options, data in found]
    named = dataset_names(keys)
    return [named[key] for key in keys]


def files(*paths: object) -> list[str]:
    return names(*(({"file": path, "size": 3}, {"file_sha256": str(hash(str(path)))}) for path in paths))


def test_one_set_of_data_needs_no_name() -> None:
    assert files(A) == [""]
    assert files(A, A) == ["", ""]


def test_files_are_distinguished_by_name_or_by_the_part_of_the_path_that_differs() -> None:
    assert files(A, B) == ["a.mat", "b.mat"]
    assert files("/x/a.mat", "/y/a.mat", "/y/b.mat") == ["x/a.mat", "y/a.mat", "b.mat"]
    assert files("/x/1/in/a.mat", "/x/2/in/a.mat") == ["1/…/a.mat", "2/…/a.mat"]
    assert files([A], [A, B], None) == ["a.mat", "a.mat + b.mat", "default file"]


def test_the_same_data_by_another_path_are_the_same() -> None:
    data = {"file_sha256": "1" * 64}
    assert names(({"file": A}, data), ({"file": B}, data)) == ["", ""]


def test_a_changed_file_is_distinguished_by_its_hash() -> None:
    named = names(*(({"file": A}, {"file_sha256": letter * 64}) for letter in "ab"))
    assert named == ["file aaaaaaaa", "file bbbbbbbb"]


def test_options_that_differ_tell_data_apart() -> None:
    named = names(*(({"symbols": n, "carry": n > 3}, {"symbols": str(n)}) for n in (3, 5)))
    assert named == ["carry false, symbols 3", "carry true, symbols 5"]


def test_tasks_do_not_share_data() -> None:
    keys = [(task, json.dumps({"file": A}), "{}") for task in ("music", "signals")]
    assert set(dataset_names(keys).values()) == {""}


def trials(cells: tuple[str, ...] = ("gru", "lstm")) -> list[dict[str, object]]:
    """Both cells on two files, the second three times as large, with losses that are far apart."""
    named = []
    for cell, (path, size, loss), seed in product(cells, ((A, 20, 1.0), (B, 60, 5.0)), range(5)):
        one = spec(
            cell=cell, seed=seed, task="music", options={"file": path}, data={"file_sha256": path}, train_size=size
        )
        named.append(record(one, test={"loss": loss + seed / 100 + (cell == "gru")}).model_dump(mode="json"))
    return named


def test_conditions_and_scope_name_the_file() -> None:
    claim = Paired(
        id="c", claim="c", kind="paired", better="gru", than="lstm", on="test_loss", margin=0.1,
        where={"train_size": "largest"},
    )  # fmt: skip
    named = find_pairs(to_frame(trials()), claim, "test_loss")
    assert [pairs.scope["dataset"] for pairs in named.conditions] == ["a.mat", "b.mat"]
    assert [pairs.scope["train_size"] for pairs in named.conditions] == [20, 60], "the largest of each file"
    assert "music; data a.mat, b.mat" in scope(named.scope)


def test_one_file_by_two_paths_is_one_condition() -> None:
    """As in merged folders of two hosts."""
    rows = [
        record(
            spec(cell=cell, seed=seed, options={"file": f"/host{seed}/a.mat"}, data={"file_sha256": "1"})
        ).model_dump(mode="json")
        for cell in ("gru", "lstm")
        for seed in range(4)
    ]
    claim = Paired(id="c", claim="c", kind="paired", better="gru", than="lstm", on="test_loss", margin=0.1)
    (only,) = find_pairs(to_frame(rows), claim, "test_loss").conditions
    assert only.seeds == (0, 1, 2, 3)
    assert "dataset" not in only.scope


@pytest.mark.parametrize("split", [False, True])
def test_figures_never_average_over_files(split: bool) -> None:
    """Also where each cell ran on a file of its own."""
    rows = trials()
    if split:
        rows = [row for row in rows if (row["spec"]["cell"] == "gru") == (row["spec"]["options"]["file"] == A)]
    data = report_data(to_frame(rows))
    frame = prepared(data.frame)
    plots = {plot.id: plot for plot in evidence(results_of(data, frame, {}))}
    panels = plots["scores"].panels
    assert sorted({panel.title.partition(" · ")[0] for panel in panels}) == ["music (a.mat)", "music (b.mat)"]
    means = [centre.mean for panel in panels for series in panel.series for centre in series.centres]
    assert all(abs(mean - round(mean) - 0.02) < 1e-6 for mean in means), "of one file each"


def test_check_shows_a_row_a_file() -> None:
    specs = [spec(task="music", options={"file": path}, data={"file_sha256": path}) for path in (A, B)]
    assert tasks_of(specs) == ["music (a.mat)", "music (b.mat)"]
    table = plan_table(experiment(), {one.id(): one for one in specs})
    assert [str(cell) for cell in table.columns[0].cells] == ["music (a.mat)", "music (b.mat)"]


def test_diff_names_the_file() -> None:
    frame = to_frame(trials())
    of_gru = [change for change in compare(frame, frame).changes if change.quantity.column == "units"][:2]
    assert [change.condition for change in of_gru] == [
        {"dataset": "a.mat", "train_size": 20},
        {"dataset": "b.mat", "train_size": 60},
    ]


def test_the_plan_names_it_for_what_is_missing_and_left_out(tmp_path: Path) -> None:
    specs = [spec(task="music", options={"file": path}, data={"file_sha256": path}) for path in (A, B)]
    with open_store(tmp_path, create=True) as store:
        store.set_plan({one.id(): one for one in specs})
        store.leave_out({specs[1].id(): "no time"})
        assert list(store.planned_trials().values()) == [("music (a.mat)", "gru"), ("music (b.mat)", "gru")]
        assert [block.task for block in store.left_out()] == ["music (b.mat)"]


def test_hosts_name_it() -> None:
    whereabouts = Whereabouts()
    for path in (A, B):
        one = spec(task="music", options={"file": path}, data={"file_sha256": path}, lane="speed")
        whereabouts.add(record(one, host="node").model_dump(mode="json"))
    (host,) = whereabouts.hosts()
    assert host.blocks == ("music (a.mat) size 20 length 5, seeds 0", "music (b.mat) size 20 length 5, seeds 0")


def test_names_of_tasks_are_plain_where_each_has_one_set_of_data() -> None:
    specs = [spec(task=task).model_dump(mode="json") for task in ("recall", "adding")]
    assert names_of_tasks(specs) == ["recall", "adding"]
