"""Published figures beside those measured: the mean of each cell, its interval, and whether the figure lies in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spec.claims import Comparison
from harness.verdicts.published import beside_published
from harness.verdicts.verdict import Pair, Verdict
from tests.verdicts.records import claim, paired, solving, trials, verdict_of

QUOTED = {"source": "A book, table 1", "gru": 1.3, "lstm": 5.0, "unit": "nats", "setup": "More units."}
OUTCOMES = st.floats(-1e3, 1e3)


def judged(published: dict[str, object], advantage: float = 1.0, seeds: int = 8) -> Verdict:
    return verdict_of(trials(advantage, seeds), paired(published=published))


def test_a_published_figure_is_inside_or_outside_the_interval_of_the_mean() -> None:
    verdict = judged(QUOTED)
    assert verdict.published is not None
    gru, lstm = verdict.published.figures
    assert (gru.cell, lstm.cell, gru.n) == ("gru", "lstm", 8)
    assert gru.measured == pytest.approx(1.35, abs=0.02)
    assert (gru.inside, lstm.inside) == (True, False)
    assert verdict.reason.endswith(
        "Published (A book, table 1): GRU 1.3 nats, here 1.35 [1.15, 1.56], which includes it;"
        " LSTM 5 nats, here 2.35 [2.15, 2.55], which excludes it."
    )


def test_published_figures_change_no_verdict() -> None:
    records = trials(0.2)
    with_figures, without = (verdict_of(records, paired(**keys)) for keys in ({"published": QUOTED}, {}))
    assert with_figures.verdict == without.verdict
    assert (with_figures.effect, with_figures.p_adjusted) == (without.effect, without.p_adjusted)
    assert without.published is None


def test_one_seed_has_no_interval_to_be_inside_of() -> None:
    verdict = judged(QUOTED, seeds=1)
    assert verdict.published is not None
    assert [figure.inside for figure in verdict.published.figures] == [None, None]
    assert "includes" not in verdict.reason
    assert "excludes" not in verdict.reason


def test_without_trials_the_figures_are_kept() -> None:
    verdict = verdict_of(trials(1.0, task="recall"), paired(published=QUOTED, where={"task": "adding"}))
    assert verdict.published is not None
    assert [figure.measured for figure in verdict.published.figures] == [None, None]


def test_shares_of_solved_seeds_have_an_interval_of_a_proportion() -> None:
    quoted = {"source": "A book", "gru": 1.0, "lstm": 0.0}
    verdict = verdict_of(
        solving(lambda cell, length, seed: cell == "gru"), claim(kind="proportion", margin=0.2, published=quoted)
    )
    assert verdict.published is not None
    gru, lstm = verdict.published.figures
    assert (gru.measured, gru.high, lstm.measured, lstm.low) == (1, 1, 0, 0)
    assert gru.low is not None
    assert 0.6 < gru.low < 0.8
    assert (gru.inside, lstm.inside) == (True, True)


@given(st.lists(OUTCOMES, min_size=2, max_size=20), st.floats(-1e4, 1e4))
def test_the_interval_is_around_the_mean_of_the_trials_that_did_not_fail(outcomes: list[float], quoted: float) -> None:
    of = paired(published={"source": "A book", "gru": quoted})
    assert isinstance(of, Comparison)
    failed = Pair(len(outcomes), float("nan"), 1.0, float("-inf"))
    pairs = [*(Pair(seed, value, value, 0.0) for seed, value in enumerate(outcomes)), failed]
    result = beside_published(of, pairs)
    assert result is not None
    (figure,) = result.figures
    assert figure.n == len(outcomes)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.measured is not None
    assert figure.low <= figure.measured <= figure.high
    assert figure.inside == (figure.low <= quoted <= figure.high)


def test_a_finding_in_words_needs_no_figures() -> None:
    verdict = judged({"source": "A book", "finding": "The GRU is better."})
    assert verdict.published is not None
    assert verdict.published.figures == ()
    assert verdict.reason.endswith("Published (A book): The GRU is better.")
