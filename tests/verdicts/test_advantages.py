"""What pairs are worth to a claim, and how several conditions become one value a seed."""

from __future__ import annotations

import numpy as np
import pytest

from harness.verdicts.advantages import Scale, advantages, pooled, scale_of
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs
from tests.verdicts.records import claim, paired

INF, NAN = float("inf"), float("nan")
LOSS = OutcomeColumn("test_loss", "test loss", "bits", True)
PLAIN = Scale("difference", "bits", 0.05)


def pairs(better: list[float], than: list[float], seeds: tuple[int, ...] | None = None) -> Pairs:
    return Pairs({}, seeds or tuple(range(len(better))), np.array(better), np.array(than))


def test_the_scale_depends_on_the_margin_and_on_defined_ratios() -> None:
    positive, mixed = pairs([1.0, NAN], [2.0, 3.0]), pairs([1.0, 0.0], [-4.0, -2.0])
    assert scale_of(paired(margin=0.05), (positive,), LOSS) == PLAIN
    assert scale_of(paired(margin="5%"), (positive,), LOSS) == Scale("log ratio", "%", np.log1p(0.05))
    assert scale_of(paired(margin="5%"), (positive, mixed), LOSS) == Scale(
        "relative difference", "%", 0.05, pytest.approx(0.25)
    )
    nothing = pairs([0.0], [NAN])
    assert scale_of(paired(margin="5%"), (nothing,), LOSS) == Scale("relative difference", "%", 0.05, 1.0)
    assert scale_of(paired(margin="5%"), (), LOSS).kind == "log ratio"
    assert scale_of(claim(kind="proportion", margin=0.2), (mixed,), LOSS) == Scale(
        "share", "percentage points", 0.2, reach=1.0
    )
    ladder = Pairs({}, (0,), np.ones((1, 3)), np.ones((1, 3)), (10.0, 20.0, 40.0))
    horizon = scale_of(claim(kind="horizon", margin="25%"), (ladder,), LOSS)
    assert horizon == Scale("log ratio", "%", np.log1p(0.25), reach=pytest.approx(np.log(8)))


def test_an_advantage_is_shown_in_the_unit_of_its_scale() -> None:
    assert Scale("log ratio", "%", 0.1).show(np.log(1.5)) == pytest.approx(50)
    assert Scale("share", "percentage points", 0.1).show(0.5) == 50
    assert Scale("relative difference", "%", 0.1).show(-0.5) == -50
    assert PLAIN.show(0.5) == 0.5
    assert [Scale("log ratio", "%", 0.1).show(value) for value in (INF, -INF)] == [INF, -INF]


def test_one_failure_is_an_infinite_advantage_and_two_are_a_tie() -> None:
    result = advantages(paired(), pairs([1.0, NAN, 1.0, NAN], [1.5, 1.0, NAN, NAN]), LOSS, PLAIN)
    assert list(result.values) == [0.5, -INF, INF, 0.0]
    assert (result.uninformative, result.failed, result.lopsided) == (1, 4, 0.5)
    assert [pair.advantage for pair in result.pairs] == [0.5, -INF, INF, 0.0]
    higher = OutcomeColumn("test_accuracy", "test accuracy", "", False)
    assert list(advantages(paired(), pairs([1.0], [1.5]), higher, PLAIN).values) == [-0.5]
    relative = Scale("relative difference", "%", 0.05, 2.0)
    assert list(advantages(paired(), pairs([1.0], [1.5]), LOSS, relative).values) == [0.25]


def test_conditions_are_pooled_by_the_mean_of_each_seed_in_all_of_them() -> None:
    first = pairs([1.0, 1.0, 1.0], [2.0, 3.0, NAN], seeds=(0, 1, 2))
    second = pairs([1.0, NAN, 1.0], [1.5, 1.0, 5.0], seeds=(1, 2, 3))
    together = pooled([(part, advantages(paired(), part, LOSS, PLAIN)) for part in (first, second)], PLAIN)
    assert together.seeds_left_out
    assert [pair.seed for pair in together.pairs] == [1, 2]
    assert list(together.values) == [1.25, 0.0], "a failure counts as half again the largest advantage, here 6"
    assert (together.pairs[0].better, together.pairs[0].than) == (1.0, 2.25)
    assert (together.failed, together.uninformative, together.lopsided) == (2, 0, pytest.approx(1 / 3))


def test_all_seeds_are_pooled_if_fewer_than_two_are_in_all_conditions() -> None:
    parts = [pairs([1.0, 1.0], [2.0, 3.0], seeds=(0, 1)), pairs([1.0, 1.0], [1.5, 5.0], seeds=(1, 2))]
    together = pooled([(part, advantages(paired(), part, LOSS, PLAIN)) for part in parts], PLAIN)
    assert not together.seeds_left_out
    assert [(pair.seed, pair.advantage) for pair in together.pairs] == [(0, 1.0), (1, 1.25), (2, 4.0)]


def test_infinite_advantages_alone_are_pooled_by_majority() -> None:
    lost, won = ([NAN], [1.0]), ([1.0], [NAN])
    for sides, mean in (((lost, lost, won), -INF), ((lost, won, won), INF), ((lost, won), 0.0)):
        parts = [pairs(*side) for side in sides]
        together = pooled([(part, advantages(paired(), part, LOSS, PLAIN)) for part in parts], PLAIN)
        assert list(together.values) == [mean]
    both = pairs([NAN, NAN], [NAN, NAN])
    together = pooled([(part, advantages(paired(), part, LOSS, PLAIN)) for part in (both, both)], PLAIN)
    assert (list(together.values), together.uninformative, together.failed) == ([0.0, 0.0], 2, 8)


def test_a_horizon_of_a_seed_that_solves_nothing_is_half_the_smallest_level() -> None:
    levels = (10.0, 20.0, 40.0)
    better = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, NAN, 0.0]])
    than = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    of = Pairs({}, (0, 1, 2, 3), better, than, levels)
    horizon = claim(kind="horizon", margin="25%")
    result = advantages(horizon, of, LOSS, scale_of(horizon, (of,), LOSS))
    assert list(result.values) == pytest.approx([np.log(2), 0.0, 0.0, np.log(2)])
    assert [(pair.better, pair.than) for pair in result.pairs] == [(20, 10), (0, 0), (40, 40), (10, 0)]
    assert (result.uninformative, result.failed, result.lopsided) == (2, 1, 0.25)


def test_a_pooled_seed_shows_outcomes_whose_ratio_is_its_advantage() -> None:
    ratio = Scale("log ratio", "%", float(np.log1p(0.05)))
    timed = claim(kind="paired", on="seconds_per_update", margin="5%")
    slow, fast = pairs([0.9], [1.0]), pairs([0.00126], [0.0011])  # on the mean of both conditions it would be faster
    parts = [(part, advantages(timed, part, LOSS, ratio)) for part in (slow, fast)]
    (shown,) = pooled(parts, ratio).pairs
    assert np.sign(shown.than - shown.better) == np.sign(shown.advantage) == -1
    assert 100 * (shown.than / shown.better - 1) == pytest.approx(shown.advantage)


def test_a_pooled_horizon_shows_outcomes_whose_ratio_is_its_advantage() -> None:
    horizon = claim(kind="horizon", margin="25%")
    none, all_of_them = np.zeros((1, 3)), np.ones((1, 3))
    first = Pairs({}, (0,), none, all_of_them, (10.0, 20.0, 40.0))
    second = Pairs({}, (0,), all_of_them, none, (5.0, 10.0, 20.0))
    scale = scale_of(horizon, (first, second), LOSS)
    (shown,) = pooled([(part, advantages(horizon, part, LOSS, scale)) for part in (first, second)], scale).pairs
    assert (shown.better, shown.than) == (pytest.approx(10), pytest.approx(10))
    assert shown.advantage == pytest.approx(0)


def test_the_reach_of_an_advantage_follows_from_the_bounds_of_the_outcome() -> None:
    share = OutcomeColumn("test_accuracy", "test accuracy", "", False, (0.0, 1.0))
    two = pairs([0.9, 0.8], [0.9, 0.7])
    assert scale_of(paired(on="test_accuracy", margin=0.05), (two,), share).reach == 1.0
    assert scale_of(paired(on="test_accuracy", margin="5%"), (two,), share).reach == INF
    zero = pairs([0.0], [0.5])
    assert scale_of(paired(on="test_accuracy", margin="5%"), (zero,), share).reach == pytest.approx(2.0)
    levels = Pairs({}, (0,), np.ones((1, 3)), np.ones((1, 3)), (1.0, 10.0, 100.0))
    trend = paired(kind="trend", along="train_size", advantage="grows", on="test_accuracy", margin=0.1)
    assert scale_of(trend, (levels,), share).reach == pytest.approx(2.0), "from -1 at the first level to 1 at the last"
