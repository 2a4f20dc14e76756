"""Compiled programs, shared by the trials of one process.

Tracing and compiling a training step takes longer than training a small network. What is compiled depends on the
architecture, the shapes and a few constants; seed, data, learning rate, initial weights and the number of updates are
values of variables. A trial whose program has been compiled in its process before builds its model, copies the model's
variables into the compiled one, and trains that. The results are the same, bit for bit.
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
    """Whether an earlier trial of this process has compiled it."""


class Programs:
    """The last program of this process. Earlier ones are given up: a process is meant to run trials of one program."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._program: Program | None = None

    @property
    def is_new(self) -> bool:
        """Whether nothing was compiled here yet, so that the memory of this process is its first trial's."""
        return self._program is None

    def of(self, key: Hashable, model: Any, *, every_step: bool) -> Program:
        """A program that trains and predicts as `model` would.

        key: everything that the compiled functions depend on; model: compiled by Keras, its optimizer not yet used;
        every_step: whether each time step has a label, or the whole sequence.
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
    """A context in which TensorFlow gives all variables one name; Keras has names of its own.

    TensorFlow keeps a backend of 35 KiB for each name that a variable ever had, and Keras numbers the variables of a
    process, so that each model would leave a third of a mebibyte or more.
    """
    scope: AbstractContextManager[Any] = tf.variable_creator_scope(
        lambda next_creator, **options: next_creator(**{**options, "name": "variable/"})
    )
    return scope


def _copy_values(source: Any, target: Any) -> None:
    """Copy weights, states of random generators and the optimizer's variables from one model to another."""
    source.optimizer.build(source.trainable_variables)
    for old, new in zip(target.variables, source.variables, strict=True):
        old.assign(new)
    for old, new in zip(target.optimizer.variables, source.optimizer.variables, strict=True):
        old.assign(new)
