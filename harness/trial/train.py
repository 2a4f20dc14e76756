"""One trial, from data to test scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import tensorflow as tf

from harness.spec.trial import TrialSpec
from harness.store.record import Measured, PhaseName
from harness.tasks.common.task import Scores
from harness.trial.evaluation import Evaluation
from harness.trial.measure import Meter
from harness.trial.near_target import NearTargets
from harness.trial.prepare import Prepared, Report, plain, prepare
from harness.trial.programs import Programs
from harness.trial.progress import Diverged, Progress
from harness.trial.settings import set_keras, settle
from harness.trial.stretch import Stretch
from harness.trial.update import to_tensors, zero_states

__all__ = ["Diverged", "train", "use_threads"]

ROUNDS = 7
"""Timed rounds of a speed trial that runs alone."""
_PROGRAMS = Programs()
"""The program compiled by trials of this process that may reuse programs."""


@cache
def use_threads(threads: int) -> str:
    """Apply all settings of TensorFlow and Keras and set the number of threads, before the first operation.

    Returns the kind of device used, 'CPU'.
    """
    device = settle()
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return device


NextTurn = Callable[[float], int]
"""next_turn(seconds per repetition in the last turn) -> number of repetitions in the next turn; 0 ends the trial.
A repetition is an update, or the prediction of one batch in a trial that times prediction."""


def train(
    spec: TrialSpec, meter: Meter, report: Report, *, reuse: bool = False, next_turn: NextTurn | None = None
) -> None:
    """Make the data, build the network and train it: to the end, to the task's target, or in timed rounds.

    report: receives all measurements so far after each new one.
    reuse: reuse a program that an earlier trial of this process compiled, if it is the same program.
    next_turn: for trials of the speed lane that alternate with others; None: the trial runs alone.

    Raises Diverged if a loss is not finite, UserError if the task cannot make its data.
    """
    if reuse:
        set_keras()  # an earlier trial of the process may have changed the settings
    trial = prepare(spec, meter, report, _PROGRAMS if reuse else Programs())
    progress = Progress(trial, meter, report)
    if spec.purpose == "check":
        _train_to_target(trial, progress)
    elif spec.lane == "speed":
        _time_rounds(trial, progress, next_turn or _alone(spec))
    else:
        _train_to_the_end(trial, progress)


def _train_to_the_end(trial: Prepared, progress: Progress) -> None:
    """Train until all updates are done or early stopping ends it; score the weights with the lowest validation loss.

    The test split is used once. Tuning trials do not use it.
    """
    evaluation = Evaluation(trial)
    untrained = _gradient_reach(trial, progress)
    best_weights = None
    best_scores: Scores = {}
    for scores, is_best in _train_until_evaluations(trial, progress, evaluation):
        if is_best:
            best_scores, best_weights = scores, trial.program.model.get_weights()
        if trial.spec.stop_at_target and trial.is_reached(trial.targets[0], scores):
            break
    with progress.meter.phase("evaluate"):
        trial.program.model.set_weights(best_weights)
        measured = _scored(trial, evaluation, replace(progress.measured, validation=plain(best_scores)))
    if trial.spec.gradient_reach:
        trained = _gradient_reach(trial, progress)
        measured = replace(measured, gradient_reach={"untrained": untrained, "trained": trained})
    progress.report(measured)


def _train_to_target(trial: Prepared, progress: Progress) -> None:
    """Train until an evaluation on the validation split reaches the task's target. The test split is not used.

    Training equals that of a trial that runs to the end, so both reach the target after the same update.
    """
    _gradient_reach(trial, progress)  # advances the dropout seeds of Keras's layers, as in a complete trial
    for scores, _ in _train_until_evaluations(trial, progress, Evaluation(trial)):
        if trial.is_reached(trial.targets[0], scores):
            break
    progress.report_rounds()


def _time_rounds(trial: Prepared, progress: Progress, next_turn: NextTurn) -> None:
    """Time updates or predictions: a first step, a warm-up, then in each turn the number that `next_turn` returns.

    There are no evaluations.
    """
    predicts = trial.spec.purpose == "prediction"
    repeat = _predictions(trial, progress.meter) if predicts else Stretch(trial, progress).repeat
    repeat(1)
    seconds = repeat(max(2, trial.spec.updates // ROUNDS))
    while count := next_turn(seconds):
        seconds = repeat(count)
        progress.add_round(seconds)
    progress.report_rounds()


def _predictions(trial: Prepared, meter: Meter) -> Callable[[int], float]:
    """A function that predicts one batch n times and returns the seconds per prediction. Its first call compiles.

    A model that carries its state continues from the final states of the previous prediction.
    """
    predict = trial.program.predict
    phase: PhaseName = "first_step"
    states = zero_states(trial.program.model, trial.spec.batch_size)
    (batch,) = to_tensors(trial.dataset.train.x[: trial.spec.batch_size])

    def repeat(count: int) -> float:
        nonlocal states, phase
        with meter.phase(phase):
            before = time.perf_counter()
            for _ in range(count):
                _, states = predict(states, batch)
            seconds = time.perf_counter() - before
        phase = "evaluate"
        return seconds / count

    return repeat


def _alone(spec: TrialSpec) -> NextTurn:
    """ROUNDS equal turns without waiting, which together do the trial's updates."""
    turns = iter([max(1, spec.updates // ROUNDS)] * ROUNDS)
    return lambda seconds: next(turns, 0)


def _train_until_evaluations(
    trial: Prepared, progress: Progress, evaluation: Evaluation
) -> Iterator[tuple[Scores, bool]]:
    """Do the updates; yield the scores of each evaluation, and whether its validation loss is the lowest so far.

    The last evaluation follows the last update. Early stopping can end the loop. Raises Diverged.
    """
    spec, validation = trial.spec, trial.dataset.validation
    stretch = Stretch(trial, progress)
    near = NearTargets(trial)
    lowest, since_lowest = math.inf, 0
    while progress.updates < spec.updates and since_lowest != spec.patience:
        _train_until_due(spec, stretch, progress, near)
        with progress.meter.phase("evaluate"):
            scores = evaluation.scores(validation)
            near_target = near.score_kept(scores, lambda: evaluation.scores(validation))
        progress.add_point(scores, near_target)
        loss = scores["loss"]
        if not math.isfinite(loss):
            raise Diverged(f"the validation loss is {loss} after {progress.updates} updates")
        is_best = loss < lowest
        lowest, since_lowest = (loss, 0) if is_best else (lowest, since_lowest + 1)
        yield scores, is_best


def _train_until_due(spec: TrialSpec, stretch: Stretch, progress: Progress, near: NearTargets) -> None:
    """Do the updates up to the next evaluation, with pauses that copy the weights."""
    due = min(spec.updates, (progress.updates // spec.evaluate_every + 1) * spec.evaluate_every)
    total, counted = 0.0, 0
    for pause in (*near.pauses(progress.updates, due), due):
        seconds, count = stretch.train_until(pause)
        total, counted = total + seconds, counted + count
        if pause < due:
            near.keep(pause, progress.seconds)
    if counted:
        progress.add_round(total / counted)


def _gradient_reach(trial: Prepared, progress: Progress) -> list[tuple[int, float]]:
    """Gradient reach of the network with its current weights; empty if the spec does not request it."""
    if not trial.spec.gradient_reach:
        return []
    with progress.meter.phase("evaluate"):
        return trial.program.gradient_reach(trial.dataset.test)


def _scored(trial: Prepared, evaluation: Evaluation, measured: Measured) -> Measured:
    """Add the scores of the network, with its current weights, on all splits that the spec requests."""
    spec, task, dataset, options = trial.spec, trial.task, trial.dataset, trial.options
    validation = None
    if task.calibrate is not None or task.show is not None:  # otherwise the best evaluation has computed these scores
        validation = evaluation.outputs(dataset.validation.x)
        evaluation.calibrate(validation)
        measured = replace(measured, validation=plain(evaluation.scores(dataset.validation, validation)))
    if spec.train_scores:
        split = dataset.train.part(0, len(dataset.test.x))
        measured = replace(measured, train=plain(evaluation.scores(split)))
    if spec.purpose == "comparison":
        test = evaluation.outputs(dataset.test.x)
        measured = replace(measured, test=plain(evaluation.scores(dataset.test, test)))
        if task.show is not None and validation is not None:
            example = task.show((dataset.validation, validation), (dataset.test, test), options)
            measured = replace(measured, example=example)
    test_at = {}
    for length in spec.evaluate_lengths:
        assert task.make_test is not None  # checked when the experiment was loaded
        test_at[length] = plain(evaluation.scores(task.make_test(length, spec.seed, options)))
    return replace(measured, test_at=test_at)
