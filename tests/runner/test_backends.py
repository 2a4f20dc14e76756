"""`harness backends` with real processes and pretended work."""

from __future__ import annotations

import multiprocessing.forkserver
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.locks import try_lock
from harness.runner import backends
from harness.runner.backends import Shape, measure_backends, operations
from harness.runner.local import turns
from harness.runner.local.engine import LocalEngine
from harness.tasks.synthetic.recall import task as recall
from harness.verdicts.rounds import FEWEST_ROUNDS
from tests.factories import spec
from tests.runner.place import Place, finish, wait_until
from tests.runner.pretend import PRELOAD, READY

TINY = Shape(batch=2, time=3, features=4, units=1)
"""A pretended update takes one millisecond per unit."""


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the machine's lock; processes only pretend."""
    monkeypatch.setattr("harness.runner.lanes.LOCK_FILE", tmp_path / "lanes.lock")
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.002)
    monkeypatch.setattr(backends, "LocalEngine", partial(LocalEngine, preload=PRELOAD))
    multiprocessing.forkserver._forkserver._stop()  # the server of other tests has imported the real trainer
    yield tmp_path / "lanes.lock"
    multiprocessing.forkserver._forkserver._stop()


@pytest.mark.parametrize("work", ["update", "batch", "step"])
def test_cells_and_backends_are_timed_in_turn_with_first_step_and_memory(lock: Path, work: backends.Work) -> None:
    records = measure_backends(["gru", "simple_rnn"], ["fused", "keras"], work=work, shape=TINY, dropout=0)
    order = [(name, backend) for name in ("gru", "simple_rnn") for backend in ("fused", "keras")]
    assert [(record.cell, record.backend) for record in records] == order
    for record in records:
        assert (record.status, record.work) == ("ok", work)
        assert len(record.rounds) == FEWEST_ROUNDS
        assert record.first_step_seconds is not None
        assert (record.memory_before_bytes, record.memory_peak_bytes) == (100 * 2**20, 150 * 2**20)
        assert record.milliseconds == pytest.approx((1, 1, 1))
        assert record.ratio_to_keras == pytest.approx((1, 1, 1))
        assert record.gigaflops == pytest.approx(operations(record.cell, TINY, work) / 1e6)


def test_ratios_are_computed_within_rounds_and_their_intervals_decide_the_number_of_rounds(lock: Path) -> None:
    records = measure_backends(["lstm"], ["fused", "keras"], shape=TINY, most_rounds=20)
    fused, keras = (np.array(record.rounds) for record in records)
    assert len(fused) == len(keras) == 20, "times of an LSTM are pretended to vary: the interval stays wide"
    ratios = np.sort(fused / keras)
    assert records[0].ratio_to_keras == pytest.approx((ratios[5], np.median(ratios), ratios[14]))
    assert records[1].ratio_to_keras == (1, 1, 1)
    (alone,) = measure_backends(["lstm"], ["fused"], shape=TINY, most_rounds=3)
    assert len(alone.rounds) == 3
    assert alone.ratio_to_keras is None


def test_a_failed_trial_is_recorded_and_the_others_continue(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = backends._spec

    def failing(name: str, backend: str, *arguments: object) -> object:
        if backend != "keras" or name != "gru":
            return real(name, backend, *arguments)  # type: ignore[arg-type]
        options = recall.options().model_dump(mode="json")
        return spec(task="tests.runner.trouble:raising", options=options, lane="speed", cell=name, backend=backend)

    monkeypatch.setattr(backends, "_spec", failing)
    records = measure_backends(["gru", "simple_rnn"], ["fused", "keras"], shape=TINY)
    assert [record.status for record in records] == ["ok", "crashed", "ok", "ok"]
    assert records[1].failure == "ZeroDivisionError: on purpose (in data)"
    assert records[1].milliseconds is records[1].gigaflops is records[1].ratio_to_keras is None
    assert records[0].ratio_to_keras is None, "there is nothing to compare with"
    assert len(records[0].rounds) == FEWEST_ROUNDS
    assert records[2].ratio_to_keras is not None


def test_it_waits_for_another_run_on_the_machine_and_reports_it_once(lock: Path) -> None:
    held = os.open(lock, os.O_RDWR | os.O_CREAT)
    assert try_lock(held, lock, shared=True)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        os.close(held)

    (record,) = measure_backends(["gru"], ["keras"], shape=TINY, most_rounds=1, say=say)
    assert record.status == "ok"
    assert said == ["Waiting for another run on this machine, because timings need the machine alone."]


def test_operations_are_those_of_the_matrix_products() -> None:
    shape = Shape(batch=1, time=1, features=7, units=5)
    first, second = 7 * 5, 5 * 5  # input weights of the two layers of a simple RNN; each has 5 x 5 recurrent ones
    dense = 5 * 32 + 32 * 10
    assert operations("simple_rnn", shape) == 2 * (2 * first + 3 * 25 + 3 * second + 3 * 25 + 3 * dense)
    recurrent = operations("lstm", shape) - 6 * dense
    assert recurrent == 4 * (operations("simple_rnn", shape) - 6 * dense)
    step = 2 * (first + 25 + second + 25 + dense)
    wide = Shape(batch=3, time=4, features=7, units=5)
    assert operations("simple_rnn", wide, "step") == step
    assert operations("simple_rnn", wide, "batch") == 12 * step


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"shape": Shape(batch=0)}, "'batch' is 0"),
        ({"most_rounds": 0}, "'most_rounds' is 0"),
        ({"names": ["gur"]}, "Did you mean 'gru'"),
        ({"work": "stpe"}, "Did you mean 'step'"),
        ({"names": ["tests.cells.example:cell"], "backends": ["keras"]}, "has any of the backends keras"),
    ],
)
def test_invalid_arguments_are_errors(arguments: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        measure_backends(**arguments)


def test_the_command_shows_both_predictions(place: Place) -> None:
    process = place.command(
        "backends", "--predict", "--cell", "gru", "--backend", "keras", "--shape", "2,3,4,1", "--rounds", "2"
    )
    output = finish(process)
    assert process.returncode == 0, output
    output = " ".join(output.split())  # a title is as wide as its table
    assert "Prediction of a batch: batch 2, 3 steps, 4 features, 2 x 1 units; 2 rounds in turn" in output
    assert "Prediction of one time step at batch size 1: 4 features, 2 x 1 units; 2 rounds in turn" in output


def test_ctrl_c_ends_all_processes_silently(place: Place) -> None:
    process = place.command("backends", "--shape", "2,3,4,80")
    wait_until(lambda: len(place.processes()) >= 6, process)  # itself, two of the server, those of trials
    process.send_signal(signal.SIGINT)
    output = finish(process)
    assert (process.returncode, output) == (130, f"{READY}\n")
