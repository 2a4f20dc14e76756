"""Benchmark the backends of the cells: the article's network on random data, timed in turns.

Each cell and backend is a trial of the speed lane and has a separate process; together they form one timing block.
Ratios are computed within rounds, so a disturbance of the machine affects them less than it affects seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
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
"""More rounds than in `harness run`, which has several timing blocks."""
REFERENCE = "keras"
"""The backend that the others are compared with."""
_DATA_BYTES = 8 * 2**20
"""Size of the input data of training updates; larger where one batch is larger."""
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Shape:
    """Sizes of input and network: two recurrent layers of `units`, a dense layer of 32, 10 classes per time step."""

    batch: int = 32
    time: int = 256
    features: int = 256
    units: int = 32

    LAYERS = 2
    HIDDEN = 32
    CLASSES = 10


@dataclass(frozen=True)
class BackendRecord:
    """The measurements of one cell and backend.

    rounds:              seconds per update, batch or step of each round; () where the trial failed
    first_step_seconds:  seconds of the first update or prediction, with tracing and compilation
    ratio_to_keras:      (low, median, high): the median over rounds of this backend's time divided by the time of
                         backend keras in the same round, and its 95 % interval (0 and infinity below 6 rounds);
                         None if keras was not measured
    memory_peak_bytes:   peak resident memory of the process during the measurement
    memory_before_bytes: resident memory of the process before the first update or prediction
    group:               the group within the timing block, from 1, if memory could not hold all processes at once
    status, failure:     the status of the trial, and the reason if it is not 'ok'
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
        """The quartiles of the rounds, the median in the middle; None if nothing was measured."""
        if not self.rounds:
            return None
        low, median, high = 1e3 * np.percentile(self.rounds, [25, 50, 75])
        return float(low), float(median), float(high)

    @property
    def gigaflops(self) -> float | None:
        """Operations of the matrix products per second, at the median, in 1e9; None if nothing was measured."""
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
    """Time every cell with each of the backends that it has, in turns. Returns one record per pair, in the given order.

    work:        'update': training updates; 'batch': predictions of a batch of `shape`; 'step': predictions of one time
                 step at batch size 1, with the state carried from step to step
    dropout:     the rate of all dropouts of the network, in training
    most_rounds: maximum number of rounds; rounds are added until the ratios to backend keras are known to 2 %
    say:         called with a message if the function has to wait for another run on this machine

    A trial that fails has a record with its status; the other trials continue.
    Raises UserError for unknown names and for sizes that are not positive, and KeyboardInterrupt after Ctrl-C.
    """
    shape = shape or Shape()
    for argument, number in {**asdict(shape), "most_rounds": most_rounds}.items():
        if number < 1:
            raise UserError(f"backends: {argument!r} is {number}, expected at least 1")
    check_name("work", work, get_args(Work))
    pairs = [(name, backend) for name in names for backend in backends if backend in cells[name].backends]
    if not pairs:
        raise UserError(f"backends: none of the cells {', '.join(names)} has any of the backends {', '.join(backends)}")
    specs = {pair: _spec(*pair, work, shape, dropout) for pair in pairs}
    others = [backend for backend in dict.fromkeys(backends) if backend != REFERENCE] if REFERENCE in backends else []
    ratios = tuple((backend, REFERENCE, PRECISION) for backend in others)
    measured = _run(specs, LocalEngine(jobs=1, precision=Precision(ratios, most_rounds)), say)
    return [
        _record(name, backend, work, shape, dropout, record, measured.get((name, REFERENCE)))
        for (name, backend), record in measured.items()
    ]


def operations(name: str, shape: Shape, work: Work = "update") -> int:
    """Floating-point operations of the matrix products of one update, batch or step; multiply and add count as two.

    A prediction uses each weight once per time step. An update uses it three times: in the forward pass, for the
    gradient of the weight and for the gradient of its input. The gradient of the network's input is not computed.
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
    """Run the trials as one timing block; records in the order of the specs. Raises KeyboardInterrupt after Ctrl-C."""
    trials = {spec.id(): pair for pair, spec in specs.items()}
    records: dict[Pair, Record] = {}
    with stop_on_signals() as stopped:
        try:
            if not engine.has_room("speed"):
                say(f"Waiting for {engine.waits_for}.")
            while not stopped() and not engine.has_room("speed"):
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
    tried = name, backend, work, shape, dropout
    if record.status != "ok":
        assert record.failure is not None
        failure = f"{record.failure.message} (in {record.failure.phase})"
        return BackendRecord(*tried, status=record.status, failure=failure)
    first = record.phases.get("first_step")
    return BackendRecord(
        *tried,
        rounds=tuple(record.rounds),
        first_step_seconds=first.wall_seconds if first else None,
        ratio_to_keras=_ratio(record, keras) if keras else None,
        group=record.timing_group,
        memory_peak_bytes=record.memory.peak_bytes if record.memory else None,
        memory_before_bytes=record.memory.baseline_bytes if record.memory else None,
    )


def _ratio(record: Record, keras: Record) -> tuple[float, float, float] | None:
    """The median ratio within rounds with its 95 % interval, as (low, median, high); None without common rounds."""
    turns, turns_of_keras = (Turns(one.rounds, one.timing_group, one.reference_rounds) for one in (record, keras))
    median = ratio(turns, turns_of_keras)
    if math.isnan(median):
        return None
    low, high = ratio_interval(turns, turns_of_keras)
    return low, median, high
