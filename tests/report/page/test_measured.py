"""What the section on measuring says was excluded, left out and noisy, and which thresholds decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.report import render, render_markdown
from harness.report.data import beside
from harness.report.figures.aggregate import prepared
from harness.report.figures.cost import memory
from harness.report.figures.evidence import described
from harness.report.page.measured import excluded, groups, missing, noisy, thresholds
from tests.report.samples import TASKS, comparison, frame, looks_of_three, report_data, trial

LOOKS = looks_of_three()


def test_normally_nothing_is_excluded() -> None:
    assert excluded(prepared(frame(trial(), trial(seed=1, status="diverged")))) == [
        "Nothing: every recorded trial counts, failed trials as failures."
    ]


def test_excluded_trials_are_listed_with_the_reason() -> None:
    rows = [
        trial(status="interrupted"),
        trial(seed=1, purpose="tuning"),
        trial(seed=2, purpose="tuning"),
        trial(seed=3, attempt=2),
    ]
    stopped, tuning, again = excluded(prepared(frame(*rows)))
    assert stopped.startswith("1 trial was stopped by hand")
    assert tuning.startswith("2 trials chose learning rates")
    assert again.startswith("1 trial took more than one attempt")


def test_noisy_speed_trials_are_counted_by_cell_and_backend() -> None:
    quiet = [trial(lane="speed", seed=seed, noisy=False) for seed in range(3)]
    said = noisy(prepared(frame(*quiet)), LOOKS)
    assert said.startswith("None of 3 speed trials was noisy.")
    assert "half of the margin" in said
    loud = [trial(lane="speed", seed=9, noisy=True, backend="fused"), trial(seed=10)]
    assert noisy(prepared(frame(*quiet, *loud)), LOOKS).startswith("1 of 4 speed trials stayed noisy: GRU by fused 1.")
    assert noisy(prepared(frame(trial())), LOOKS).startswith("There are no speed trials")


def in_turns(cell: str, group: int, rounds: str, reference: str, **given: object) -> dict[str, object]:
    turns = {"timing_block": "a", "timing_group": group, "rounds": rounds, "reference_rounds": reference}
    return trial(**{"lane": "speed", "cell": cell, **turns, **given})


def test_a_split_timing_block_is_reported_with_the_trial_that_its_groups_share() -> None:
    whole = [in_turns(cell, 0, "[1.0]", "[]", timing_block="b", seed=1) for cell in ("gru", "lstm")]
    assert groups(prepared(frame(*whole, trial())), LOOKS) == ""
    assert groups(prepared(frame(trial())), LOOKS) == ""
    split = [
        in_turns("lstm", 1, "[1.0, 2.0]", "[1.0, 2.0]", backend="fused"),
        in_turns("gru", 1, "[3.0, 3.0]", "[1.0, 2.0]"),
        in_turns("simple_rnn", 2, "[9.0]", "[4.0]"),
    ]
    assert groups(prepared(frame(*whole, *split)), LOOKS) == (
        "1 of 2 timing blocks was split, because memory did not hold all processes at once. There are up to 2 "
        "groups, each with the trial of LSTM by fused. The ratio of trials in different groups is the ratio of their "
        "ratios to this trial."
    )
    failed = [in_turns("gru", 1, "[]", "[]"), in_turns("simple_rnn", 2, "[9.0]", "[]", seed=1)]
    assert "1 of 1 timing block was split" in groups(prepared(frame(*failed)), LOOKS)
    assert "each with one trial. The" in groups(prepared(frame(*failed)), LOOKS)


@pytest.mark.usefixtures("without_figures")
def test_the_page_reports_a_split_timing_block_where_it_states_how_times_were_taken(tmp_path: Path) -> None:
    rows = [in_turns("gru", 1, "[1.0]", "[1.0]"), in_turns("lstm", 2, "[2.0]", "[1.0]")]
    html = render(report_data(frame(*rows), verdicts=(), curves=None), tmp_path).read_text(encoding="utf-8")
    times = html.split('id="method-times"')[1].split("</div>")[0]
    assert "1 of 1 timing block was split" in times
    assert "each with the trial of GRU by keras" in times


def test_planned_trials_without_a_record_are_listed_with_a_known_reason() -> None:
    data = report_data(
        frame(trial()),
        missing=[("recall", "gru", 5), ("recall", "lstm", 2)],
        left_out=[("recall", "gru", 3, "did not fit into the budget")],
    )
    assert missing(data, LOOKS) == [
        ("Recall", "GRU", 3, "did not fit into the budget"),
        ("Recall", "GRU", 2, "not run yet"),
        ("Recall", "LSTM", 2, "not run yet"),
    ]


def test_thresholds_of_tasks_are_in_words() -> None:
    tasks = {"recall": replace(TASKS["recall"], target=("loss", "chance"))}
    listed = dict(thresholds(report_data(frame(trial()), tasks=tasks, limits="3600 s")))
    assert listed["Recall: solved"] == "Test accuracy ≥ 95\u00a0%"
    assert listed["Recall: target of time to target"] == "Validation loss ≤ that of the baseline 'chance'"
    assert listed["limits of a trial"] == "3600 s"
    assert "Holm" in listed["direction of a claim"]


def test_the_page_says_what_was_left_out_and_links_figures_to_how_they_were_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.report.writing.evidence", lambda results, own: [described(memory, results)])
    rows = frame(*(trial(sequence_length=length, seed=seed) for length in (4, 8) for seed in (0, 1)))
    data = report_data(rows, verdicts=(), curves=None, missing=[("recall", "lstm", 2)])
    html = render(data, tmp_path).read_text(encoding="utf-8")
    method = html.split('<section id="method"')[1]
    assert "<td>not run yet</td>" in method.replace(' dir="auto"', "")
    figure = html.split('id="memory"')[1].split("</figure>")[0]
    assert 'href="#method-memory"' in figure
    assert 'id="method-memory"' in method


ROW = {
    "task": "language",
    "data": "book.txt, 3,000 characters (SHA-256 aaaaaaaaaaaa)",
    "train": "5",
    "validation": "2",
    "test": "3",
    "classes": "4",
    "unknown tokens": "39.0 %",
    "padding": "–",
    "left out": "3 pieces of a single step",
}
NOTE = "language, book.txt: 39 % of the tokens are unknown: raise options.vocabulary."


def test_the_data_are_named_with_their_hash_and_what_is_left_out(tmp_path: Path, without_figures: None) -> None:
    data = report_data(datasets=[ROW], data_notes=[NOTE])
    for text in (render(data, tmp_path).read_text(), render_markdown(data, tmp_path).read_text()):
        for said in (*ROW.values(), NOTE):
            assert said in text


def test_folders_whose_data_differ_are_said_to_first(tmp_path: Path, without_figures: None) -> None:
    folders = {
        name: report_data(
            comparison(2).assign(
                purpose="comparison", data=f'{{"text_sha256": "{name * 64}"}}', data_source=f"pandas {name}"
            ),
            datasets=[ROW],
        )
        for name in "ab"
    }
    page = render(beside(folders), tmp_path).read_text()
    assert "a: pandas a (SHA-256 aaaaaaaaaaaa); b: pandas b (SHA-256 bbbbbbbbbbbb)" in page
    assert "3 pieces of a single step" in page
    same = {
        name: report_data(comparison(2).assign(purpose="comparison", data='{"text_sha256": "a"}', data_source=""))
        for name in "ab"
    }
    assert "not comparable" not in render(beside(same), tmp_path).read_text()
