"""The first part of a trial: its data are made, and its network is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from harness.cells import cells
from harness.cells.network import get_model, recurrent_parameters
from harness.errors import UserError
from harness.plan.rates import for_tuning
from harness.spec.trial import TrialSpec
from harness.store.record import DataFacts, Measured
from harness.tasks import Dataset, Options, tasks
from harness.tasks.common.checks import check_dataset
from harness.tasks.common.target import Target, is_reached, label_count, level_of, target_of, too_few_labels
from harness.tasks.common.task import Scores, Task
from harness.trial.gate_bias import set_gate_bias
from harness.trial.measure import Meter, resident_bytes
from harness.trial.programs import Program, Programs, variables_of_one_name

Report = Callable[[Measured], None]
"""Receives all measurements so far after each new one, so that they are kept if the trial dies."""


@dataclass(frozen=True)
class Prepared:
    """A trial whose training can begin."""

    spec: TrialSpec
    task: Task
    options: Options
    dataset: Dataset
    targets: tuple[Target, ...]
    """The targets whose time is measured. If the task declares a target, it is the first."""
    program: Program
    baseline_bytes: int | None
    """Resident bytes before the first update; None if they include memory of earlier trials of the process."""
    measured: Measured

    def is_reached(self, target: Target, scores: Scores) -> bool:
        """Whether these scores on the validation split are at the target."""
        return is_reached(self.task, target, scores, self.dataset.validation_baselines)


def prepare(spec: TrialSpec, meter: Meter, report: Report, programs: Programs) -> Prepared:
    """Make the trial's data and build its network. Raises UserError if the task cannot make its data."""
    memory_is_its_own = programs.is_new
    task = tasks[spec.task]
    with meter.phase("data"):
        options = spec.task_options()
        dataset = task.make(spec.train_size, spec.sequence_length, spec.seed, options)
        check_dataset(task, dataset)
        if spec.purpose == "tuning":
            dataset = for_tuning(dataset)
        facts = task.facts(spec.train_size, spec.sequence_length, options)
    measured = Measured(
        data_fingerprint=dataset.fingerprint,
        data_facts=_data_facts(dataset, asdict(facts)),
        baselines=plain(dataset.baselines),
        validation_baselines=plain(dataset.validation_baselines),
        validation_labels=label_count(task, dataset.validation),
    )
    report(measured)
    targets = _targets(spec, task, dataset)
    with meter.phase("build"), variables_of_one_name():
        program = _build(spec, task, dataset, programs, carry_state=task.carries(options))
    baseline_bytes = resident_bytes() if memory_is_its_own else None
    measured = replace(
        measured,
        program="reused" if program.reused else "compiled",
        parameters=int(program.model.count_params()),
        recurrent_parameters=int(recurrent_parameters(program.model)),
    )
    report(measured)
    return Prepared(spec, task, options, dataset, targets, program, baseline_bytes, measured)


def plain(value: Any) -> Any:
    """Mappings and NumPy scalars converted to dicts and floats."""
    if hasattr(value, "items"):
        return {key: plain(inner) for key, inner in value.items()}
    return float(value)


def _targets(spec: TrialSpec, task: Task, dataset: Dataset) -> tuple[Target, ...]:
    """The target that the task declares and those named by claims; none for tuning, which uses other validation data.

    Raises UserError if training ends at the task's target, but the validation data cannot show when it is reached.
    """
    if spec.purpose == "tuning":
        return ()
    declared = target_of(task)
    if declared is not None and (spec.purpose == "check" or spec.stop_at_target):
        metric, of = declared
        level = level_of(declared, dataset.validation_baselines)
        if level is None:
            raise UserError(
                f"task {task.name!r}: 'validation_baselines' has no {metric} of {of!r}, which its target needs"
            )
        if why := too_few_labels(task, metric, level, label_count(task, dataset.validation)):
            raise UserError(why)
    named: list[Target] = [("loss", level) for level in spec.targets]
    return tuple(dict.fromkeys([declared, *named] if declared is not None else named))


def _data_facts(dataset: Dataset, facts: Mapping[str, Any]) -> DataFacts:
    """Facts for the record; `facts` are those that the task states about its data."""
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return DataFacts.model_validate(
        {
            **facts,
            "examples": {name: len(split.x) for name, split in splits.items()},
            "classes": dataset.classes,
            "symbols": dataset.symbols,
            "padded": {
                name: float(np.mean(split.weight == 0)) for name, split in splits.items() if split.weight is not None
            },
        }
    )


def _build(spec: TrialSpec, task: Task, dataset: Dataset, programs: Programs, *, carry_state: bool) -> Program:
    # The length is left open if the network is tested at other lengths.
    input_shape = (None, *dataset.input_shape[1:]) if spec.evaluate_lengths else dataset.input_shape
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
        bidirectional=spec.bidirectional,
        carry_state=carry_state,
        seed=spec.seed,
    )
    if spec.forget_bias is not None:
        set_gate_bias(model, cells[spec.cell], spec.forget_bias, spec.sequence_length, spec.seed)
    key = (spec.program(), input_shape, dataset.classes, dataset.symbols)
    return programs.of(key, model, every_step=task.every_step)
