"""One training run, from data to test scores: what a trial does, in the order in which it is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

from harness.cells import cells
from harness.cells.gradient import States
from harness.cells.network import get_model, recurrent_parameters
from harness.errors import UserError
from harness.plan.rates import for_tuning
from harness.spec.trial import TrialSpec
from harness.store.record import CurvePoint, NearTarget, PhaseName
from harness.tasks import DataFacts, Dataset, Split, tasks
from harness.tasks.common.checks import check_dataset
from harness.tasks.common.target import Target, is_reached, label_count, level_of, target_of, too_few_labels
from harness.tasks.common.task import Array, Scores, Task
from harness.trial.batches import Shuffled, Streams
from harness.trial.evaluation import Evaluation
from harness.trial.gate_bias import set_gate_bias
from harness.trial.measure import Meter, resident_bytes
from harness.trial.near_target import NearTargets
from harness.trial.predictions import Predictions
from harness.trial.programs import Program, Programs, variables_of_one_name
from harness.trial.schedule import rates
from harness.trial.settings import set_keras, settle
from harness.trial.surroundings import Reading, read_surroundings
from harness.trial.update import to_tensors, zero_states

Report = Callable[..., None]
"""Called with fields of the record as soon as they are known, so that a trial that dies leaves what it had measured."""

ROUNDS = 7
"""Timed rounds of a speed trial that takes turns with no other."""
_CALL_BYTES = 8 * 2**20
"""Inputs handed to one call of the compiled step: several small updates share a call, a large one has its own."""


_PROGRAMS = Programs()
"""What trials of this process that may reuse programs have compiled."""


class Diverged(Exception):
    """The loss is no longer a finite number."""


@cache
def use_threads(threads: int) -> str:
    """Settle TensorFlow and Keras, with this number of threads; before the first operation of the process.

    Returns the kind of device that trains, 'CPU'.
    """
    device = settle()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return device


NextTurn = Callable[[float], int]
"""next_turn(seconds per repetition in the last turn) -> number of repetitions in the next one; 0 where there is none.
A repetition is an update, or a prediction of a batch in a trial that times prediction."""


def train(
    spec: TrialSpec, meter: Meter, report: Report, *, reuse: bool = False, next_turn: NextTurn | None = None
) -> None:
    """Train and evaluate one network; `report` receives the record's fields.

    reuse: use the program that an earlier trial of this process has compiled, where it is the same.
    next_turn: of a trial of the speed lane; None: it takes turns with no other.

    In the accuracy lane the weights with the lowest validation loss are tested, and the test split is touched once; the
    training split is scored only where the spec asks for it, on as many examples as the test split has. In the speed
    lane rounds of updates, or of predictions, are timed, after a warm-up, and nothing is evaluated; a check trains
    until the validation split is at the task's target, and is not tested. A tuning trial validates on data of its own
    and leaves the test split alone.
    Raises Diverged where a loss stops being finite, UserError where the task cannot make its data.
    """
    task = tasks[spec.task]
    programs = _PROGRAMS if reuse else Programs()
    if reuse:
        set_keras()  # an earlier trial of the process may have changed it
    memory_is_its_own = programs.is_new
    with meter.phase("data"):
        options = task.options.model_validate(spec.options)
        dataset = task.make(spec.train_size, spec.sequence_length, spec.seed, options)
        check_dataset(task, dataset)
        if spec.purpose == "tuning":
            dataset = for_tuning(dataset)
        facts = task.facts(spec.train_size, spec.sequence_length, options)
    report(
        phases=meter.phases,
        data_fingerprint=dataset.fingerprint,
        data_facts=_data_facts(dataset, facts),
        baselines=_plain(dataset.baselines),
        validation_baselines=_plain(dataset.validation_baselines),
        validation_labels=label_count(task, dataset.validation),
    )
    targets = _targets(spec, task, dataset)
    with meter.phase("build"), variables_of_one_name():
        program = _build(spec, task, dataset, programs, carry_state=task.carries(options))
        model = program.model
    baseline_bytes = resident_bytes() if memory_is_its_own else None
    report(
        phases=meter.phases,
        program="reused" if program.reused else "compiled",
        parameters=int(model.count_params()),
        recurrent_parameters=int(recurrent_parameters(model)),
    )

    evaluation = Evaluation(program.predict, task, dataset, zero_states(model, 1))
    progress = _Progress(spec, meter, report, baseline_bytes, program.reused)
    stretch = _Stretch(spec, dataset.train, program.update, zero_states(model, spec.batch_size), progress)
    if spec.lane == "speed" and spec.purpose != "check":
        repeat = stretch.repeat
        if spec.purpose == "prediction":
            zeros = zero_states(model, spec.batch_size)
            repeat = Predictions(program.predict, dataset.train.x[: spec.batch_size], zeros, meter).repeat
        _take_turns(spec, repeat, progress, next_turn or _alone(spec))
        return
    before = read_surroundings()
    reach = {}
    if spec.gradient_reach:
        with meter.phase("evaluate"):
            reach["untrained"] = program.gradient_reach(dataset.test)
    near = NearTargets(task, targets, dataset.validation_baselines, model)
    best_scores: Scores | None = None
    best_weights, since_best = None, 0
    for point in _train_until_evaluations(spec, stretch, progress, near):
        with meter.phase("evaluate"):
            scores = evaluation.scores(dataset.validation)
            progress.near_target += near.found(scores, lambda: evaluation.scores(dataset.validation))
        validation_loss = scores["loss"]
        progress.add_point(point, scores)
        if not math.isfinite(validation_loss):
            raise Diverged(f"the validation loss is {validation_loss} after {point} updates")
        since_best += 1
        if best_scores is None or validation_loss < best_scores["loss"]:
            best_scores, best_weights, since_best = scores, model.get_weights(), 0
        if spec.patience is not None and since_best >= spec.patience:
            break
        ends_there = spec.stop_at_target or spec.purpose == "check"
        if ends_there and is_reached(task, targets[0], scores, dataset.validation_baselines):
            break
    if spec.purpose == "check":
        _report_rounds(progress, before)
        return
    assert best_scores is not None  # there is an evaluation after the last update
    with meter.phase("evaluate"):
        model.set_weights(best_weights)
        splits, example = {"validation": best_scores}, None
        validation = None
        if task.calibrate is not None or task.show is not None:  # else all is known since the best evaluation
            validation = evaluation.outputs(dataset.validation.x)
            evaluation.calibrate(validation)
            splits["validation"] = evaluation.scores(dataset.validation, validation)
        if spec.train_scores:
            splits["train"] = evaluation.scores(dataset.train.part(0, len(dataset.test.x)))
        if spec.purpose == "comparison":
            test = evaluation.outputs(dataset.test.x)
            splits["test"] = evaluation.scores(dataset.test, test)
            if task.show is not None and validation is not None:
                example = asdict(task.show((dataset.validation, validation), (dataset.test, test), options))
        test_at = {}
        for length in spec.evaluate_lengths:
            assert task.make_test is not None  # the experiment has been checked
            test_at[length] = _plain(evaluation.scores(task.make_test(length, spec.seed, options)))
        if spec.gradient_reach:
            reach["trained"] = program.gradient_reach(dataset.test)
    report(
        phases=meter.phases,
        test_at=test_at,
        gradient_reach=reach,
        example=example,
        **{split: _plain(values) for split, values in splits.items()},
    )


def _targets(spec: TrialSpec, task: Task, dataset: Dataset) -> list[Target]:
    """The task's own target and those that claims name; none for a tuning trial, whose validation data are others.

    Raises UserError where training ends at the task's own target, and nothing can tell when it is reached.
    """
    own = target_of(task)
    if spec.purpose == "check" or spec.stop_at_target:
        assert own is not None  # the experiment has been checked
        level = level_of(own, dataset.validation_baselines)
        if level is None:
            raise UserError(f"the task {task.name!r} gives no {own[0]} of the baseline {own[1]!r} on validation data")
        if why := too_few_labels(task, own[0], level, label_count(task, dataset.validation)):
            raise UserError(why)
    if spec.purpose == "check":
        assert own is not None
        return [own]
    if spec.purpose == "tuning":
        return []
    return list(dict.fromkeys([*([own] if own else []), *(("loss", level) for level in spec.targets)]))


def _data_facts(dataset: Dataset, facts: DataFacts) -> dict[str, Any]:
    """The fields of the record's `DataFacts`."""
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {
        **asdict(facts),
        "examples": {name: len(split.x) for name, split in splits.items()},
        "classes": dataset.classes,
        "symbols": dataset.symbols,
        "padded": {
            name: float(np.mean(split.weight == 0)) for name, split in splits.items() if split.weight is not None
        },
    }


def _build(spec: TrialSpec, task: Task, dataset: Dataset, programs: Programs, *, carry_state: bool) -> Program:
    input_shape = _input_shape(spec, dataset)
    model = get_model(
        spec.cell,
        backend=spec.backend,
        rnn_units=(spec.units,) * spec.layers,
        fc_units=spec.dense_units,
        dropout=spec.dropout,
        recurrent_dropout=spec.recurrent_dropout,
        input_shape=input_shape,
        classes=dataset.classes,
        symbols=dataset.symbols,
        output=task.output,
        every_step=task.every_step,
        learning_rate=spec.learning_rate,
        clip_norm=spec.clip_norm,
        optimizer=spec.optimizer,
        weight_decay=spec.weight_decay,
        reset_after=spec.reset_after,
        recurrent_initializer=spec.initialiser,
        carry_state=carry_state,
        seed=spec.seed,
    )
    if spec.forget_bias is not None:
        set_gate_bias(model, cells[spec.cell], spec.forget_bias, spec.sequence_length, spec.seed)
    key = (spec.program(), input_shape, dataset.classes, dataset.symbols)
    return programs.of(key, model, every_step=task.every_step)


def _input_shape(spec: TrialSpec, dataset: Dataset) -> tuple[int | None, ...]:
    """The data's; of any length where the network is to be tested at other lengths."""
    return (None, *dataset.input_shape[1:]) if spec.evaluate_lengths else dataset.input_shape


@dataclass
class _Progress:
    """The updates done so far, their losses and their times."""

    spec: TrialSpec
    meter: Meter
    report: Report
    baseline_bytes: int | None
    """Resident memory before the first update; None where it holds what earlier trials of the process left."""
    reuses_program: bool
    """Whether the first update compiles nothing, and so is like any other."""

    def __post_init__(self) -> None:
        self.updates = 0
        self.curve: list[CurvePoint] = []
        self.near_target: list[NearTarget] = []
        self.rounds: list[float] = []
        """Seconds per update of each stretch between evaluations, or of each timed round; the first step left out."""
        self._losses: list[float] = []

    def add_updates(self, losses: Array) -> None:
        self.updates += len(losses)
        self._losses += losses.tolist()
        if not np.isfinite(losses).all():
            first = self.updates - len(losses) + int(np.flatnonzero(~np.isfinite(losses))[0]) + 1
            self.report_measured()
            raise Diverged(f"the training loss is {losses[~np.isfinite(losses)][0]} at update {first}")

    def seconds(self) -> float:
        """Of training so far."""
        return sum(
            self.meter.phases[name].wall_seconds for name in ("first_step", "train") if name in self.meter.phases
        )

    def add_point(self, update: int, validation: Scores) -> None:
        point = CurvePoint(
            update=update,
            seconds=self.seconds(),
            train_loss=float(np.mean(self._losses)),
            validation_loss=validation["loss"],
            validation=_plain(validation),
        )
        self.curve.append(point)
        self._losses = []
        self.report_measured()

    def report_measured(self) -> None:
        """Tell what is known so far."""
        phases = self.meter.phases
        work: PhaseName = "evaluate" if self.spec.purpose == "prediction" else "train"
        peaks = [phases[name].memory_peak_bytes or 0 for name in ("first_step", work) if name in phases]
        self.report(
            phases=phases,
            updates=self.updates,
            seconds_per_update=float(np.median(self.rounds)) if self.rounds else None,
            memory=None
            if self.baseline_bytes is None
            else {
                "baseline_bytes": self.baseline_bytes,
                "peak_bytes": max(peaks, default=self.baseline_bytes),
                "method": self.meter.memory_method,
            },
            curve=[point.model_dump(mode="json") for point in self.curve],
            near_target=[point.model_dump(mode="json") for point in self.near_target],
        )


def _train_until_evaluations(
    spec: TrialSpec, stretch: _Stretch, progress: _Progress, near: NearTargets
) -> Iterator[int]:
    """Do the updates; yield their number whenever an evaluation is due, and after the last one."""
    while progress.updates < spec.updates:
        due = min(spec.updates, (progress.updates // spec.evaluate_every + 1) * spec.evaluate_every)
        total, counted = 0.0, 0
        for pause in (*near.pauses(progress.updates, due), due):
            seconds, count = stretch.train_until(pause)
            total, counted = total + seconds, counted + count
            if pause < due:
                near.keep(pause, progress.seconds())
        if counted:
            progress.rounds.append(total / counted)
        yield progress.updates


def _take_turns(spec: TrialSpec, repeat: Callable[[int], float], progress: _Progress, next_turn: NextTurn) -> None:
    """Do a first step and a warm-up, and then as many repetitions in each turn as asked for; report their times.

    repeat(count) -> seconds per repetition of `count` of them.
    """
    repeat(1)
    seconds = repeat(max(2, spec.updates // ROUNDS))
    before = read_surroundings()
    while count := next_turn(seconds):
        seconds = repeat(count)
        progress.rounds.append(seconds)
    progress.report_measured()
    _report_rounds(progress, before)


def _alone(spec: TrialSpec) -> NextTurn:
    """ROUNDS equal turns, one right after another, that make up the trial's updates."""
    turns = iter([max(1, spec.updates // ROUNDS)] * ROUNDS)
    return lambda seconds: next(turns, 0)


def _report_rounds(progress: _Progress, before: Reading) -> None:
    """Tell the times of a speed trial's rounds, and whether the machine was left alone meanwhile."""
    after = read_surroundings()
    progress.report(
        rounds=progress.rounds,
        surroundings={"before": before, "after": after},
    )


class _Stretch:
    """Trains on, in calls of several updates; the time of drawing batches and handing them over is nobody's.

    `zeros` are the states of a sequence's beginning. Where there are some the examples are read in streams, and each
    update goes on with the states that the one before left.
    """

    def __init__(self, spec: TrialSpec, split: Split, update: Any, zeros: States, progress: _Progress) -> None:
        self._spec, self._split, self._update, self._progress = spec, split, update, progress
        self._zeros = self._states = zeros
        count = len(split.x)
        self._order = Streams(count, spec.batch_size) if zeros else Shuffled(count, spec.batch_size, spec.seed)
        self._per_call = max(1, _CALL_BYTES // max(1, spec.batch_size * split.x[:1].nbytes))

    def repeat(self, count: int) -> float:
        """Do this number of further updates; seconds per update, the very first one left out."""
        seconds, timed = self.train_until(self._progress.updates + count)
        return seconds / max(1, timed)

    def train_until(self, due: int) -> tuple[float, int]:
        """Train until `due` updates are done; the seconds and the number of updates, the very first one left out."""
        progress, spec, total, timed = self._progress, self._spec, 0.0, 0
        while progress.updates < due:
            first = progress.updates == 0 and not progress.reuses_program
            chosen, begins = self._order.take(1 if first else min(self._per_call, due - progress.updates))
            if begins:
                self._states = self._zeros
            weight = None if self._split.weight is None else self._split.weight[chosen]
            scheduled = rates(spec.schedule, spec.learning_rate, spec.updates, progress.updates, len(chosen))
            batches = to_tensors(self._split.x[chosen], self._split.y[chosen], weight, scheduled)
            with progress.meter.phase("first_step" if first else "train"):
                before = progress.meter.clock()
                losses, self._states = self._update(self._states, *batches)
                seconds = progress.meter.clock() - before
            if not first:
                total, timed = total + seconds, timed + len(chosen)
            progress.add_updates(losses)
        return total, timed


def _plain(value: Any) -> Any:
    """Mappings and NumPy scalars as plain Python."""
    if hasattr(value, "items"):
        return {key: _plain(inner) for key, inner in value.items()}
    return float(value)
