"""The figure of one example: the reference labels, and the labels that each cell detects."""

from __future__ import annotations

import re

from harness.report.draw.figure import draw_plot
from harness.report.draw.svg import drawing_style, inline
from harness.report.figures.wording import finding, table
from harness.tasks import Example
from tests.report.samples import frame, looks_of_three, plots, trial

THERE = ("1100", "0000", "0011")


def example(heard: tuple[str, ...], there: tuple[str, ...] = THERE) -> Example:
    return Example(
        picture=("0f", "f0"),
        axis=("frequency", "0 Hz", "4 kHz"),
        seconds=8.0,
        labels=("chirp_up", "hum", "<b>"),
        there=there,
        heard=heard,
    )


def test_each_cell_s_trial_of_the_same_seed_is_drawn_beside_the_truth() -> None:
    rows = frame(
        *(trial(cell=cell, seed=seed) for cell in ("gru", "lstm") for seed in (3, 4)), trial(cell="lstm", seed=1)
    )
    heard = {"gru": ("1000", "0110", "0011"), "lstm": ("0000", "0000", "0000")}
    silent = example(("0000",) * 3)
    examples = {row.trial_id: example(heard[str(row.cell)]) if row.seed == 3 else silent for row in rows.itertuples()}
    plot = plots(rows, examples=examples)["heard"]
    (panel,) = plot.panels
    assert panel.rows == ("chirp up", "hum", "<b>")
    assert [series.label for series in panel.series] == ["Reference labels", "GRU", "LSTM"]
    spans = [[(span.row, span.start, span.end) for span in series.spans] for series in panel.series]
    assert spans == [[(0, 0.0, 4.0), (2, 4.0, 8.0)], [(0, 0.0, 2.0), (1, 2.0, 6.0), (2, 4.0, 8.0)], []]
    assert panel.picture is not None
    assert panel.picture.rows == ((0.0, 1.0), (1.0, 0.0))
    assert finding(panel).replace("\u00a0", " ") == (
        "Present: chirp up, <b>; 8 s summed over labels. "
        "Detected: GRU recall 75 %, false positives 4 s; LSTM recall 0 %, false positives 0 s."
    )
    assert "seed 3" in plot.notes[0], "the lowest seed that all cells have"
    header, values = table(plot)
    assert header[:4] == ("Label", "Present (s)", "GRU: recall (%)", "GRU: false positives (s)")
    assert values[0][:4] == ("chirp up", "4", "50", "0")
    assert values[1][:4] == ("hum", "0", "–", "4")


def test_the_drawing_names_labels_and_cells_and_has_the_picture_on_the_same_time_axis() -> None:
    rows = frame(*(trial(cell=cell) for cell in ("gru", "lstm")))
    plot = plots(rows, examples={trial_id: example(THERE) for trial_id in rows["trial_id"]})["heard"]
    svg = inline(plot.panels[0], looks_of_three(), key="k", label="l")
    assert "chirp up</text>" in svg
    assert "GRU</text>" in svg
    assert 'href="data:image/png;base64,' in svg
    assert svg.count('data-cell="1"') > 2, "lanes and values of a cell can be switched off"
    with drawing_style("test"):
        roll, picture = draw_plot(plot, looks_of_three()).axes
    assert roll.get_xlim() == (0, 8)
    assert picture.get_position().x0 == roll.get_position().x0
    assert picture.get_position().x1 == roll.get_position().x1


def test_a_mark_in_a_roll_belongs_to_the_cell_that_detects_the_label() -> None:
    rows = frame(*(trial(cell=cell) for cell in ("gru", "lstm")))
    for there in (THERE, ("0000",) * 3):
        examples = {trial_id: example(THERE, there) for trial_id in rows["trial_id"]}
        svg = inline(plots(rows, examples=examples)["heard"].panels[0], looks_of_three(), key="k", label="l")
        groups = re.findall(r'<g data-cell="(\d)" data-at="-?\d+" data-says="([^"]*)">(.*?)</g>', svg)
        assert {(cell, says) for cell, says, _ in groups} == {("1", "GRU"), ("2", "LSTM")}
        said = [one for _, _, circles in groups for one in re.findall('data-says="([^"]*)"', circles)]
        assert sorted(said) == ["&lt;b&gt;: 4 to 8 s"] * 2 + ["chirp up: 0 to 4 s"] * 2


def test_without_examples_there_is_no_such_figure() -> None:
    assert "heard" not in plots(frame(trial(), trial(seed=1)))
