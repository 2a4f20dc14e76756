"""The best set of a condition: cells that no other cell beats."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import pytest

from harness.store.frame import to_frame
from harness.verdicts.best_set import Contest, beaten, pairwise
from tools.simulate import simulated_record

SEEDS = range(8)
CELLS = ("simple_rnn", "gru", "lstm")


def frame_of(loss: Callable[[str, int], float]) -> pd.DataFrame:
    return to_frame([simulated_record(cell, seed, loss(cell, seed)) for cell in CELLS for seed in SEEDS])


def losers(loss: Callable[[str, int], float], margin: float | str = 0.05) -> set[str]:
    (verdicts,) = pairwise([Contest(frame_of(loss), CELLS, "test_loss", margin)], None)
    return beaten(verdicts)


def level(cell: str, **levels: float) -> float:
    return levels.get(cell, 2.0)


def noise(seed: int) -> float:
    return 0.01 * (-1) ** seed


def test_a_cell_that_is_worse_than_another_by_more_than_the_margin_is_beaten() -> None:
    assert losers(lambda cell, seed: level(cell, simple_rnn=2.5) + noise(seed + len(cell))) == {"simple_rnn"}


def test_the_best_cell_alone_is_left_if_it_beats_all_others() -> None:
    assert losers(lambda cell, seed: level(cell, gru=1.5) + noise(seed)) == {"simple_rnn", "lstm"}


def test_a_difference_within_the_margin_does_not_count() -> None:
    worse = {"simple_rnn": 2.01}
    assert losers(lambda cell, seed: level(cell, **worse) + noise(seed) / 50 * len(cell)) == set()
    assert losers(lambda cell, seed: level(cell, **worse) + noise(seed) / 50 * len(cell), 0.001) == {"simple_rnn"}


def test_a_difference_that_the_noise_hides_does_not_count() -> None:
    assert losers(lambda cell, seed: level(cell, simple_rnn=2.1) + 0.9 * math.sin(7 * seed + len(cell))) == set()


def test_all_pairs_of_all_contests_are_corrected_as_one_family() -> None:
    trials = frame_of(lambda cell, seed: level(cell, simple_rnn=2.06) + 0.06 * math.sin(5 * seed + len(cell)))
    contest = Contest(trials, ("simple_rnn", "gru"), "test_loss", 0.01)
    (alone,) = pairwise([contest], None)
    among_ten = pairwise([contest] * 10, None)[0]
    p, corrected = (verdicts["simple_rnn", "gru"].p_adjusted for verdicts in (alone, among_ten))
    assert corrected == pytest.approx(min(1.0, 10 * p))


def test_an_outcome_that_no_trial_has_leaves_the_pair_out() -> None:
    (verdicts,) = pairwise([Contest(frame_of(lambda cell, seed: 2.0), CELLS, "test_segment_f1", "5%")], None)
    assert verdicts == {}
    (verdicts,) = pairwise([Contest(frame_of(lambda cell, seed: 2.0), CELLS, "time-to-target", "5%")], None)
    assert verdicts == {}, "there are no learning curves"
    assert beaten(verdicts) == set()
