"""Tuned rates, matched sizes and further factors in the plan."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import cells
from harness.errors import UserError
from harness.plan.expand import make_plan
from harness.plan.matching import matched_units, recurrent_parameters
from harness.plan.rates import choose, for_tuning
from harness.spec.trial import TrialSpec
from harness.spec.tuning import FIRST_TUNING_SEED, Search
from harness.tasks import tasks
from tests.factories import EXPERIMENT, experiment, plan

TUNED = EXPERIMENT.replace(
    "updates = 6", "updates = 6\nlearning_rate = { tune = [0.001, 0.01, 0.1], seeds = 2 }"
).replace("[20, 40]", "[20, 30, 40]")


def test_without_records_only_the_tuning_trials_are_planned() -> None:
    specs = list(plan(experiment(TUNED), {}).values())
    assert len(specs) == 2 * 3 * 2  # cells, rates, tuning seeds
    assert {spec.purpose for spec in specs} == {"tuning"}
    assert {spec.seed for spec in specs} == {FIRST_TUNING_SEED, FIRST_TUNING_SEED + 1}
    assert {spec.train_size for spec in specs} == {30}, "the middle one"


def losses_favouring(**rates: float) -> dict[str, float]:
    """Validation losses of the tuning trials: lowest at the given rate of each cell."""
    first = plan(experiment(TUNED), {})
    return {id: abs(math.log10(spec.learning_rate / rates[spec.cell])) + spec.seed % 10 for id, spec in first.items()}


def test_each_cell_is_compared_at_the_rate_that_tuning_chose_for_it() -> None:
    losses = losses_favouring(gru=0.01, lstm=0.1)
    specs = [s for s in plan(experiment(TUNED), losses).values() if s.purpose == "comparison"]
    assert {(s.cell, s.learning_rate) for s in specs} == {("gru", 0.01), ("lstm", 0.1)}
    assert len(specs) == 2 * 2 * 3
    assert {s.seed for s in specs} == {0, 1}


def test_a_best_rate_at_the_edge_and_a_tie_are_flagged() -> None:
    choices = {
        choice.where["cell"]: choice
        for choice in make_plan(experiment(TUNED), losses_favouring(gru=0.01, lstm=0.1)).choices
    }
    assert not choices["gru"].at_edge
    assert choices["lstm"].at_edge
    assert choose({}, {0.1: [1.0], 0.01: [1.0], 0.2: [2.0]}).tied
    assert choose({}, {0.1: [1.0], 0.01: [1.0], 0.2: [2.0]}).rate == 0.01


def test_a_rate_at_which_a_trial_failed_is_not_chosen() -> None:
    assert choose({}, {0.1: [0.1, math.inf], 0.01: [1.0, 1.0]}).rate == 0.01


def test_one_missing_tuning_record_keeps_the_comparison_waiting() -> None:
    losses = losses_favouring(gru=0.01, lstm=0.1)
    losses.popitem()
    assert {s.purpose for s in plan(experiment(TUNED), losses).values()} == {"tuning"}


def test_rates_may_be_tuned_at_every_size() -> None:
    everywhere = experiment(TUNED.replace("seeds = 2 }", 'seeds = 2, at = "all" }'))
    first = plan(everywhere, {})
    assert {spec.train_size for spec in first.values()} == {20, 30, 40}
    losses = {id: abs(math.log10(s.learning_rate) + s.train_size / 22) for id, s in first.items()}
    chosen = {s.train_size: s.learning_rate for s in plan(everywhere, losses).values() if s.purpose == "comparison"}
    assert chosen == {20: 0.1, 30: 0.1, 40: 0.01}


SEARCH = st.builds(
    lambda low, ratio, trials: Search(search="log-uniform", low=low, high=low * ratio, trials=trials),
    st.floats(1e-6, 1),
    st.floats(2.01, 1e4),
    st.integers(2, 60),
)


@given(SEARCH)
def test_a_random_search_draws_different_rates_within_its_bounds_always_the_same_ones(search: Search) -> None:
    assert len(set(search.rates)) == search.trials
    assert all(search.low <= rate <= search.high for rate in search.rates)
    assert search.rates == Search(**search.model_dump()).rates


def test_the_rates_of_a_random_search_are_spread_over_orders_of_magnitude() -> None:
    rates = Search(search="log-uniform", low=1e-5, high=1e-1, trials=200).rates
    counts = np.histogram(np.log10(rates), bins=4, range=(-5, -1))[0]
    assert (counts > 30).all(), "a quarter each, but for chance"


def test_every_cell_tries_the_rates_of_the_search_and_is_compared_at_its_best() -> None:
    table = '{ search = "log-uniform", low = 1e-4, high = 1e-1, trials = 6, seeds = 1 }'
    searched = experiment(EXPERIMENT, ("updates = 6", f"updates = 6\nlearning_rate = {table}"))
    first = plan(searched, {})
    by_cell = {cell: sorted(s.learning_rate for s in first.values() if s.cell == cell) for cell in ("gru", "lstm")}
    assert len(by_cell["gru"]) == 6
    assert by_cell["gru"] == by_cell["lstm"]
    losses = {id: -s.learning_rate if s.cell == "gru" else s.learning_rate for id, s in first.items()}
    compared = [s for s in plan(searched, losses).values() if s.purpose == "comparison"]
    assert {(s.cell, s.learning_rate) for s in compared} == {("gru", by_cell["gru"][-1]), ("lstm", by_cell["lstm"][0])}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("{ tune = [0.1] }", r"learning_rate\.tune: .*at least 2 items"),
        ("{ tun = [0.1, 0.2] }", r"learning_rate\.tun: unknown key\. Did you mean 'tune'\?"),
        ("{ tune = [0.1, 0.2], seeds = 0 }", r"learning_rate\.seeds: .*greater than or equal to 1"),
        ('{ tune = [0.1, 0.2], at = "some" }', r"learning_rate\.at: .*'middle' or 'all'"),
        ('{ search = "log-uniform", low = 0.01, high = 0.01 }', r"expected 'high' at least twice 'low'"),
        ('{ search = "log-uniform", low = 0.01 }', r"learning_rate\.high: this key is missing"),
        (
            '{ search = "loguniform", low = 0.01, high = 0.1 }',
            r"learning_rate\.search: .* Did you mean 'log-uniform'\?",
        ),
        ('{ search = "log-uniform", low = 0.01, high = 0.1, tune = [0.1] }', r"learning_rate: 'tune' lists the rates"),
        ('{ search = "log-uniform", low = 0.01, high = 0.1, trials = 1 }', r"learning_rate\.trials: .*2"),
    ],
)
def test_a_mistake_in_the_table_is_named(table: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        experiment(EXPERIMENT, ("updates = 6", f"updates = 6\nlearning_rate = {table}"))


@given(
    cell=st.sampled_from(["simple_rnn", "gru", "lstm"]),
    reference=st.sampled_from(["simple_rnn", "gru", "lstm"]),
    units=st.integers(1, 300),
    features=st.integers(1, 300),
    layers=st.integers(1, 3),
)
def test_matched_units_come_nearest_to_the_references_parameters(
    cell: str, reference: str, units: int, features: int, layers: int
) -> None:
    wanted = recurrent_parameters(cells[reference], features, units, layers)
    matched = matched_units(cells[cell], cells[reference], units, features, layers)

    def miss(size: int) -> int:
        return abs(recurrent_parameters(cells[cell], features, size, layers) - wanted)

    assert all(miss(matched) <= miss(size) for size in (matched - 1, matched + 1) if size >= 1)
    if cell == reference:
        assert matched == units


def test_published_sizes_are_found_again() -> None:
    """Chung et al. 2014 match about 20,000 parameters at 88 inputs: LSTM 36 units, GRU 46, tanh 100."""
    sizes = {name: matched_units(cells[name], cells["lstm"], 36, 88, 1) for name in ("gru", "simple_rnn")}
    assert abs(sizes["gru"] - 46) <= 2
    assert abs(sizes["simple_rnn"] - 100) <= 4


def test_both_matchings_are_planned_with_different_ids() -> None:
    text = EXPERIMENT.replace("units = 4", 'units = 12\nmatch = ["units", "parameters"]')
    specs = list(plan(experiment(text)).values())
    assert {(s.matched, s.cell, s.reference_units) for s in specs} == {
        (match, cell, 12) for match in ("units", "parameters") for cell in ("gru", "lstm")
    }
    by_parameters = {s.cell: s.units for s in specs if s.matched == "parameters"}
    assert by_parameters["lstm"] == 12
    assert by_parameters["gru"] > 12


def test_every_factor_of_a_sweep_is_combined() -> None:
    more = 'optimizer = ["adam", "sgd"]\nreset_after = [true, false]\nforget_bias = [0.0, 1.0, "chrono"]\nclip_norm = 0'
    specs = plan(experiment(EXPERIMENT, ("updates = 6", f"updates = 6\n{more}"))).values()
    assert len(specs) == 8 * 2 * 2 * 3
    assert {s.forget_bias for s in specs} == {0.0, 1.0, "chrono"}
    assert {s.clip_norm for s in specs} == {None}


def test_a_rate_is_chosen_for_each_batch_size_and_clipping_by_itself() -> None:
    both = experiment(TUNED.replace("updates = 6", "updates = 6\nbatch_size = [4, 25]\nclip_norm = [0, 1]"))
    first = plan(both, {})

    def loss(s: TrialSpec) -> float:
        best = {(4, None): 0.001, (4, 1.0): 0.01, (25, None): 0.01, (25, 1.0): 0.1}[s.batch_size, s.clip_norm]
        return abs(math.log10(s.learning_rate / best))

    specs = plan(both, {id: loss(s) for id, s in first.items()}).values()
    chosen = {(s.batch_size, s.clip_norm): s.learning_rate for s in specs if s.purpose == "comparison"}
    assert chosen == {
        (4, None): 0.001, (4, 1.0): 0.01, (25, None): 0.01, (25, 1.0): 0.1,
        (20, None): 0.01, (20, 1.0): 0.1,  # the 25 asked for, of 20 examples
    }  # fmt: skip
    assert {
        choice.where["clip_norm"] for choice in make_plan(both, {id: loss(s) for id, s in first.items()}).choices
    } == {0, 1}


def test_a_rate_is_chosen_once_for_all_sizes_where_training_is_counted_in_epochs() -> None:
    text = TUNED.replace("updates = 6", "epochs = 2")
    losses = {id: s.learning_rate for id, s in plan(experiment(text), {}).items()}
    specs = [s for s in plan(experiment(text), losses).values() if s.purpose == "comparison"]
    assert {s.updates for s in specs} == {2, 4}
    assert {s.learning_rate for s in specs} == {0.001}


def test_rates_are_not_tuned_by_trials_that_are_not_evaluated() -> None:
    with pytest.raises(UserError, match=r"sweep\[0\] \(recall\): trials of the speed lane are not evaluated"):
        plan(experiment(TUNED.replace("updates = 6", 'updates = 6\nlane = "speed"')))


def test_a_tuning_trial_validates_on_a_part_of_its_training_data_and_on_nothing_of_the_comparison_s() -> None:
    dataset = tasks["recall"].make(100, 9, 0, tasks["recall"].options(validation_size=15, test_size=30))
    tuning_data = for_tuning(dataset)
    assert (len(tuning_data.train.x), len(tuning_data.validation.x)) == (85, 15), (
        "no more than the comparison validates on"
    )
    np.testing.assert_array_equal(np.concatenate([tuning_data.train.x, tuning_data.validation.x]), dataset.train.x)
    few = for_tuning(dataclasses.replace(dataset, train=dataset.train.part(0, 7)))
    assert (len(few.train.x), len(few.validation.x)) == (6, 1)
    with pytest.raises(UserError, match="a single training example leaves none for tuning the learning rate"):
        plan(experiment(TUNED.replace("[20, 30, 40]", "1")))


def test_states_that_could_not_be_carried_anywhere_are_refused() -> None:
    text = EXPERIMENT.replace('"recall"', '"language"').replace("[20, 40]", "400")
    carried = text.replace("updates = 6", "updates = 6\nbatch_size = {}\n[sweep.options]\ncarry_state = true")
    assert {s.batch_size for s in plan(experiment(carried.format(40))).values()} == {40}
    with pytest.raises(UserError, match=r"makes 80 windows .* the 41 streams .* a batch_size of at most 40, or more"):
        plan(experiment(carried.format(41)))
    tuned_too = carried.format(40).replace("batch_size", "learning_rate = { tune = [0.1, 0.2] }\nbatch_size")
    with pytest.raises(UserError, match="makes 64 windows"):
        plan(experiment(tuned_too))


@pytest.mark.parametrize(
    ("task", "length", "backend", "words"),
    [
        ("temporal_order", 19, "keras", "sequence_length 19 is too short"),
        ("recall", 2, "keras", "only 64 different sequences of 2"),
        ("language", 30_000, "fused", "sequence_length 30000 needs more than 30,000"),
        ("recall", 9, "article", "backend 'article' runs one sequence length"),
    ],
)
def test_lengths_that_cannot_be_evaluated_are_refused_before_any_training(
    task: str, length: int, backend: str, words: str
) -> None:
    lengths = f"updates = 6\nevaluate_lengths = [{length}]"
    text = (
        EXPERIMENT.replace('"recall"', f'"{task}"').replace('"keras"', f'"{backend}"').replace("updates = 6", lengths)
    )
    with pytest.raises(UserError, match=rf"sweep\[0\] \({task}\): .*{words}"):
        plan(experiment(text.replace("sequence_length = 5", "sequence_length = 20")))


@pytest.mark.parametrize("task", ["language", "words", "counting", "symbols"])
def test_a_network_that_would_see_its_labels_is_refused(task: str) -> None:
    both = ("updates = 6", "updates = 6\nbidirectional = [false, true]")
    words = rf"sweep\[0\]: task '{task}' predicts later inputs, which a bidirectional layer sees; leave 'bidirectional'"
    with pytest.raises(UserError, match=words):
        experiment(EXPERIMENT, ('"recall"', f'"{task}"'), both)
    assert {s.bidirectional for s in plan(experiment(EXPERIMENT, both)).values()} == {False, True}


def test_units_are_matched_over_both_directions() -> None:
    text = 'updates = 6\nbidirectional = true\nlayers = 2\nmatch = "parameters"'
    units = {
        s.cell: s.units
        for s in plan(experiment(EXPERIMENT, ("units = 4", "units = 40"), ("updates = 6", text))).values()
    }
    numbers = {cell: recurrent_parameters(cells[cell], 8, size, 2, bidirectional=True) for cell, size in units.items()}
    assert units["gru"] > units["lstm"]
    assert numbers["gru"] == pytest.approx(numbers["lstm"], rel=0.1)


def test_lengths_to_evaluate_are_refused_where_a_task_has_no_others() -> None:
    with pytest.raises(UserError, match=r"sweep\[0\]: task 'digits' cannot be tested at other lengths"):
        experiment(EXPERIMENT, ('"recall"', '"digits"'), ("updates = 6", "updates = 6\nevaluate_lengths = [9]"))


def test_time_to_target_is_checked_in_the_speed_lane_with_the_same_networks() -> None:
    twice = EXPERIMENT + EXPERIMENT[EXPERIMENT.index("[[sweep]]") :].replace("updates", "until_target = true\nupdates")
    specs = list(plan(experiment(twice)).values())
    assert {(s.purpose, s.lane) for s in specs} == {("comparison", "accuracy"), ("check", "speed")}
    same = [s.model_copy(update={"purpose": "comparison", "lane": "accuracy"}).id() for s in specs]
    assert len(set(same)) == len(specs) // 2


def test_trials_know_the_targets_that_claims_name_and_are_the_same_trials_without_them() -> None:
    claim = (
        '[[claim]]\nid = "{0}"\nclaim = "It is faster."\nkind = "time-to-target"\nbetter = "gru"\nthan = "lstm"\n'
        'margin = "10%"\n{1}\n'
    )
    claims = claim.format("a", "target = 1.5") + claim.format("b", 'target = "chance"\nwhere = { task = "recall" }')
    other = claim.format("c", "") + claim.format("d", 'target = 0.1\nwhere = { task = "adding" }')
    adding = EXPERIMENT[EXPERIMENT.index("[[sweep]]") :].replace("recall", "adding")
    without = plan(experiment(EXPERIMENT + adding))
    specs = plan(experiment(EXPERIMENT + adding + claims + other))
    assert specs.keys() == without.keys()
    assert {(spec.task, spec.targets) for spec in specs.values()} == {
        ("recall", (1.5, "chance")),
        ("adding", (1.5, 0.1)),
    }
    assert {spec.targets for spec in without.values()} == {()}
    timed = plan(experiment(EXPERIMENT.replace("[[sweep]]", 'lane = "speed"\n[[sweep]]') + claims))
    assert {spec.targets for spec in timed.values()} == {()}, "nothing is evaluated there"


def test_the_training_split_is_scored_where_a_claim_is_on_its_loss() -> None:
    claim = (
        '[[claim]]\nid = "a"\nclaim = "It is lower."\nkind = "paired"\nbetter = "gru"\nthan = "lstm"\nmargin = 0.1\n'
        'on = "{}"\nwhere = {{ task = "recall" }}\n'
    )
    sweep = EXPERIMENT[EXPERIMENT.index("[[sweep]]") :]
    text = EXPERIMENT + sweep.replace("recall", "adding")
    without = plan(experiment(text))
    assert not any(spec.train_scores for spec in without.values())
    assert plan(experiment(text + claim.format("test_loss"))).keys() == without.keys()
    judged = plan(experiment(text + claim.format("train_loss")))
    assert {(spec.task, spec.train_scores) for spec in judged.values()} == {("recall", True), ("adding", False)}
    assert {spec.task for id, spec in judged.items() if id not in without} == {"recall"}, "the others keep their ids"
    tuned = experiment(
        EXPERIMENT + claim.format("train_loss"), ("updates", "learning_rate = { tune = [0.1, 0.2] }\nupdates")
    )
    assert {(spec.purpose, spec.train_scores) for spec in plan(tuned).values()} == {
        ("tuning", False),
        ("comparison", True),
    }


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('lane = "accuracy"', "'until_target' always runs in the speed lane; leave 'lane' out"),
        (
            'task = "tests.verdicts.test_target_times:without_target"',
            "has no target; leave 'until_target' out",
        ),
    ],
)
def test_a_target_that_cannot_be_timed_is_refused(key: str, words: str) -> None:
    text = EXPERIMENT.replace('task = "recall"\n', "") if key.startswith("task") else EXPERIMENT
    with pytest.raises(UserError, match=rf"sweep\[0\]: .*{words}"):
        experiment(text.replace("updates = 6", f"updates = 6\nuntil_target = true\n{key}"))


def test_a_comparison_may_end_at_the_target_and_its_tuning_does_not() -> None:
    keys = "updates = 6\nstop_at_target = true\nlearning_rate = { tune = [0.1, 0.2] }"
    specs = plan(experiment(EXPERIMENT, ("updates = 6", keys))).values()
    assert {(spec.purpose, spec.stop_at_target) for spec in specs} == {("tuning", False), ("comparison", True)}


@pytest.mark.parametrize(
    ("key", "claim", "words"),
    [
        ('lane = "speed"', "", "'stop_at_target' ends training in the accuracy lane"),
        ("until_target = true", "", "'stop_at_target' ends training in the accuracy lane"),
        ("", "target = 1.5", "a claim names the target 1.5, and 'stop_at_target' ends training at the task's own"),
        (
            'task = "tests.verdicts.test_target_times:without_target"',
            "",
            "has no target; leave 'stop_at_target' out",
        ),
    ],
)
def test_training_cannot_stop_at_a_target_that_it_does_not_have(key: str, claim: str, words: str) -> None:
    text = EXPERIMENT.replace('task = "recall"\n', "") if key.startswith("task") else EXPERIMENT
    text = text.replace("updates = 6", f"updates = 6\nstop_at_target = true\n{key}")
    if claim:
        text += (
            '[[claim]]\nid = "a"\nclaim = "It is faster."\nkind = "time-to-target"\nbetter = "gru"\nthan = "lstm"\n'
            f'margin = "10%"\n{claim}\n'
        )
    with pytest.raises(UserError, match=rf"sweep\[0\].*: .*{words}"):
        plan(experiment(text))


def test_further_seeds_are_in_the_wide_plan_and_in_no_other() -> None:
    text = EXPERIMENT + EXPERIMENT[EXPERIMENT.index("[[sweep]]") :].replace("units = 4", "units = 5\nseeds = [3, 8]")
    both = make_plan(experiment(text), most_seeds=4)
    assert list(both.trials.items()) == list(plan(experiment(text)).items())
    assert both.trials.items() < both.wide.items()
    seeds = {units: {s.seed for s in both.wide.values() if s.units == units} for units in (4, 5)}
    assert seeds == {4: {0, 1, 2, 3}, 5: {3, 8, 9, 10}}
    assert make_plan(experiment(text)).wide == both.trials


def test_tuning_trials_are_the_same_with_further_seeds() -> None:
    losses = losses_favouring(gru=0.01, lstm=0.1)
    narrow, wide = make_plan(experiment(TUNED), losses), make_plan(experiment(TUNED), losses, most_seeds=5)
    assert (wide.trials, wide.choices) == (narrow.trials, narrow.choices)
    further = [spec for id, spec in wide.wide.items() if id not in wide.trials]
    assert {(spec.purpose, spec.seed) for spec in further} == {("comparison", seed) for seed in (2, 3, 4)}
