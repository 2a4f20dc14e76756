"""How figures are drawn: scales, labels, ticks, colours, long names; what can be pointed at."""

from __future__ import annotations

import re

from harness.report.draw.figure import draw_panel, draw_plot, panel_height
from harness.report.draw.lines import spread
from harness.report.draw.rows import name_lines
from harness.report.draw.svg import drawing_style, inline
from harness.report.figures.looks import looks
from harness.report.figures.plot import Axis, Panel, Plot
from harness.report.figures.wording import short
from tests.report.samples import TITLES, frame, plots, trial

LOOKS = looks(TITLES)


def test_every_figure_can_be_drawn_in_both_scales(compared: dict[str, Plot]) -> None:
    with drawing_style("test"):
        for plot in compared.values():
            assert len(draw_plot(plot, LOOKS, "log").axes) == len(plot.panels)


def test_a_logarithmic_axis_survives_zeros_and_negative_values() -> None:
    rows = [trial(train_size=size, seed=seed, test_loss=loss, baseline_chance_loss=0.0)
            for size, loss in ((10, 0.0), (100, -1.0), (1000, 0.5)) for seed in range(3)]  # fmt: skip
    (panel,) = plots(frame(*rows))["loss-by-size"].panels
    assert "<svg" in inline(panel, LOOKS, key="k", label="l", scale="log")


def test_what_lies_outside_of_a_logarithmic_axis_cannot_be_pointed_at() -> None:
    rows = [
        trial(cell=cell, seed=seed, sequence_length=length, test_accuracy=accuracy if length == 20 else 0.3)
        for cell, accuracy in (("gru", 0.99), ("lstm", 0.3)) for seed in range(6) for length in (20, 40)
    ]  # fmt: skip
    (panel,) = plots(frame(*rows))["horizon"].panels
    for scale, means in (("linear", 2), ("log", 1)):
        svg = inline(panel, LOOKS, key="k", label="l", scale=scale)  # type: ignore[arg-type]
        targets = svg[svg.index('<g class="targets">') :]
        assert len(re.findall("aria-label=", targets)) == means
        assert min(float(x) for x in re.findall(r'cx="([^"]*)"', targets)) > 0


def test_inline_drawings_use_the_colours_of_the_page_and_text_as_text(compared: dict[str, Plot]) -> None:
    svg = inline(compared["loss-by-size"].panels[0], LOOKS, key="k", label="<b>")
    assert "var(--cell-1)" in svg
    assert "var(--ink)" in svg
    assert not any(look.colour in svg for look in LOOKS.values())
    assert "Training-set size (characters)</text>" in svg
    assert "<style" not in svg
    assert 'aria-label="&lt;b&gt;"' in svg
    assert svg.count("<circle") == 3 * 4 * 6
    assert svg.count('tabindex="-1"') == 3 * 4


def test_labels_move_apart_as_little_as_it_takes() -> None:
    assert spread([0.2, 0.8], 0.1) == [0.2, 0.8]
    moved = spread([0.5, 0.5, 0.5], 0.1)
    assert [round(place, 2) for place in moved] == [0.4, 0.5, 0.6]
    assert max(spread([0.99, 1.0, 1.0], 0.1)) <= 1.0


def test_ticks_are_written_as_numbers_and_are_not_rounded(compared: dict[str, Plot]) -> None:
    assert [short(value) for value in (352.5, 2000, 12_500, -0.25, 1.5e6)] == [
        "352.5",
        "2,000",
        "12.5k",
        "−0.25",
        "1.5M",
    ]
    svg = inline(compared["pareto"].panels[0], LOOKS, key="k", label="l")
    assert "mathdefault" not in svg
    assert "Parameters (weights)</text>" in svg


def test_a_reference_line_beyond_the_axis_is_named_with_its_value() -> None:
    rows = [trial(train_size=size, test_loss=1 + size / 1e4, baseline_chance_loss=99.0) for size in (10, 100)]
    (panel,) = plots(frame(*rows))["loss-by-size"].panels
    svg = inline(panel, LOOKS, key="k", label="l")
    assert ">chance 99 ↑</text>" in svg.replace("\u00a0", " ")


def test_a_long_title_takes_a_second_line_and_room_for_it() -> None:
    short, long = (Panel(title, Axis("x"), Axis("y"), ()) for title in ("short", "many words " * 6))
    assert panel_height(long) > panel_height(short)
    with drawing_style("test"):
        figure, _ = draw_panel(long, LOOKS)
    assert [text.get_text() for text in figure.texts if text.get_text().startswith("many")] == [
        "many words many words",
        "many words many words many words many words",
    ]


def test_the_names_of_rows_are_whole_on_two_lines() -> None:
    assert name_lines("GRU") == ["GRU"]
    assert " ".join(name_lines("equal parameters · size 200,000")) == "equal parameters · size 200,000"
    long = name_lines("word " * 50)
    assert len(long) == 2
    assert long[-1].endswith("…")
