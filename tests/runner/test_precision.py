"""The precision of time ratios that the claims of an experiment require."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.runner import flow
from harness.runner.cluster.connect import Cluster
from harness.runner.precision import Precision, precision_for
from harness.verdicts.rounds import PRECISION
from tests.factories import EXPERIMENT, experiment, spec
from tests.verdicts.records import claim, not_testable, paired

TIME = {"on": "seconds_per_update"}


@pytest.mark.parametrize(
    ("margin", "half_width"),
    [("6%", 0.03), ("10%", 0.05), ("40%", 0.05), ("0.9%", 0.005), (0.001, PRECISION)],
)
def test_the_precision_is_half_of_the_margin_within_bounds(margin: Any, half_width: float) -> None:
    (pair,) = precision_for([paired(margin=margin, **TIME)]).pairs
    assert pair == ("gru", "lstm", pytest.approx(half_width))


def test_each_pair_has_the_precision_of_the_smallest_margin_of_its_claims() -> None:
    claims = [
        paired(id="a", margin="12%", **TIME),
        paired(id="b", margin="3%", **TIME),
        paired(id="c", than="simple_rnn", margin="9%", **TIME),
        claim(id="d", kind="time-to-target", by="seconds", better="lstm", than="simple_rnn", margin="6%"),
        claim(id="e", kind="time-to-target", by="updates", better="gru", than="simple_rnn", margin="2%"),
        paired(id="f", margin="2%"),
        not_testable(),
    ]
    precision = precision_for(claims)
    assert [(better, than, round(share, 6)) for better, than, share in precision.pairs] == [
        ("gru", "lstm", 0.015),
        ("gru", "simple_rnn", 0.045),
        ("lstm", "simple_rnn", 0.03),
    ]
    one, other = spec(cell="lstm"), spec(cell="gru")
    assert precision.half_width(one, other) == precision.half_width(other, one) == pytest.approx(0.015)
    assert precision.half_width(one, spec(cell="gru", backend="fused")) is None
    assert precision.half_width(one, spec(cell="lstm", backend="fused")) is None
    assert precision.half_width(one, spec(cell="mine:cell")) is None


def test_without_claims_on_time_all_pairs_of_cells_of_a_backend_are_compared() -> None:
    precision = precision_for([paired(), not_testable()])
    assert precision == Precision()
    assert precision.half_width(spec(cell="gru"), spec(cell="lstm")) == PRECISION
    assert precision.half_width(spec(cell="gru"), spec(cell="gru", backend="fused")) is None


def test_backends_of_a_cell_can_be_compared() -> None:
    precision = Precision((("fused", "keras", 0.01),))
    assert precision.half_width(spec(backend="keras"), spec(backend="fused")) == 0.01
    assert precision.half_width(spec(backend="article"), spec(backend="fused")) is None
    assert precision.half_width(spec(cell="lstm", backend="keras"), spec(backend="fused")) is None


TIMED = """
[[claim]]
id = "faster"
claim = "GRUs are faster"
kind = "paired"
better = "gru"
than = "lstm"
on = "seconds_per_update"
margin = "12%"
"""


def test_a_run_passes_the_precision_to_the_engine_on_this_machine_and_on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Precision] = []

    def here(*_: object, precision: Precision, **__: object) -> None:
        given.append(precision)
        raise UserError("no engine")

    @contextmanager
    def there(*arguments: object) -> Iterator[None]:
        given.extend(argument for argument in arguments if isinstance(argument, Precision))
        raise UserError("no engine")
        yield

    monkeypatch.setattr(flow, "LocalEngine", here)
    monkeypatch.setattr(flow, "cluster_engine", there)
    for cluster in (None, Cluster()):
        with pytest.raises(UserError, match="no engine"):
            flow.run_experiment(experiment(EXPERIMENT + TIMED), results=tmp_path, cluster=cluster)
    assert given == [Precision((("gru", "lstm", pytest.approx(0.05)),))] * 2
