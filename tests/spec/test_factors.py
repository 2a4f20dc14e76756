"""The table of factors names each field of a trial's spec, and what each place derives from it is what it needs.

A factor that is left out of one of these lists is left out for a reason stated here: it would pool trials that differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, get_args

import pytest

from harness.cells import facts as exact
from harness.plan.expand import _NOT_TUNED_BY, _varied
from harness.report.figures import aggregate
from harness.report.page import answer
from harness.spec.claims import Paired, Where
from harness.spec.factors import FACTORS, SETTINGS, Factor, TrialFactors
from harness.spec.sweep import Sweep
from harness.spec.trial import SPEC_DEFAULTS, VARIES_WITHIN_A_BLOCK, TrialSpec
from harness.store import frame
from harness.verdicts import changes, pairs, target_times, update_costs
from harness.verdicts.words import conditions
from tests.factories import experiment, spec
from tools.simulate import simulated_record

COLUMN_OF = {"updates": "updates_planned"}
"""Where a column of the frame has another name than the field."""
FIELDS = {COLUMN_OF.get(name, name) for name in TrialSpec.model_fields.keys() - {"targets"}}
"""`targets` are no part of the id: they decide how finely a trial is evaluated, and nothing of its result."""
SEED = {"cell": "is compared", "seed": "pairs the trials"}
DATA = {"options": "hold paths; what identifies the data is in `data`"}
CODE = {"code": "differs between cells"}
PURPOSE = {"purpose": "is chosen before: comparison, tuning or check"}
MORE = dict.fromkeys(("gradient_reach", "train_scores"), "measures more of the same training")


@pytest.mark.parametrize(
    ("names", "left_out"),
    [
        pytest.param(
            [*frame.SPEC_TEXT, *frame.SPEC_WHOLE, *frame.SPEC_REAL, *frame.SPEC_TRUTH, "updates_planned"],
            {},
            id="frame: SPEC_*",
        ),
        pytest.param(frame.COLUMNS, {}, id="frame: COLUMNS"),
        pytest.param(
            pairs.CONDITION,
            {**SEED, **DATA, **CODE, **PURPOSE, **MORE, "units": "each cell's own where matched: reference_units"},
            id="pairs: CONDITION",
        ),
        pytest.param(
            pairs.SCOPE,
            {**SEED, **DATA, **CODE, **PURPOSE, **MORE, "data": "a hash, said by `dataset`"},
            id="pairs: SCOPE",
        ),
        pytest.param(
            [*aggregate.FACTORS, *aggregate.DERIVED],
            {
                **SEED, **DATA, **CODE, **PURPOSE, **MORE,
                "task": "conditions are split by it first",
                "data": "a hash, said by `dataset`",
                "units": "each cell's own where matched: reference_units",
                "learning_rate": "each cell's best is chosen",
            },
            id="aggregate: FACTORS",
        ),
        pytest.param(
            update_costs.COST,
            {
                **DATA, **PURPOSE, **MORE,
                "lane": "joined: updates of one, their cost of the other",
                "seed": "decides values, not how many there are",
                "matched": "said by units", "reference_units": "said by units",
                "train_size": "an update takes a batch", "learning_rate": "a value", "forget_bias": "a value",
                "initialiser": "a value", "updates_planned": "their number", "evaluate_every": "outside of updates",
                "evaluate_lengths": "after training", "patience": "their number", "stop_at_target": "their number",
            },
            id="update_costs: COST",
        ),
        pytest.param(
            target_times.SAME_RUN,
            {
                **DATA, **PURPOSE, **MORE,
                "lane": "joined", "updates_planned": "where training ends", "patience": "where training ends",
                "stop_at_target": "where training ends",
                "evaluate_lengths": "after training",
            },
            id="target_times: SAME_RUN",
        ),
        pytest.param(
            changes.SAME,
            {**DATA, **CODE, "units": "may follow from the code, by matching", "seed": "pairs the trials"},
            id="changes: SAME",
        ),
    ],
)  # fmt: skip
def test_every_field_is_named_or_left_out_for_a_reason(names: list[str], left_out: Mapping[str, str]) -> None:
    assert FIELDS - {*names} == left_out.keys()
    assert len({*names}) == len(names), "a name stands there twice"


def test_a_verdict_states_all_that_its_pairs_agree_in() -> None:
    assert {"dataset" if name == "data" else name for name in pairs.CONDITION} <= {*pairs.SCOPE}


def test_every_factor_of_a_figure_is_a_column_it_reads() -> None:
    read = {*aggregate.TEXTS, *aggregate.NUMBERS, "dataset"}
    assert {*aggregate.FACTORS, *aggregate.DERIVED} <= read


def test_what_goes_without_saying_is_what_a_spec_has_by_default() -> None:
    for name, value in answer.USUAL.items():
        default = SPEC_DEFAULTS[name]
        shown = {"forget_bias": ""}.get(name, frame.as_text(default) if isinstance(default, list) else default)
        assert value == shown, name
    assert answer.USUAL.keys() <= {*pairs.SCOPE}


def test_what_varies_within_a_timing_block_is_what_a_block_compares() -> None:
    assert {"cell", "backend", "units", "learning_rate", "code"} == VARIES_WITHIN_A_BLOCK


def test_a_trials_spec_has_the_fields_of_the_table() -> None:
    assert {*TrialSpec.model_fields} == {*FACTORS} == {*TrialFactors.model_fields}
    for name, field in TrialSpec.model_fields.items():
        assert FACTORS[name].default == (... if field.is_required() else field.default), name


def test_a_column_holds_what_the_type_of_its_factor_says() -> None:
    kinds = {name: FACTORS[name].kind for name in ("layers", "dropout", "patience", "reset_after", "forget_bias")}
    assert kinds == {
        "layers": "whole", "dropout": "real", "patience": "real", "reset_after": "truth", "forget_bias": "text"
    }  # fmt: skip
    assert {FACTORS[name].kind for name in ("optimizer", "dense_units", "options", "clip_norm")} == {"text", "real"}


@pytest.mark.parametrize("factor", SETTINGS, ids=lambda factor: factor.name)
def test_a_setting_is_a_key_of_a_sweep_and_of_a_claims_where(factor: Factor) -> None:
    field = Sweep.model_fields[factor.name]
    assert field.description == factor.about
    default = factor.default if factor.default is None or not factor.several else (factor.default,)
    assert field.get_default() == default
    assert factor.name in Where.model_fields
    assert ("tuple[" in str(field.annotation)) is factor.several


def test_the_keys_that_sweeps_have_by_hand_agree_with_the_table() -> None:
    """Those that the plan reads by name; what it does not pass on as it is has another default."""
    for factor in FACTORS.values():
        field = Sweep.model_fields.get(factor.key)
        if field is None or factor in SETTINGS or factor.name in ("options", "train_scores", "backend", "lane"):
            continue
        default = field.get_default()
        unlisted = default[0] if isinstance(default, tuple) and default and factor.default != default else default
        if factor.default is not ...:
            assert unlisted == factor.default, factor.name


def test_a_condition_is_named_in_the_words_of_the_table() -> None:
    words = {name: FACTORS[name].words for name in ("layers", "clip_norm", "updates")}
    assert words == {"layers": "{} layers", "clip_norm": "gradient clipped at {}", "updates": "{} updates"}
    names = conditions.condition({"layers": 2, "clip_norm": None, "updates_planned": 50}, ["layers", "clip_norm"])
    assert names == "2 layers · gradient not clipped"


def test_a_value_that_equals_its_default_is_no_part_of_an_id() -> None:
    for factor in FACTORS.values():
        if factor.default is not ...:
            assert spec(**{factor.name: factor.default}).id() == spec().id(), factor.name


def test_a_claim_restricts_by_columns_of_the_frame() -> None:
    names = {pairs._COLUMN_OF.get(name, name) for name in Where.model_fields} - {"options"}
    assert names <= {*pairs.CONDITION}
    assert {*pairs.CONDITION} - names == {"data", "dense_units", "evaluate_every", "evaluate_lengths"}


def test_facts_are_counted_for_each_size_that_decides_the_number_of_parameters() -> None:
    decide = {"task", "data", "units", "layers", "reset_after"}
    assert decide <= {*exact.SIZE}


def test_a_rate_is_tuned_for_every_factor_that_a_sweep_can_vary() -> None:
    """`_varied` has what a sweep varies besides sizes; all of it groups the tuning trials but what is stated."""
    spelt = {"updates": "duration", "epochs": "duration", "cells": "cell", "seeds": "seed"}
    lists = {name for name, field in Sweep.model_fields.items() if "tuple[" in str(field.annotation)}
    varied = {spelt.get(name, name) for name in lists}
    of_the_network = {"dense_units", "evaluate_lengths"}  # one value, which is a list
    asked = experiment()
    sizes = {"train_size", "sequence_length"}  # grouped by where rates are tuned at all of them
    assert varied - of_the_network - sizes == {*_varied(asked, asked.sweep[0], asked.cells, (0.1,))}
    assert {*_NOT_TUNED_BY} == {"learning_rate", "seed", "match"}, "match stands in the spec, as `matched`"


def another_value(factor: Factor) -> Any:
    """A value of a setting that is not its default."""
    if factor.kind == "truth":
        return not factor.default
    others = [name for name in get_args(factor.type) if isinstance(name, str) and name != factor.default]
    return others[0] if others else 0.25


@pytest.mark.parametrize("factor", SETTINGS, ids=lambda factor: factor.name)
def test_trials_that_differ_in_a_setting_are_never_pooled(factor: Factor) -> None:
    values = (factor.default, another_value(factor))
    records = [
        simulated_record(cell, seed, 1.0 + seed / 9, **{factor.name: value})
        for cell, seed, value in product(("gru", "lstm"), range(5), values)
    ]
    table = frame.to_frame(records)
    claim = Paired(
        id="a", claim="b", kind="paired", better="gru", than="lstm", on="test_loss", margin=0.1
    )  # fmt: skip
    paired_trials = pairs.find_pairs(table, claim, "test_loss")
    assert [len(condition.seeds) for condition in paired_trials.conditions] == [5, 5]
    words = [condition.scope[factor.column] for condition in paired_trials.conditions]
    assert words[0] != words[1]
    names = [conditions.condition(condition.scope, [factor.column]) for condition in paired_trials.conditions]
    assert len({*names}) == 2
    assert aggregate.prepared(table)[factor.column].nunique(dropna=False) == 2
    assert factor.column in aggregate.FACTORS
