"""What `harness kernels` measures, and what it counts."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.trial.kernel_speed import KernelRecord, Shape, measure_kernels, operations


def test_kernels_are_measured_in_rounds_with_their_ratio_and_memory() -> None:
    shape = Shape(batch=2, time=3, features=4, units=5)
    names, arguments = ["simple_rnn"], {"shape": shape, "dropout": 0, "updates_a_round": 2}
    records = measure_kernels(names, ["keras", "fused"], rounds=3, memory=False, **arguments)
    assert [(record.cell, record.kernel) for record in records] == [("simple_rnn", "keras"), ("simple_rnn", "fused")]
    assert records[0].ratio_to_keras == 1
    for record in records:
        assert isinstance(record, KernelRecord)
        assert record.milliseconds_least <= record.milliseconds[0] <= record.milliseconds[1] <= record.milliseconds[2]
        assert record.first_step_seconds > record.milliseconds_least / 1e3
        assert record.ratio_to_keras is not None
        assert record.memory_peak_bytes is None
        assert record.gigaflops == pytest.approx(operations("simple_rnn", shape) / record.milliseconds[1] / 1e6)
    (record,) = measure_kernels(names, ["keras"], rounds=1, **arguments)
    assert record.memory_before_bytes is not None
    assert record.memory_peak_bytes is not None
    assert 50e6 < record.memory_before_bytes < record.memory_peak_bytes < 4e9


def test_operations_are_those_of_the_products() -> None:
    shape = Shape(batch=1, time=1, features=7, units=5)
    first, second = 7 * 5, 5 * 5  # input weights of the two layers of a simple RNN; each has 5 x 5 recurrent ones
    dense = 5 * 32 + 32 * 10
    assert operations("simple_rnn", shape) == 2 * (2 * first + 3 * 25 + 3 * second + 3 * 25 + 3 * dense)
    recurrent = operations("lstm", shape) - 6 * dense
    assert recurrent == 4 * (operations("simple_rnn", shape) - 6 * dense)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"shape": Shape(batch=0)}, "'batch' is 0"),
        ({"rounds": 0}, "'rounds' is 0"),
        ({"names": ["gur"]}, "Did you mean 'gru'"),
        ({"names": ["tests.cells.example:cell"], "kernels": ["keras"]}, "has a kernel of keras"),
    ],
)
def test_what_cannot_be_measured_is_named(arguments: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        measure_kernels(**arguments)
