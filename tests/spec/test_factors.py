"""Every list of factors that is kept by hand names each field of a trial's spec, or leaves it out for a stated reason.

A field that is added to `TrialSpec` and forgotten in one of them fails here: it would pool trials that differ in it.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.cells import facts as exact
from harness.plan.expand import _NOT_TUNED_BY, _Factors
from harness.report.figures import aggregate
from harness.report.page import answer
from harness.spec.claims import Where
from harness.spec.sweep import Sweep
from harness.spec.trial import SPEC_DEFAULTS, VARIES_WITHIN_A_BLOCK, TrialSpec
from harness.store import frame
from harness.verdicts import changes, pairs, target_times, update_costs

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


def test_what_varies_within_a_timing_block_are_fields() -> None:
    assert TrialSpec.model_fields.keys() >= VARIES_WITHIN_A_BLOCK


def test_a_claim_restricts_by_columns_of_the_frame() -> None:
    names = {pairs._COLUMN_OF.get(name, name) for name in Where.model_fields}
    assert names <= {*pairs.CONDITION}
    assert {*pairs.CONDITION} - names == {"data", "dense_units", "evaluate_every", "evaluate_lengths"}


def test_facts_are_counted_for_each_size_that_decides_the_number_of_parameters() -> None:
    decide = {"task", "data", "units", "layers", "reset_after"}
    assert decide <= {*exact.SIZE}


def test_a_rate_is_tuned_for_every_factor_that_a_sweep_can_vary() -> None:
    """`_Factors` has what a sweep varies besides sizes; all of it groups the tuning trials but what is stated."""
    spelt = {"updates": "duration", "epochs": "duration", "cells": "cell", "seeds": "seed"}
    lists = {name for name, field in Sweep.model_fields.items() if "tuple[" in str(field.annotation)}
    varied = {spelt.get(name, name) for name in lists}
    of_the_network = {"dense_units", "evaluate_lengths"}  # one value, which is a list
    sizes = {"train_size", "sequence_length"}  # grouped by where rates are tuned at all of them
    assert varied - of_the_network - sizes == {*_Factors._fields}
    assert {*_NOT_TUNED_BY} == {"learning_rate", "seed", "match"}, "match stands in the spec, as `matched`"
