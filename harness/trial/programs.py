"""Compiled programs, shared by the trials of one process.

Tracing and compiling a training step takes longer than training a small network. The compiled program depends on the
architecture, the shapes and a few constants, but not on seed, data, learning rate, initial weights and number of
updates. If an earlier trial of the process has compiled the program, a trial builds its model, copies the model's
variables into the compiled model, and trains that one. The results are identical, bit for bit.
"""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from harness.trial.reach import GradientReach, make_gradient_reach
from harness.trial.update import StatefulPredict, StatefulUpdates, make_stateful_predict, make_stateful_updates


@dataclass(frozen=True)
class Program:
    """A model with its training step, prediction and gradient reach, each compiled when it is first called."""

    model: Any
    update: StatefulUpdates
    predict: StatefulPredict
    gradient_reach: GradientReach
    reused: bool = False
    """Whether an earlier trial of this process compiled the program."""


class Programs:
    """The last program of this process. Earlier ones are dropped, because a process normally runs only one program."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._program: Program | None = None

    @property
    def is_new(self) -> bool:
        """Whether no trial of this process has compiled yet, so that its memory contains nothing of earlier trials."""
        return self._program is None

    def of(self, key: Hashable, model: Any, *, every_step: bool) -> Program:
        """A program that trains and predicts as `model` does.

        key: everything that the compiled functions depend on; model: compiled by Keras, with an unused optimizer;
        every_step: whether each time step has a label, rather than each sequence.
        """
        if self._program is not None and key == self._key:
            _copy_values(model, self._program.model)
            return self._program
        program = Program(
            model,
            make_stateful_updates(model),
            make_stateful_predict(model),
            make_gradient_reach(model, every_step=every_step),
        )
        self._key, self._program = key, replace(program, reused=True)
        return program


def variables_of_one_name() -> AbstractContextManager[Any]:
    """A context in which TensorFlow gives all variables the same name; Keras's names do not change.

    TensorFlow keeps an op kernel of 35 KiB for each name that a variable has had. Keras numbers all variables of a
    process, so without this context each model would leave at least a third of a mebibyte behind.
    """
    scope: AbstractContextManager[Any] = tf.variable_creator_scope(
        lambda next_creator, **options: next_creator(**{**options, "name": "variable/"})
    )
    return scope


def _copy_values(source: Any, target: Any) -> None:
    """Copy weights, states of random generators and optimizer variables from one model to another."""
    source.optimizer.build(source.trainable_variables)
    for old, new in zip(target.variables, source.variables, strict=True):
        old.assign(new)
    for old, new in zip(target.optimizer.variables, source.optimizer.variables, strict=True):
        old.assign(new)
