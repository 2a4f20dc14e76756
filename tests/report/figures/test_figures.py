"""What the figures contain: series, points, intervals, failures, labels and units; not pixels."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from harness.figures import BUNDLED
from harness.report.draw.figure import draw_panel
from harness.report.draw.svg import drawing_style
from harness.report.figures.aggregate import interval, prepared, with_best_rates
from harness.report.figures.looks import looks
from harness.report.figures.plot import Axis, Centre, Failed, Panel, Plot, Point, Reference, Series
from harness.report.figures.wording import finding, table
from tests.report.samples import TASKS, TITLES, comparison, frame, plots, trial

LOOKS = looks(TITLES)


def test_a_full_comparison_answers_every_question_but_those_it_did_not_vary(compared: dict[str, Plot]) -> None:
    not_varied = {
        "memory-by-units", "learning-rates", "best-of-k", "gradient-reach", "other-lengths", "scores", "heard",
        "derived-times",
    }  # fmt: skip
    assert set(BUNDLED) - set(compared) == not_varied
    assert list(compared) == [name for name in BUNDLED if name in compared]


def test_each_figure_says_in_two_sentences_how_it_is_read(compared: dict[str, Plot]) -> None:
    for plot in compared.values():
        assert len(re.findall(r"\.(?:\s|$)", plot.lead)) == 2, plot.lead


def test_loss_by_size_has_every_seed_the_mean_and_an_interval_that_holds_it(compared: dict[str, Plot]) -> None:
    (panel,) = compared["loss-by-size"].panels
    assert panel.x.label == "Training-set size (characters)"
    assert panel.y.label == "Test loss (nats)"
    assert [series.label for series in panel.series] == ["Simple RNN", "GRU", "LSTM"]
    rows = comparison()
    for series in panel.series:
        of_cell = rows[(rows["task"] == "language") & (rows["cell"] == series.cell)]
        assert sorted(point.y for point in series.points) == pytest.approx(sorted(of_cell["test_loss"]))
        for centre in series.centres:
            assert centre.mean == pytest.approx(of_cell[of_cell["train_size"] == centre.x]["test_loss"].mean())
            assert centre.n == 5
            assert centre.low is not None
            assert centre.high is not None
            assert centre.low < centre.mean < centre.high
    assert {reference.label: reference.level for reference in panel.references} == {"trigram": 2.05, "unigram": 3.1}


def test_accuracy_is_in_percent_with_chance_and_the_level_of_solving(compared: dict[str, Plot]) -> None:
    (panel,) = compared["accuracy-by-length"].panels
    assert panel.y.label == "Test accuracy (%)"
    assert {reference.label: reference.level for reference in panel.references} == {"chance": 12.5, "solved": 95.0}
    assert all(0 <= point.y <= 100 for series in panel.series for point in series.points)
    assert all((c.high or 0) <= 100 and (c.low or 0) >= 0 for series in panel.series for c in series.centres)


def test_failed_trials_are_drawn_as_failures_and_are_not_in_the_mean(compared: dict[str, Plot]) -> None:
    (panel,) = compared["accuracy-by-length"].panels
    rnn = panel.series[0]
    assert [(failed.x, failed.count, failed.why) for failed in rnn.failed] == [
        (64.0, 2, "2 diverged"),
        (128.0, 2, "2 diverged"),
    ]
    assert next(centre.n for centre in rnn.centres if centre.x == 128) == 3
    with drawing_style("test"):
        figure, _ = draw_panel(panel, LOOKS)
    crosses = [line for line in figure.axes[0].lines if "failed" in str(line.get_gid())]
    assert [(line.get_marker(), len(line.get_xdata())) for line in crosses] == [("x", 2)]


def test_what_a_failed_trial_reached_before_it_failed_is_not_in_the_mean() -> None:
    rows = [trial(sequence_length=length, seed=seed) for length in (4, 8) for seed in (0, 1)]
    rows.append(trial(sequence_length=8, seed=2, status="timeout", test_accuracy=0.0))
    (panel,) = plots(frame(*rows))["accuracy-by-length"].panels
    assert [(centre.mean, centre.n) for centre in panel.series[0].centres] == [(60.0, 2), (60.0, 2)]
    assert [failed.why for failed in panel.series[0].failed] == ["1 timeout"]


def test_the_mean_curve_ends_where_the_first_seed_stops() -> None:
    rows = frame(*(trial(seed=seed) for seed in range(2)))
    points = [
        {"trial_id": row.trial_id, "update": update, "seconds": 1.0 * update, "validation_loss": 1.0 + row.seed}
        for row in rows.itertuples()
        for update in (10, 20, 30)[: 3 - row.seed]
    ]
    panel = plots(rows, pd.DataFrame(points))["learning-curves"].panels[0]
    assert [(centre.x, centre.mean) for centre in panel.series[0].centres] == [(10.0, 1.5), (20.0, 1.5)]
    assert [len(trace) for _, trace in panel.series[0].traces] == [3, 2]


def test_a_long_curve_is_thinned_but_keeps_its_last_point() -> None:
    rows = frame(*(trial(seed=seed) for seed in range(2)))
    points = [
        {"trial_id": row.trial_id, "update": 20 * step, "seconds": 0.1 * step, "validation_loss": 2 - step / 100}
        for row in rows.itertuples()
        for step in range(1, 101)
    ]
    panel = plots(rows, pd.DataFrame(points))["learning-curves"].panels[0]
    (series,) = panel.series
    assert [(len(trace), trace[-1]) for _, trace in series.traces] == [(51, (2000.0, 1.0))] * 2
    assert (series.centres[-1].x, series.centres[-1].mean) == (2000.0, 1.0)
    assert finding(panel).startswith("At 2,000 updates: ")


@pytest.mark.parametrize(
    ("solved_by", "lead"),
    [
        ({"recall": "accuracy"},
         "Test accuracy against the length of the sequence. Higher is better; a line that falls to chance has learnt "
         "nothing."),
        ({"recall": "loss"},
         "Test loss against the length of the sequence. Lower is better; a line that rises to a baseline is no better "
         "than that simple method."),
        ({"recall": "accuracy", "adding": "loss"},
         "Quality on test data against the length of the sequence. Higher is better for accuracy, lower for loss; "
         "compare each line with chance and the baselines."),
    ],
)  # fmt: skip
def test_the_lead_says_which_way_is_better(solved_by: dict[str, str], lead: str) -> None:
    tasks = {task: replace(TASKS["recall"], solved=(name, 0.5)) for task, name in solved_by.items()}
    rows = frame(*(trial(task=task, sequence_length=length) for task in solved_by for length in (4, 8)))
    assert plots(rows, tasks=tasks)["accuracy-by-length"].lead == lead


def test_a_failed_trial_counts_as_not_solved(compared: dict[str, Plot]) -> None:
    (panel,) = compared["solved"].panels
    at_128 = {series.cell: next(c for c in series.centres if c.x == 128) for series in panel.series}
    assert at_128["simple_rnn"].n == 5
    assert at_128["simple_rnn"].mean == 0
    assert at_128["simple_rnn"].high == pytest.approx(43.4, abs=0.1)


def test_the_horizon_is_the_longest_length_that_a_seed_solves() -> None:
    solved = {4: 1.0, 8: 0.97, 16: 0.5}
    rows = [trial(sequence_length=length, test_accuracy=accuracy) for length, accuracy in solved.items()]
    rows += [trial(sequence_length=length, test_accuracy=0.2, seed=1) for length in solved]
    (panel,) = plots(frame(*rows))["horizon"].panels
    (series,) = panel.series
    assert [(point.y, point.seed) for point in series.points] == [(8.0, 0)]
    assert [failed.why for failed in series.failed] == ["1 never solved"]


def test_parameters_are_bars_with_their_recurrent_part(compared: dict[str, Plot]) -> None:
    panel = compared["parameters"].panels[0]
    rows = comparison()
    for series in panel.series:
        of_cell = rows[rows["cell"] == series.cell].iloc[0]
        assert series.centres[0].mean == of_cell["parameters"]
        assert series.part == pytest.approx(of_cell["recurrent_parameters"] / of_cell["parameters"])


def test_backends_are_rows_of_their_own_and_never_pooled() -> None:
    rows = [
        trial(backend=backend, cell=cell, seed=seed, seconds_per_update=seconds)
        for backend, seconds in (("article", 0.02), ("fused", 0.001))
        for cell in ("gru", "lstm")
        for seed in range(3)
    ]
    (panel,) = plots(frame(*rows))["seconds-per-update"].panels
    assert [(series.label, series.centres[0].mean) for series in panel.series] == [
        ("GRU · article", 20.0),
        ("LSTM · article", 20.0),
        ("GRU · fused", 1.0),
        ("LSTM · fused", 1.0),
    ]


def test_times_of_two_machines_stand_in_two_panels() -> None:
    rows = [
        trial(machine=machine, seed=seed, trial_id=f"{machine}{seed}") for machine in ("one", "two") for seed in (0, 1)
    ]
    titles = [panel.title for panel in plots(frame(*rows))["seconds-per-update"].panels]
    assert titles == ["Recall · machine one", "Recall · machine two"]


def test_speed_trials_are_preferred_for_times() -> None:
    rows = [
        trial(lane="accuracy", seconds_per_update=9.0),
        trial(lane="speed", seconds_per_update=0.002, trial_id="speed"),
    ]
    (panel,) = plots(frame(*rows))["seconds-per-update"].panels
    assert panel.series[0].centres[0].mean == 2.0


@pytest.mark.parametrize(("lengths", "units"), [((16,), (32,)), ((16, 32), (32, 64))])
def test_what_a_failed_trial_took_is_in_no_mean_and_the_failure_is_drawn(
    lengths: tuple[int, ...], units: tuple[int, ...]
) -> None:
    """Every trial of the LSTM fails: one leaves a time and a memory, the others nothing."""
    nothing = {"status": "timeout", "seconds_per_update": math.nan, "memory_peak_bytes": math.nan}
    little = {"status": "diverged", "seconds_per_update": 1e-9, "memory_peak_bytes": 1.0}
    rows = [
        trial(cell=cell, seed=seed, sequence_length=length, units=size, **(failed if cell == "lstm" else {}))
        for cell in ("gru", "lstm") for seed, failed in enumerate((nothing, nothing, little))
        for length in lengths for size in units
    ]  # fmt: skip
    by_id = plots(frame(*rows))
    for plot in [by_id[id] for id in ("seconds-per-update", "memory", "memory-by-units") if id in by_id]:
        assert any(note.startswith("Crosses: failed trials.") for note in plot.notes)
        for panel in plot.panels:
            gru, lstm = panel.series
            assert [centre.n for centre in gru.centres] == [3] * len(gru.centres), plot.id
            assert (gru.failed, lstm.points, lstm.centres) == ((), (), ()), plot.id
            assert {failed.why for failed in lstm.failed} == {"1 diverged, 2 timeout"}, plot.id
            assert "Without a value: LSTM 1 diverged, 2 timeout" in finding(panel)
    assert ("memory-by-units" in by_id) == (len(units) > 1)


def test_a_task_in_which_nothing_was_timed_has_no_figure_of_times() -> None:
    rows = frame(*(trial(seed=seed, seconds_per_update=math.nan) for seed in (0, 1)))
    assert "seconds-per-update" not in plots(rows)
    assert "memory" in plots(rows)


def test_batches_that_follow_from_a_small_training_set_are_no_condition() -> None:
    rows = [trial(train_size=size, batch_size=min(32, size), seed=seed) for size in (8, 64) for seed in (0, 1)]
    (panel,) = plots(frame(*rows))["loss-by-size"].panels
    assert [centre.x for centre in panel.series[0].centres] == [8.0, 64.0]


def test_each_cell_is_shown_at_its_best_learning_rate_on_validation_data() -> None:
    rows = frame(
        trial(learning_rate=0.001, validation_loss=2.0, test_loss=1.0),
        trial(learning_rate=0.01, validation_loss=1.0, test_loss=2.0),
        trial(learning_rate=0.1, validation_loss=math.nan, status="diverged"),
    )
    kept, chosen = with_best_rates(prepared(rows))
    assert chosen
    assert list(kept["learning_rate"]) == [0.01]
    (panel,) = plots(rows)["learning-rates"].panels
    assert [centre.x for centre in panel.series[0].centres] == [0.001, 0.01]
    assert [failed.x for failed in panel.series[0].failed] == [0.1]


def test_curves_are_drawn_against_updates_and_against_seconds(compared: dict[str, Plot]) -> None:
    labels = [panel.x.label for panel in compared["learning-curves"].panels]
    assert labels == ["Updates", "Training time (s)"] * 2
    first = compared["learning-curves"].panels[0]
    assert [len(series.traces) for series in first.series] == [5, 5, 5]
    assert first.series[0].traces[0][1][0][0] == 50


def test_time_to_target_counts_seeds_that_never_get_there() -> None:
    rows = frame(*(trial(cell=cell, seed=seed) for cell in ("gru", "lstm") for seed in range(3)))
    losses = {("gru", 0): 1.0, ("gru", 1): 1.0, ("gru", 2): 3.0, ("lstm", 0): 1.5, ("lstm", 1): 1.5, ("lstm", 2): 1.5}
    points = [
        {"trial_id": row.trial_id, "update": update, "seconds": row.seconds_first_step + update / 10,
         "validation_loss": losses[str(row.cell), row.seed] + (1 if update == 10 else 0)}
        for row in rows.itertuples() for update in (10, 20)
    ]  # fmt: skip
    plot = plots(rows, pd.DataFrame(points))["time-to-target"]
    updates, seconds = plot.panels
    assert [(s.cell, s.centres[0].mean, [f.why for f in s.failed]) for s in updates.series] == [
        ("gru", 20.0, ["1 never reached"]),
        ("lstm", 20.0, []),
    ]
    assert seconds.series[0].centres[0].mean == pytest.approx(2.0), "without the first update, which compiles"
    assert "validation loss of 1.50\u00a0nats" in " ".join(plot.notes)


def test_the_target_is_the_task_s_own_where_a_trial_reaches_it() -> None:
    rows = frame(*(trial(cell=cell, seed=seed) for cell in ("gru", "lstm") for seed in range(3)))
    accuracy = {("gru", 0): 0.99, ("gru", 1): 0.97, ("gru", 2): 0.2}
    points = [
        {"trial_id": row.trial_id, "update": update, "seconds": 9.0, "validation_loss": 1.0,
         "validation_accuracy": accuracy.get((str(row.cell), row.seed), 0.5) if update > 10 else 0.1}
        for row in rows.itertuples() for update in (10, 20)
    ]  # fmt: skip
    plot = plots(rows, pd.DataFrame(points))["time-to-target"]
    assert "validation accuracy of 95\u00a0% or more" in " ".join(plot.notes)
    gru, lstm = plot.panels[0].series
    assert [point.seed for point in gru.points] == [0, 1]
    assert gru.centres[0].mean == 20, "the median counts the seed that never gets there as infinitely slow"
    assert lstm.centres == (), "where most seeds never get there, so does the median"
    assert [failed.why for failed in lstm.failed] == ["3 never reached"]


def test_a_baseline_may_be_the_target() -> None:
    tasks = {"recall": replace(TASKS["recall"], solved=None, target=("accuracy", "chance"))}
    rows = frame(*(trial(seed=seed, validation_baseline_chance_accuracy=0.125 * (1 + seed)) for seed in range(2)))
    points = [
        {"trial_id": row.trial_id, "update": 10, "seconds": 9.0, "validation_loss": 1.0, "validation_accuracy": 0.2}
        for row in rows.itertuples()
    ]
    plot = plots(rows, pd.DataFrame(points), tasks=tasks)["time-to-target"]
    assert [point.seed for point in plot.panels[0].series[0].points] == [0]
    assert "the baseline 'chance'" in " ".join(plot.notes)


def test_a_failed_trial_stands_where_its_curve_ends_and_out_of_the_mean() -> None:
    rows = frame(*(trial(seed=seed) for seed in range(2)), trial(seed=2, status="diverged"))
    points = [
        {"trial_id": row.trial_id, "update": update, "seconds": 2.0 * update, "validation_loss": 1.0}
        for row in rows.itertuples()
        for update in ((10, 20) if row.status == "ok" else (10,))
    ]
    panel = plots(rows, pd.DataFrame(points))["learning-curves"].panels[0]
    assert [(failed.x, failed.why) for failed in panel.series[0].failed] == [(10.0, "1 diverged")]
    assert [(centre.x, centre.n) for centre in panel.series[0].centres] == [(10.0, 2), (20.0, 2)]


def test_the_finding_says_the_numbers_and_who_is_best(compared: dict[str, Plot]) -> None:
    said = finding(compared["accuracy-by-length"].panels[0])
    assert said.startswith("At 128 time steps: Simple RNN 12.5\u00a0% [")
    assert "Highest: GRU." in said
    assert "Simple RNN 2 diverged at 64, 2 diverged at 128." in said


def test_a_mean_is_compared_with_the_baseline_at_its_own_x() -> None:
    size = Axis("Training-set size", "characters", whole=True, scale="log")
    gru = Series("gru", "GRU", centres=(Centre(1000, 2.9, None, None, 5), Centre(10_000, 2.0, None, None, 5)))
    lstm = Series("lstm", "LSTM", centres=(Centre(1000, 3.6, None, None, 5),), failed=(Failed(10_000, 5, "5 timeout"),))
    trigram = Reference("trigram", ((1000, 3.5), (10_000, 2.5)), to_beat=True)
    chance = Reference("chance", ((0, 3.0),), to_beat=True)
    panel = Panel("x", size, Axis("Test loss", "nats"), (gru, lstm), (trigram, chance), better="lower")
    assert "At 1,000 characters" in finding(panel)
    assert "Not better than the baseline 'trigram': LSTM. Not better than the baseline 'chance': LSTM." in finding(
        panel
    )
    higher = replace(panel, better="higher")
    assert "Not better than the baseline 'trigram': GRU." in finding(higher)


def test_each_seed_s_values_go_on_only_where_there_are_more() -> None:
    def each(values: int, failed: int, average: str, drawn: int = 20) -> str:
        points = tuple(Point(0, float(seed), seed) for seed in range(min(values, drawn)))
        counted = values + (failed if average == "median" else 0)
        series = Series("gru", "GRU", points, (Centre(0, 3.0, None, None, counted),), (Failed(0, failed, "late"),))
        panel = Panel("x", Axis("Cell"), Axis("Time", "s"), (series,), kind="rows", average=average)  # type: ignore[arg-type]
        (row,) = table(Plot(id="x", title="x", panels=(panel,)))[1]
        return row[-1]

    assert each(3, 2, "median") == "0, 1, 2"
    assert each(3, 2, "mean") == "0, 1, 2"
    assert each(11, 2, "median").endswith("9, …")
    assert each(30, 0, "mean", drawn=6) == "0, 1, 2, 3, 4, 5, …", "where points were left out of the drawing"


def test_the_table_of_values_has_a_row_for_each_mean(compared: dict[str, Plot]) -> None:
    header, rows = table(compared["loss-by-size"])
    assert header[:3] == ("Training-set size (characters)", "Cell", "Mean (nats)")
    assert len(rows) == 12
    assert rows[0][:2] == ("2,000", "Simple RNN")
    assert rows[0][-1].count(",") == 4


def test_intervals_stay_within_the_bounds_of_the_quantity() -> None:
    assert interval([0.0, 1.0]) is None
    low, high = interval([99.0, 100.0, 80.0], 0, 100) or (0, 0)
    assert 0 <= low < 93 < high == 100


def test_the_front_states_the_number_of_parameters_of_each_cell(compared: dict[str, Plot]) -> None:
    said = finding(compared["pareto"].panels[0])
    assert said.startswith("On the Pareto front: Simple RNN with 3,804 weights (")
    assert "Not on the front: LSTM with 9,276 (" in said
    (front,) = [reference for reference in compared["pareto"].panels[0].references if reference.stepped]
    assert [x for x, _ in front.values] == [3804.0, 7452.0, 9276.0], "a stair to the largest network"


def test_a_network_that_was_matched_twice_counts_once() -> None:
    rows = [
        trial(cell=cell, matched=matched, seed=seed, parameters=size)
        for matched in ("units", "parameters")
        for cell, size in (("lstm", 5000), ("gru", 4000 if matched == "units" else 5100))
        for seed in range(3)
    ]
    for place, row in enumerate(rows):
        row["trial_id"] = str(place)
    (panel,) = plots(frame(*rows))["pareto"].panels
    assert {(series.cell, centre.x, centre.n) for series in panel.series for centre in series.centres} == {
        ("gru", 4000.0, 3),
        ("gru", 5100.0, 3),
        ("lstm", 5000.0, 3),
    }


def test_options_and_settings_that_differ_are_conditions_of_their_own() -> None:
    rows = [
        trial(sequence_length=length, options=options, forget_bias=bias, seed=seed)
        for length in (4, 8)
        for options in ('{"permuted":false,"size":8}', '{"permuted":true,"size":8}')
        for bias in ("", "chrono")
        for seed in range(2)
    ]
    for place, row in enumerate(rows):
        row["trial_id"] = str(place)
    panels = plots(frame(*rows))["accuracy-by-length"].panels
    assert [panel.title for panel in panels] == [
        "Recall (permuted false) · no forget bias",
        "Recall (permuted false) · forget bias chrono",
        "Recall (permuted true) · no forget bias",
        "Recall (permuted true) · forget bias chrono",
    ]
    assert {centre.n for panel in panels for series in panel.series for centre in series.centres} == {2}


def test_a_trial_that_somebody_stopped_is_no_failure() -> None:
    rows = [trial(sequence_length=length, seed=seed) for length in (4, 8) for seed in range(3)]
    rows.append(trial(sequence_length=8, seed=3, status="interrupted", test_accuracy=math.nan))
    by_id = plots(frame(*rows))
    assert by_id["accuracy-by-length"].panels[0].series[0].failed == ()
    assert [centre.n for centre in by_id["solved"].panels[0].series[0].centres] == [3, 3]
