"""How fast the kernels execute the cells: the document's network, trained in interleaved rounds.

In one process every cell and kernel is compiled once; then each round gives each of them its turn, so that what the
machine does beside slows all of them alike, and ratios can be trusted where seconds cannot. Peak memory, of which a
process has only one, is measured in a process of its own for each.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from harness.cells import cells
from harness.errors import UserError
from harness.stopping import end_on_signals, stop_signals_blocked
from harness.trial.measure import Meter, resident_bytes
from harness.trial.settings import settle


@dataclass(frozen=True)
class Shape:
    """What the network is trained on: two recurrent layers of `units`, one dense layer of 32, ten classes a frame."""

    batch: int = 32
    time: int = 256
    features: int = 256
    units: int = 32

    LAYERS = 2
    HIDDEN = 32
    CLASSES = 10


@dataclass(frozen=True)
class KernelRecord:
    """What was measured of one cell and kernel.

    first_step_seconds:  the first update: tracing, compiling and running it
    milliseconds:        per update: the quartiles of the rounds, the median in the middle, and the least
    ratio_to_keras:      the median over the rounds of this kernel's time over that of kernel keras, in the same round;
                         None where keras was not measured
    gigaflops:           operations of the matrix products a second, at the median, in 1e9
    memory_peak_bytes:   the process's peak while it trained, and
    memory_before_bytes: what it held before the first update; None where memory was not measured
    """

    cell: str
    kernel: str
    shape: Shape
    dropout: float
    rounds: int
    updates_a_round: int
    first_step_seconds: float
    milliseconds_least: float
    milliseconds: tuple[float, float, float]
    ratio_to_keras: float | None
    gigaflops: float
    memory_peak_bytes: int | None = None
    memory_before_bytes: int | None = None


_ROUND_BYTES = 2 * 2**20
"""Inputs of the updates of a round."""


def measure_kernels(
    names: Sequence[str] = ("simple_rnn", "gru", "lstm"),
    kernels: Sequence[str] = ("document", "keras", "fused"),
    *,
    shape: Shape | None = None,
    dropout: float = 0.5,
    rounds: int = 10,
    updates_a_round: int | None = None,
    memory: bool = True,
) -> list[KernelRecord]:
    """Train every cell with every kernel it has, in interleaved rounds; a record each, in the order asked for.

    `dropout` is the rate of every dropout of the network. The document's kernel takes 8 s and more to trace at 256
    steps. Updates share a call of kernel `fused`, as they do in trials: `updates_a_round`, or as many as take about
    two megabytes of inputs, from 2 to 16. Raises UserError for sizes that are not positive and names not known.
    """
    shape = shape or Shape()
    for argument in ("batch", "time", "features", "units"):
        if getattr(shape, argument) < 1:
            raise UserError(f"kernels: {argument!r} is {getattr(shape, argument)}, expected at least 1")
    if updates_a_round is None:
        updates_a_round = max(2, min(16, _ROUND_BYTES // (4 * shape.batch * shape.time * shape.features)))
    for argument, value in (("rounds", rounds), ("updates_a_round", updates_a_round)):
        if value < 1:
            raise UserError(f"kernels: {argument!r} is {value}, expected at least 1")
    pairs = [(name, kernel) for name in names for kernel in kernels if kernel in cells[name].kernels]
    if not pairs:
        raise UserError(f"kernels: none of the cells {', '.join(names)} has a kernel of {', '.join(kernels)}")
    x, y = _data(shape, updates_a_round)

    trained: dict[tuple[str, str], Any] = {}
    first: dict[tuple[str, str], float] = {}
    seconds: dict[tuple[str, str], list[float]] = {}
    for pair in pairs:
        trained[pair] = _updates(*pair, shape, dropout)
        start = time.perf_counter()
        trained[pair](x[:1], y[:1])
        first[pair] = time.perf_counter() - start
        trained[pair](x, y)
        seconds[pair] = []
    for _ in range(rounds):
        for pair, updates in trained.items():
            start = time.perf_counter()
            updates(x, y)
            seconds[pair].append((time.perf_counter() - start) / updates_a_round)

    records = []
    for name, kernel in pairs:
        own, keras = seconds[name, kernel], seconds.get((name, "keras"))
        quartiles = [1e3 * float(value) for value in np.percentile(own, [25, 50, 75])]
        records.append(
            KernelRecord(
                cell=name,
                kernel=kernel,
                shape=shape,
                dropout=dropout,
                rounds=rounds,
                updates_a_round=updates_a_round,
                first_step_seconds=first[name, kernel],
                milliseconds_least=1e3 * min(own),
                milliseconds=(quartiles[0], quartiles[1], quartiles[2]),
                ratio_to_keras=statistics.median(a / b for a, b in zip(own, keras, strict=True)) if keras else None,
                gigaflops=operations(name, shape) / quartiles[1] / 1e6,
            )
        )
    return [_with_memory(record) for record in records] if memory else records


def operations(name: str, shape: Shape) -> int:
    """Operations of the matrix products of one update: two for each weight, frame and product.

    Each weight takes part in three products, forward, its gradient and its input's gradient; but the gradient of the
    network's own input is not needed.
    """
    cell, units = cells[name], shape.units
    features = [shape.features, *[units + cell.extra_features] * (shape.LAYERS - 1)]
    weights = sum(cell.products(width, units) for width in features)
    weights += units * shape.HIDDEN + shape.HIDDEN * shape.CLASSES
    return 2 * shape.batch * shape.time * (3 * weights - cell.input_products(shape.features, units))


def _data(shape: Shape, updates: int) -> list[Any]:
    """x and y of so many updates, as tensors."""
    from harness.trial.update import to_tensors

    random = np.random.default_rng(0)
    x = random.standard_normal((updates, shape.batch, shape.time, shape.features), dtype=np.float32)
    y = (random.random((updates, shape.batch, shape.time, shape.CLASSES)) > 0.9).astype(np.float32)
    return to_tensors(x, y)


def _updates(name: str, kernel: str, shape: Shape, dropout: float) -> Any:
    from harness.model import get_model
    from harness.trial.update import make_updates

    return make_updates(
        get_model(
            name,
            kernel=kernel,
            rnn_units=[shape.units] * shape.LAYERS,
            fc_units=(shape.HIDDEN,),
            classes=shape.CLASSES,
            input_shape=(shape.time, shape.features),
            dropout=dropout,
            recurrent_dropout=dropout,
            seed=0,
        )
    )


def _with_memory(record: KernelRecord) -> KernelRecord:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_train_once, args=(theirs, record))
    with stop_signals_blocked():  # Ctrl-C reaches all processes of a terminal, and this one would print a traceback
        process.start()
    theirs.close()
    try:
        before, peak = ours.recv()
    except EOFError:  # the process died, for example out of memory
        return record
    except BaseException:
        process.kill()
        raise
    finally:
        process.join()
    return replace(record, memory_before_bytes=before, memory_peak_bytes=peak)


def _train_once(answer: Connection, record: KernelRecord) -> None:
    """In a process of its own: three updates, and the memory they took."""
    end_on_signals()
    settle()
    x, y = _data(record.shape, 3)
    updates = _updates(record.cell, record.kernel, record.shape, record.dropout)
    before, meter = resident_bytes(), Meter()
    with meter.phase("train"):
        updates(x, y)
    answer.send((before, meter.phases["train"].memory_peak_bytes))
    answer.close()
