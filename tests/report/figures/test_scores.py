"""The figure of the scores of tasks that have no line along sizes or lengths."""

from __future__ import annotations

from harness.report.draw.figure import draw_panel
from harness.report.draw.svg import drawing_style
from harness.report.figures.wording import finding
from tests.report.samples import frame, looks_of_three, plots, trial


def test_a_task_at_one_size_and_length_has_a_panel_a_metric_with_its_baselines() -> None:
    rows = [
        trial(
            cell=cell, seed=seed, test_accuracy=accuracy, baseline_chance_accuracy=0.125, baseline_simple_accuracy=0.5
        )
        for cell, accuracy in (("gru", 0.7), ("lstm", 0.4))
        for seed in range(3)
    ]
    rows += [trial(task="language", train_size=size, seed=seed) for size in (10, 20) for seed in range(3)]
    panels = plots(frame(*rows))["scores"].panels
    assert [(panel.title, panel.y.label) for panel in panels] == [
        ("Recall", "Test loss (nats)"),
        ("Recall", "Test accuracy (%)"),
    ]
    accuracy = panels[1]
    assert [(series.cell, series.centres[0].mean, len(series.points)) for series in accuracy.series] == [
        ("gru", 70.0, 3),
        ("lstm", 40.0, 3),
    ]
    assert {reference.label for reference in accuracy.references} == {"chance", "simple", "solved"}
    assert finding(accuracy).endswith("Highest: GRU. Not better than the baseline 'simple': LSTM.")
    with drawing_style("test"):
        figure, _ = draw_panel(accuracy, looks_of_three())
    names = {text.get_text().split(" ")[0] for text in figure.axes[0].texts}
    assert {"chance", "simple", "solved"} <= names, "reference lines are named, those beyond the axis too"


def test_tasks_with_lines_of_their_own_are_not_among_them() -> None:
    rows = [trial(sequence_length=length, seed=seed) for length in (4, 8) for seed in range(3)]
    assert "scores" not in plots(frame(*rows))
