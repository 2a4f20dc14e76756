"""A results folder as a whole: what its report is made from, whatever state it is in; and two side by side."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.report import ReportData
from harness.report.page.architectures import counts_of, source
from harness.results import (
    VERDICTS_NAME,
    judge_and_render,
    judge_results,
    render_beside,
    render_results,
)
from harness.store.folder import EXPERIMENT_NAME, SUMMARIES_FOLDER, read_summaries, summary_file, write_summary
from harness.store.record import Record
from harness.store.sqlite import Store, open_store
from harness.stored import read_results
from harness.tasks import Example
from harness.verdicts.saved import read_verdicts
from tests.factories import EXPERIMENT, experiment, plan, record, spec

pytestmark = pytest.mark.usefixtures("undrawn_files")

CLAIM = """
[[claim]]
id = "less-data"
claim = "A GRU does better than an LSTM"
kind = "paired"
better = "gru"
than = "lstm"
on = "test_loss"
margin = 0.01
"""
FAILURE = {"phase": "train", "message": "the loss is not finite", "stderr": "step 3: nan"}


def folder(directory: Path, records: Iterable[dict[str, Any]], text: str = EXPERIMENT) -> Path:
    """A results folder of which the first trials have these records."""
    trials = plan(experiment(text))
    with open_store(directory, create=True) as store:
        store.set_plan(trials)
        for spec, changes in zip(trials.values(), records, strict=False):
            store.add(record(spec, **{"parameters": 100, "test": {"loss": 1.0, "accuracy": 0.5}, **changes}))
    (directory / EXPERIMENT_NAME).write_text(text, encoding="utf-8")
    return directory


def page(directory: Path) -> str:
    return render_results(directory).read_text(encoding="utf-8")


def test_the_report_of_a_folder_without_records_states_that(tmp_path: Path) -> None:
    assert "No trial has a record yet; 8 trials are planned." in page(folder(tmp_path, []))


def test_the_report_of_failures_alone_states_that_and_lists_them(tmp_path: Path, without_figures: None) -> None:
    html = page(folder(tmp_path, [{"status": "diverged", "test": {}, "failure": FAILURE}] * 8))
    assert "All 8 trials failed: there is nothing to compare." in html
    assert "step 3: nan" in html


def test_the_report_of_an_unfinished_folder_lists_missing_and_interrupted_trials(
    tmp_path: Path, without_figures: None
) -> None:
    stopped = {"status": "interrupted", "test": {}, "failure": {"phase": "train", "message": "stopped"}}
    directory = folder(tmp_path, [{}, {}, {}, stopped])
    data = read_results(directory).data
    assert (data.planned, sum(count for _, _, count in data.missing)) == (8, 5)
    assert len(data.frame) == 4
    assert data.failures == []
    assert data.left_out == [("recall", "lstm", 1, "interrupted")]
    html = page(directory)
    left = [spec.cell for spec in list(plan(experiment()).values())[3:]]
    counts = f"GRU {left.count('gru')}, LSTM {left.count('lstm')}"
    assert f"Not finished: 3 of 8 trials are done, 5 are missing (First-symbol recall: {counts})." in html
    assert "<dt>Failed</dt><dd>0</dd>" in html


def test_the_frame_does_not_depend_on_how_many_records_are_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curve = [{"update": 2, "seconds": 0.1, "train_loss": 1.0, "validation_loss": 1.0}]
    records = [{"curve": curve, "test": {"loss": place / 7, "f1": 0.5}} for place in range(4)]
    records += [{"test": {"loss": 2.0, "accuracy": 0.1}, "baselines": {"chance": {"loss": 2.0}}}]
    directory = folder(tmp_path, records)
    whole = read_results(directory).data
    monkeypatch.setattr("harness.stored._BATCH", 2)
    some = read_results(directory).data
    assert some.frame.equals(whole.frame)
    assert some.curves.equals(whole.curves)
    assert len(whole.curves) == 4


def test_a_report_can_go_elsewhere_and_leaves_the_results_alone(tmp_path: Path, without_figures: None) -> None:
    directory = folder(tmp_path / "tiny", [{}])
    before = sorted(directory.iterdir())
    path = render_results(directory, output=tmp_path / "there", format="md")
    assert path == tmp_path / "there" / "report.md"
    assert "harness" in path.read_text(encoding="utf-8")
    assert (tmp_path / "there" / "verdicts.json").is_file()
    assert sorted(directory.iterdir()) == before


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """The same experiment from two machines: slow and right, quick and unfinished."""
    text = EXPERIMENT + CLAIM
    slow = [{"seconds_per_update": 2.0, "test": {"loss": 1.0 + place % 3 / 10}} for place in range(8)]
    quick = [{"seconds_per_update": 0.5, "test": {"loss": 3.0}} for _ in range(6)]
    return folder(tmp_path / "a" / "tiny", slow, text), folder(tmp_path / "b" / "tiny", quick, text)


def test_two_folders_are_shown_side_by_side_and_nothing_is_pooled(two: tuple[Path, Path], tmp_path: Path) -> None:
    path = render_beside(two, tmp_path / "both")
    html = path.read_text(encoding="utf-8")
    assert html.count(">a/tiny: A GRU does better than an LSTM</h3>") == 1
    assert html.count(">b/tiny: A GRU does better than an LSTM</h3>") == 1
    assert "b/tiny: Not finished: 6 of 8 trials are done" in html
    assert "a/tiny: First-symbol recall" in html
    seconds = html.split('id="seconds-per-update"')[1].split("</figure>")[0]
    assert "2,000\u00a0ms" in seconds
    assert "500\u00a0ms" in seconds
    pooled = (8 * 2000 + 6 * 500) / 14
    assert f"{pooled:,.0f}" not in seconds
    assert re.search(r"2,000\Wms [^;]*n.=.4;", seconds), "the eight trials of one folder, four a cell"
    assert (tmp_path / "both" / "figures" / "seconds-per-update.png").is_file()
    assert not (two[0] / "report.html").exists()


def test_panels_side_by_side_have_the_same_axis() -> None:
    from harness.report.data import beside
    from harness.report.draw.axes import value_limits
    from harness.report.writing import shown
    from tests.report.samples import comparison, report_data

    rows = comparison(1)
    slower = report_data(rows.assign(seconds_per_update=rows["seconds_per_update"] * 3))
    _, _, plots = shown(beside({"one": report_data(rows), "other": slower}))
    plot = next(plot for plot in plots if plot.id == "seconds-per-update")
    titles = [f"{label}: {task}" for task in ("Language", "Recall") for label in ("one", "other")]
    assert [panel.title for panel in plot.panels] == titles
    for left, right in zip(plot.panels[::2], plot.panels[1::2], strict=True):
        assert value_limits(left, "linear") == value_limits(right, "linear")
        assert math.isclose(right.series[0].centres[0].mean, 3 * left.series[0].centres[0].mean)
        assert left.series[0].centres[0].n == right.series[0].centres[0].n in (1, 4)


def test_folders_side_by_side_have_different_labels_and_are_named_once(two: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="given twice"):
        render_beside([two[0], two[0]], tmp_path / "both")
    with pytest.raises(UserError, match="has its own report"):
        render_beside(two, two[1])
    with pytest.raises(UserError, match="no results here"):
        render_beside([two[0], tmp_path], tmp_path / "both")


def test_claims_of_one_folder_alone_are_not_asked_in_the_other(
    two: tuple[Path, Path], tmp_path: Path, without_figures: None
) -> None:
    (two[1] / EXPERIMENT_NAME).write_text(EXPERIMENT, encoding="utf-8")
    text = render_beside(two, tmp_path / "both").read_text(encoding="utf-8")
    assert text.count("not asked") == 1


def test_markdown_of_two_folders_names_them(two: tuple[Path, Path], tmp_path: Path, without_figures: None) -> None:
    text = render_beside(two, tmp_path / "both", format="md").read_text(encoding="utf-8")
    assert "| a/tiny: A GRU does better than an LSTM |" in text
    assert "| b/tiny: A GRU does better than an LSTM |" in text
    assert "> b/tiny: Not finished" in text


def stored(folder: Path, *records: Record, text: str = EXPERIMENT, planned: int = 0, **changes: Any) -> ReportData:
    """The report's data of a folder with these records, and further planned trials without one."""
    plan = {one.trial_id: one.spec for one in records}
    plan |= {of.id(): of for of in (spec(seed=100 + extra, **changes) for extra in range(planned))}
    with open_store(folder / "tiny", create=True) as store:
        (folder / "tiny" / EXPERIMENT_NAME).write_text(text, encoding="utf-8")
        store.set_plan(plan)
        for one in records:
            store.add(one)
    return read_results(folder / "tiny").data


def test_what_is_planned_and_not_recorded_is_missing(tmp_path: Path) -> None:
    data = stored(tmp_path, record(), planned=3, cell="lstm")
    assert data.missing == [("recall", "lstm", 3)]
    assert (data.planned, data.done) == (4, 1)


def test_the_command_names_the_stored_file_and_the_seeds_that_were_asked_for(tmp_path: Path) -> None:
    both = [record(spec(seed=seed)) for seed in range(2)]
    file, results = tmp_path / "as it is" / "tiny" / EXPERIMENT_NAME, tmp_path / "as it is"
    assert stored(results, *both).command == f"harness run '{file}' --results '{results}'"
    more = [record(spec(seed=seed)) for seed in range(4)]
    assert stored(tmp_path / "more", *more).command.endswith(" --seeds 4")


def test_other_lengths_reach_and_examples_come_with_their_trials(tmp_path: Path) -> None:
    example = {
        "picture": ["0f"],
        "axis": ["a", "b", "c"],
        "seconds": 1.0,
        "labels": ["x"],
        "there": ["1"],
        "heard": ["0"],
    }
    one = record(test_at={8: {"loss": 1.5}}, gradient_reach={"trained": [(0, 1.0), (4, 0.5)]}, example=example)
    data = stored(tmp_path, one, record(spec(seed=1)))
    assert data.lengths is not None
    assert data.lengths.to_dict("records") == [{"trial_id": one.trial_id, "evaluated_at": 8, "test_loss": 1.5}]
    assert data.reach is not None
    assert list(data.reach["gradient"]) == [1.0, 0.5]
    assert list(data.examples) == [one.trial_id]
    assert data.examples[one.trial_id] == Example(
        ("0f",), axis=("a", "b", "c"), seconds=1.0, labels=("x",), there=("1",), heard=("0",)
    )


def test_architectures_bring_their_equations_and_counts(tmp_path: Path) -> None:
    data = stored(tmp_path, record())
    assert list(data.architectures) == ["gru", "lstm"]
    assert "def step" in source(data.architectures["gru"])
    counts = counts_of(data.architectures["lstm"])
    assert counts["parameters of such a layer (256 features, 32 units)"] == 36_992
    assert counts["sigmoids and tanhs per unit"] == 5


EXACT = """
[[claim]]
id = "fewer-parameters"
claim = "A GRU has fewer parameters than an LSTM"
kind = "exact"
fact = "fewer-parameters"
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    directory = tmp_path / "tiny"
    trials = plan(experiment())
    with open_store(directory, create=True) as store:
        store.set_plan(trials)
        for spec in trials.values():
            store.add(record(spec, parameters=100, test={"loss": 1.0, "accuracy": 0.5}))
    (directory / EXPERIMENT_NAME).write_text(EXPERIMENT + EXACT, encoding="utf-8")
    return directory


def ids(directory: Path) -> list[str]:
    return [verdict["id"] for verdict in json.loads((directory / VERDICTS_NAME).read_text(encoding="utf-8"))]


def test_verdicts_and_report_come_from_one_reading_of_the_records(
    results: Path, monkeypatch: pytest.MonkeyPatch, without_figures: None
) -> None:
    read, times = Store.records, []

    def counted(store: Store, **options: bool) -> Iterator[dict[str, Any]]:
        times.append(options)
        return read(store, **options)

    monkeypatch.setattr(Store, "records", counted)
    verdicts, report, _ = judge_and_render(results)
    assert len(times) == 1
    assert [verdict.id for verdict in verdicts] == ids(results) == ["fewer-parameters"]
    assert "A GRU has fewer parameters" in report.read_text(encoding="utf-8")
    render_results(results)
    assert len(times) == 2


def test_claims_written_later_stand_in_an_experiment_or_alone(results: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.toml"
    other = EXACT.replace('id = "fewer-parameters"', 'id = "later"')
    for text in (EXPERIMENT + other, other):
        later.write_text(text, encoding="utf-8")
        assert [verdict.id for verdict in judge_results(results, later)] == ["later"]
        assert not (results / VERDICTS_NAME).exists(), "the folder's own verdicts are those of its own claims"
    judge_results(results, later, output=tmp_path / "elsewhere.json")
    assert [verdict.id for verdict in read_verdicts(tmp_path / "elsewhere.json")] == ["later"]
    assert [verdict.id for verdict in judge_results(results)] == ids(results) == ["fewer-parameters"]


def test_a_report_of_an_unknown_format_is_refused(results: Path) -> None:
    for render in (render_results, lambda folder, format: render_beside([folder, folder], "x", format=format)):
        with pytest.raises(UserError, match=r"unknown format 'pdf'\. Valid: html, md\."):
            render(results, format="pdf")
    assert not list(results.glob("report.*"))


def test_a_cell_of_a_sweep_alone_has_its_architecture(tmp_path: Path) -> None:
    text = EXPERIMENT + EXPERIMENT[EXPERIMENT.index("[[sweep]]") :] + 'cells = ["simple_rnn", "gru"]\n'
    stored = read_results(folder(tmp_path, [{}], text))
    assert list(stored.data.architectures) == ["gru", "lstm", "simple_rnn"]


def test_a_summary_is_kept_for_one_version_of_a_cells_code(tmp_path: Path) -> None:
    (tmp_path / SUMMARIES_FOLDER).mkdir()
    (tmp_path / SUMMARIES_FOLDER / "gru.txt").write_text("of an older harness", encoding="utf-8")
    assert read_summaries(tmp_path) == {"gru": "of an older harness"}
    for cell in ("gru", "my.package:gru"):
        for version in ("0123456789ab", "ba9876543210"):
            write_summary(tmp_path, cell, version, f"{cell} {version}")
            assert summary_file(tmp_path, cell, version).is_file()
    assert read_summaries(tmp_path) == {cell: f"{cell} ba9876543210" for cell in ("gru", "my.package:gru")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "claim: this key is missing"),
        ("claim = []", "claim: "),
        ("[[claims]]", "claims: unknown key. Did you mean 'claim'?"),
        ("[claim", "not valid TOML"),
        (EXACT + EXACT, "claim: two claims have the id 'fewer-parameters'"),
        (EXACT.replace("fact =", "fakt ="), "claim[0].fakt: unknown key. Did you mean 'fact'?"),
        ('name = "x"\n' + EXACT, "title: this key is missing"),
    ],
)
def test_an_invalid_file_of_claims_is_refused(results: Path, tmp_path: Path, text: str, words: str) -> None:
    later = tmp_path / "later.toml"
    later.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"later\.toml: ") as caught:
        judge_results(results, later)
    assert words in str(caught.value)
    assert not (results / VERDICTS_NAME).exists()


def test_a_report_states_what_changed_since_the_folder_was_judged_before(tmp_path: Path) -> None:
    few, more = ([{"test": {"loss": 1.0 + i / 50, "accuracy": 0.5}} for i in range(count)] for count in (4, 12))
    directory = folder(tmp_path / "tiny", few, EXPERIMENT + CLAIM)
    assert 'id="changes"' not in page(directory)
    with open_store(directory, create=True) as store:
        done = store.attempts()
        for (id, spec), changes in zip(plan(experiment(EXPERIMENT + CLAIM)).items(), more, strict=False):
            if id not in done:
                store.add(record(spec, **{"parameters": 100, **changes}))
    first, second = page(directory), page(directory)
    for html in (first, second):
        assert 'id="changes"' in html, "without new records the changes stay"
    there = render_results(directory, output=tmp_path / "there").read_text(encoding="utf-8")
    assert 'id="changes"' in there, "another folder for the report has the same changes"
    judge_results(directory)
    assert 'id="changes"' in page(directory)
