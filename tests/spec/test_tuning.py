"""Random search: which rates it draws, and the messages for mistakes in its table."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from harness.errors import UserError
from harness.spec.tuning import Search
from tests.factories import EXPERIMENT, experiment, plan

TABLE = '{ search = "log-uniform", low = 1e-4, high = 1e-2, trials = 6, seeds = 1 }'
SEARCHED = EXPERIMENT.replace("updates = 6", f"updates = 6\nlearning_rate = {TABLE}")
RATES = Search(search="log-uniform", low=1e-4, high=1e-2, trials=6).rates


def test_the_drawn_rates_stay_the_same_from_version_to_version() -> None:
    """Others would change the ids of trials."""
    search = Search(search="log-uniform", low=1e-3, high=3e-2, trials=10)
    assert search.rates[:4] == (0.001737, 0.001939, 0.002287, 0.003917)
    assert search.model_copy(update={"seeds": 5, "at": "all"}).rates == search.rates


@pytest.mark.parametrize(("search", "cdf"), [("uniform", "uniform"), ("log-uniform", "loguniform")])
def test_the_rates_have_the_distribution_that_the_table_names(search: str, cdf: str) -> None:
    rates = Search(search=search, low=1e-3, high=1.0, trials=200).rates
    bounds = {"uniform": (1e-3, 1 - 1e-3), "loguniform": (1e-3, 1.0)}  # SciPy: from and width; from and to
    pvalues = {name: kstest(rates, name, args=arguments).pvalue for name, arguments in bounds.items()}
    assert pvalues.pop(cdf) > 0.01
    assert max(pvalues.values()) < 1e-6


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_rates_do_not_depend_on_the_order_in_the_file(shuffler: random.Random) -> None:
    head, _, sweep = SEARCHED.partition("[[sweep]]")
    lines = [line for line in sweep.splitlines() if line]
    other = [line.replace("recall", "adding").replace("[20, 40]", "30") for line in lines]
    keys = ['search = "log-uniform"', "low = 0.0001", "high = 0.01", "trials = 6", "seeds = 1"]
    shuffler.shuffle(keys)
    lines = [line.replace(TABLE, f"{{ {', '.join(keys)} }}") for line in lines]
    shuffler.shuffle(lines)
    sweeps = ["\n".join(["[[sweep]]", *one]) for one in (lines, other)]
    shuffler.shuffle(sweeps)
    planned = plan(experiment("\n".join([head.replace('["gru", "lstm"]', '["lstm", "gru"]'), *sweeps])), {})
    assert {*plan(experiment(SEARCHED), {})} == {id for id, spec in planned.items() if spec.task == "recall"}


def test_every_size_and_seed_of_the_tuning_has_the_same_rates() -> None:
    everywhere = experiment(SEARCHED.replace("seeds = 1 }", 'seeds = 2, at = "all" }'))
    specs = plan(everywhere, {}).values()
    assert len(specs) == 2 * 6 * 2 * 2  # cells, rates, seeds, sizes
    for key in {(spec.train_size, spec.seed, spec.cell) for spec in specs}:
        tried = {spec.learning_rate for spec in specs if (spec.train_size, spec.seed, spec.cell) == key}
        assert tried == {*RATES}


def test_the_plan_before_any_record_counts_the_tuning_trials() -> None:
    assert len(plan(experiment(SEARCHED))) == 2 * 6 + 2 * 2 * 2


GOOD = "search = 'log-uniform', low = 1e-4, high = 1e-2, trials = 10"
BOTH = (
    r"learning_rate: 'tune' lists the rates to try, and 'search', 'low', 'high' and 'trials' draw them: give one or the"
    r" other; found 'tune' and"
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("low = 1e-4", "low = 0.1", r"learning_rate: 'high' is 0\.01 and 'low' 0\.1; expected 'high' at least twice"),
        ("low = 1e-4", "low = 0", r"learning_rate\.low: expected greater than or equal to 0\.000000001; found 0$"),
        ("high = 1e-2", "high = inf", r"learning_rate\.high: .*; found inf$"),
        ("search = 'log-uniform', ", "", r"learning_rate\.search: this key is missing$"),
        ("log-uniform", "log-unifrm", r"search: unknown search 'log-unifrm'\. Did you mean 'log-uniform'\?$"),
        (
            "trials = 10",
            "trials = 10, budget = 5",
            r"budget: unknown key\. Valid: at, high, low, search, seeds, trials",
        ),
        ("trials = 10", "trails = 10", r"learning_rate\.trails: unknown key\. Did you mean 'trials'\?$"),
        (GOOD, "tune = [0.1, 0.2], trials = 10", rf"{BOTH} 'trials'$"),
        (GOOD, f"tune = [0.1], {GOOD}", rf"{BOTH} 'high', 'low', 'search', 'trials'$"),
        (GOOD, "tune = [0.1, 0.2], symbols = 5", r"learning_rate\.symbols: unknown key\. Valid: at, seeds, tune\.$"),
    ],
)
def test_a_mistake_in_the_table_has_one_message(old: str, new: str, words: str) -> None:
    table = GOOD.replace(old, new)
    with pytest.raises(UserError, match=words) as caught:
        experiment(EXPERIMENT, ("updates = 6", f"updates = 6\nlearning_rate = {{ {table} }}"))
    assert "\n" not in str(caught.value)
