"""How fast the backends execute the cells: the article's network on random data, timed in turns.

Each cell and backend is a trial of the speed lane, in a process of its own, and all of them are one timing block.
Ratios are those within rounds, so they can be trusted where seconds cannot. First step and peak memory are the
process's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from harness.cells import cells
from harness.errors import UserError, check_name
from harness.runner.engine import Engine, Trial
from harness.runner.local.engine import LocalEngine
from harness.runner.precision import Precision
from harness.spec.trial import TrialSpec
from harness.stopping import stop_on_signals
from harness.store.record import Record
from harness.tasks.synthetic.noise import NAME as NOISE
from harness.verdicts.rounds import PRECISION, Turns, ratio, ratio_interval

Work = Literal["update", "batch", "step"]
"""What is timed: a training update, the prediction of a batch, or of one time step of one sequence, as in streaming."""
MOST_ROUNDS = 60
"""More than in a run, where there are several blocks."""
REFERENCE = "keras"
"""The backend that the others are compared with."""
_DATA_BYTES = 8 * 2**20
"""Inputs that updates draw their batches from, at least one batch."""
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Shape:
    """What the network is run on: two recurrent layers of `units`, one dense layer of 32, ten classes a time step."""

    batch: int = 32
    time: int = 256
    features: int = 256
    units: int = 32

    LAYERS = 2
    HIDDEN = 32
    CLASSES = 10


@dataclass(frozen=True)
class BackendRecord:
    """What was measured of one cell and backend.

    rounds:              seconds per update, batch or step of each round; () where the trial failed
    first_step_seconds:  the first update or prediction: tracing, compiling and running it
    ratio_to_keras:      the median over the rounds of this backend's time over that of backend keras in the same round,
                         and the ends of its 95 % interval (0 and infinity below 6 rounds); None where keras was not
                         measured
    memory_peak_bytes:   the peak of the process's resident memory while it worked, and
    memory_before_bytes: what it held before the first update or prediction
    group:               the part of the timing block, from 1, where memory did not hold all processes at once
    status, failure:     the status of the trial, and why it is not 'ok'
    """

    cell: str
    backend: str
    work: Work
    shape: Shape
    dropout: float
    rounds: tuple[float, ...] = ()
    first_step_seconds: float | None = None
    ratio_to_keras: tuple[float, float, float] | None = None
    memory_peak_bytes: int | None = None
    memory_before_bytes: int | None = None
    group: int | None = None
    status: str = "ok"
    failure: str = ""

    @property
    def milliseconds(self) -> tuple[float, float, float] | None:
        """The quartiles of the rounds, the median in the middle; None where nothing was measured."""
        if not self.rounds:
            return None
        low, median, high = 1e3 * np.percentile(self.rounds, [25, 50, 75])
        return float(low), float(median), float(high)

    @property
    def gigaflops(self) -> float | None:
        """Operations of the matrix products per second, at the median, in 1e9; None where nothing was measured."""
        if not self.rounds:
            return None
        return float(operations(self.cell, self.shape, self.work) / np.median(self.rounds) / 1e9)


def measure_backends(
    names: Sequence[str] = ("simple_rnn", "gru", "lstm"),
    backends: Sequence[str] = ("article", "keras", "fused"),
    *,
    work: Work = "update",
    shape: Shape | None = None,
    dropout: float = 0.5,
    most_rounds: int = MOST_ROUNDS,
    say: Callable[[str], None] = lambda line: None,
) -> list[BackendRecord]:
    """Time every cell by every backend it has, in turns; a record each, in the order asked for.

    work:        'update': training updates; 'batch': predictions of a batch of `shape`; 'step': predictions of one time
                 step at batch size 1, with the state carried from step to step
    dropout:     the rate of every dropout of the network, in training
    most_rounds: rounds are added until the ratios to backend keras are known to 2 %, up to this number
    say:         shows a line, where another run has the machine to itself

    A trial that fails leaves a record with its status, and the others go on. Waits for other runs on this machine.
    Raises UserError for sizes that are not positive and names not known, KeyboardInterrupt where it was stopped.
    """
    shape = shape or Shape()
    for argument in ("batch", "time", "features", "units"):
        if getattr(shape, argument) < 1:
            raise UserError(f"backends: {argument!r} is {getattr(shape, argument)}, expected at least 1")
    if most_rounds < 1:
        raise UserError(f"backends: 'most_rounds' is {most_rounds}, expected at least 1")
    check_name("work", work, get_args(Work))
    pairs = [(name, backend) for name in names for backend in backends if backend in cells[name].backends]
    if not pairs:
        raise UserError(f"backends: none of the cells {', '.join(names)} has a backend of {', '.join(backends)}")
    specs = {pair: _spec(*pair, work, shape, dropout) for pair in pairs}
    others = [backend for backend in dict.fromkeys(backends) if backend != REFERENCE] if REFERENCE in backends else []
    ratios = tuple((backend, REFERENCE, PRECISION) for backend in others)
    measured = _run(specs, LocalEngine(jobs=1, precision=Precision(ratios, most_rounds)), say)
    return [
        _record(name, backend, work, shape, dropout, record, measured.get((name, REFERENCE)))
        for (name, backend), record in measured.items()
    ]


def operations(name: str, shape: Shape, work: Work = "update") -> int:
    """Operations of the matrix products of one update, batch or step: two for each weight, time step and product.

    A prediction is one product per weight. In an update each weight takes part in three products, forward, its gradient
    and its input's gradient; but the gradient of the network's own input is not needed.
    """
    cell, units = cells[name], shape.units
    features = [shape.features, *[units] * (shape.LAYERS - 1)]
    weights = sum(cell.multiplications(width, units) for width in features)
    weights += units * shape.HIDDEN + shape.HIDDEN * shape.CLASSES
    if work == "step":
        return 2 * weights
    if work == "batch":
        return 2 * shape.batch * shape.time * weights
    return 2 * shape.batch * shape.time * (3 * weights - cell.input_multiplications(shape.features, units))


def _spec(name: str, backend: str, work: Work, shape: Shape, dropout: float) -> TrialSpec:
    batch, time = (1, 1) if work == "step" else (shape.batch, shape.time)
    updates = max(1, _DATA_BYTES // (4 * batch * time * shape.features)) if work == "update" else 1
    return TrialSpec(
        task=NOISE,
        options={"features": shape.features, "classes": shape.CLASSES, "carry_state": work == "step"},
        data={},
        code="",
        cell=name,
        backend=backend,
        lane="speed",
        units=shape.units,
        reference_units=shape.units,
        layers=shape.LAYERS,
        dense_units=(shape.HIDDEN,),
        train_size=updates * batch,
        sequence_length=time,
        learning_rate=1e-3,
        batch_size=batch,
        updates=1,
        evaluate_every=1,
        dropout=dropout,
        recurrent_dropout=dropout,
        clip_norm=None,
        purpose="comparison" if work == "update" else "prediction",
        seed=0,
    )


Pair = tuple[str, str]
"""A cell and a backend."""


def _run(specs: dict[Pair, TrialSpec], engine: Engine, say: Callable[[str], None]) -> dict[Pair, Record]:
    """The records of a timing block, in the order of the specs. Raises KeyboardInterrupt where it was stopped."""
    trials = {spec.id(): pair for pair, spec in specs.items()}
    records: dict[Pair, Record] = {}
    with stop_on_signals() as stopped:
        try:
            waits = False
            while not stopped() and not engine.has_room("speed"):
                if not waits:
                    say(f"Waiting for {engine.waits_for}.")
                waits = True
                engine.wait(_POLL_SECONDS)
            if not stopped():
                engine.submit([Trial(spec.id(), spec) for spec in specs.values()])
            while not stopped() and engine.running():
                records |= {trials[record.trial_id]: record for record in engine.wait(_POLL_SECONDS)}
        finally:
            engine.close()
        if stopped():
            raise KeyboardInterrupt
    return {pair: records[pair] for pair in specs}


def _record(
    name: str, backend: str, work: Work, shape: Shape, dropout: float, record: Record, keras: Record | None
) -> BackendRecord:
    if record.status != "ok":
        assert record.failure is not None
        failure = f"{record.failure.message} (in {record.failure.phase})"
        return BackendRecord(name, backend, work, shape, dropout, status=record.status, failure=failure)
    first = record.phases.get("first_step")
    return BackendRecord(
        name,
        backend,
        work,
        shape,
        dropout,
        rounds=tuple(record.rounds),
        first_step_seconds=first.wall_seconds if first else None,
        ratio_to_keras=_ratio(record, keras) if keras else None,
        group=record.timing_group,
        memory_peak_bytes=record.memory.peak_bytes if record.memory else None,
        memory_before_bytes=record.memory.baseline_bytes if record.memory else None,
    )


def _ratio(record: Record, keras: Record) -> tuple[float, float, float] | None:
    """The low end, the median and the high end of the ratios within rounds; None where there are none."""
    turns, turns_of_keras = (Turns(one.rounds, one.timing_group, one.reference_rounds) for one in (record, keras))
    median = ratio(turns, turns_of_keras)
    if math.isnan(median):
        return None
    low, high = ratio_interval(turns, turns_of_keras)
    return low, median, high
