"""Tuned rates, matched sizes and further factors in the plan."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import cells
from harness.errors import UserError
from harness.matching import matched_units, recurrent_parameters
from harness.plan import plan, tuned
from harness.tuning import FIRST_TUNING_SEED, choose
from tests.factories import EXPERIMENT, experiment

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
        choice.where["cell"]: choice for choice in tuned(experiment(TUNED), losses_favouring(gru=0.01, lstm=0.1))
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


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("{ tune = [0.1] }", r"learning_rate\.tune: .*at least 2 items"),
        ("{ tun = [0.1, 0.2] }", r"learning_rate\.tun: unknown key\. Did you mean 'tune'\?"),
        ("{ tune = [0.1, 0.2], seeds = 0 }", r"learning_rate\.seeds: .*greater than or equal to 1"),
        ('{ tune = [0.1, 0.2], at = "some" }', r"learning_rate\.at: .*'middle' or 'all'"),
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
    found = matched_units(cells[cell], cells[reference], units, features, layers)

    def miss(size: int) -> int:
        return abs(recurrent_parameters(cells[cell], features, size, layers) - wanted)

    assert all(miss(found) <= miss(size) for size in (found - 1, found + 1) if size >= 1)
    if cell == reference:
        assert found == units


def test_published_sizes_are_found_again() -> None:
    """Chung et al. 2014 match about 20,000 parameters at 88 inputs: LSTM 36 units, GRU 46, tanh 100."""
    sizes = {name: matched_units(cells[name], cells["lstm"], 36, 88, 1) for name in ("gru", "simple_rnn")}
    assert abs(sizes["gru"] - 46) <= 2
    assert abs(sizes["simple_rnn"] - 100) <= 4


def test_both_matchings_are_planned_and_told_apart() -> None:
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


def test_lengths_to_evaluate_are_refused_where_a_task_has_no_others() -> None:
    with pytest.raises(UserError, match=r"sweep\[0\]: task 'digits' has no other lengths"):
        experiment(EXPERIMENT, ('"recall"', '"digits"'), ("updates = 6", "updates = 6\nevaluate_lengths = [9]"))
