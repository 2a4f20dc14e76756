"""A trial as data: everything that decides its result, and what it may take."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import to_jsonable_python

from harness.spec.factors import ForgetBias, Initialiser, Lane, Match, Optimizer, Purpose
from harness.spec.renamed import with_new_names
from harness.spec.types import STRICT, Positive


class TrialSpec(BaseModel):
    """Everything that decides a trial's result: one cell, backend, task, size, length, learning rate and seed.

    A value that equals its field's default is not part of the id. So a new factor has a default, under which all
    trials so far were run, and a default is never changed: it is the value behind the ids of all stored records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    options: dict[str, Any]
    """The task's options as given, paths made absolute."""
    data: dict[str, str]
    """What identifies the data behind the options: hashes, not paths."""
    code: str
    """Digest of the code that trains this trial."""
    cell: str
    backend: str
    lane: Lane = "accuracy"
    units: int
    layers: int = 1
    dense_units: tuple[int, ...] = ()
    matched: Match = "units"
    """Whether cells are compared at equal units or at equal recurrent parameters."""
    reference_units: int
    """The units asked for; a cell matched by parameters has others."""
    train_size: int
    sequence_length: int
    learning_rate: float
    batch_size: int
    updates: int
    """The most updates to do."""
    evaluate_every: int
    """Updates between two evaluations on the validation split."""
    patience: int | None = None
    """Evaluations without a better validation loss after which training stops; None: never."""
    stop_at_target: bool = False
    """Whether training also ends at the first evaluation that finds validation data at the task's own target."""
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    clip_norm: float | None = 1.0
    optimizer: Optimizer = "adam"
    reset_after: bool = True
    forget_bias: ForgetBias | None = None
    initialiser: Initialiser = "orthogonal"
    evaluate_lengths: tuple[int, ...] = ()
    gradient_reach: bool = False
    train_scores: bool = False
    """Whether the training split is scored at the end: for claims on `train_loss`."""
    purpose: Purpose = "comparison"
    seed: int
    targets: tuple[float | str, ...] = ()
    """Validation losses, or baselines whose loss is to be reached, that claims on time to target name beside the task's
    own target. They decide when evaluations come closer together, and no result: no part of the id."""

    @model_validator(mode="before")
    @classmethod
    def _with_new_names(cls, fields: Any) -> Any:
        return with_new_names(fields) if isinstance(fields, dict) else fields

    def id(self) -> str:
        """16 hexadecimal digits: the SHA-256 of all that can change the result, and of nothing else.

        It is that of the values that are not their field's default, as JSON with sorted keys.
        """
        values = self.model_dump(mode="json", exclude={"options", "targets"}, exclude_defaults=True)
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def id_by_any_code(self) -> str:
        """The same for trials that ask for the same, by whichever code and version of their data they are trained."""
        return self.model_copy(update={"code": "", "data": {"options": json.dumps(self.options, sort_keys=True)}}).id()

    def program(self) -> str:
        """What the compiled training step and prediction depend on; trials with the same one can share compiled code.

        Everything counts but what is a value of a variable, a count, or a way to choose or to report.
        """
        return self.model_dump_json(exclude=_NOT_COMPILED)


SPEC_DEFAULTS: dict[str, Any] = {
    name: to_jsonable_python(field.default) for name, field in TrialSpec.model_fields.items() if not field.is_required()
}
"""By field, as JSON values: what a stored spec says that was written before there was the field."""


_NOT_COMPILED = {
    "options", "matched", "reference_units", "train_size", "learning_rate", "updates", "evaluate_every", "patience",
    "stop_at_target", "forget_bias", "initialiser", "gradient_reach", "train_scores", "purpose", "targets", "seed",
}  # fmt: skip
"""The fields of a trial's spec that its program does not depend on. The options' effects are in `data`."""


VARIES_WITHIN_A_BLOCK = {"cell", "backend", "units", "learning_rate", "code"}


def block_of(spec: TrialSpec) -> tuple[object, ...]:
    """What the trials of a block share: the seed and the condition; its cells and backends are to be compared."""
    return (*condition_of(spec), spec.seed)


def condition_of(spec: TrialSpec) -> tuple[object, ...]:
    """What the blocks of a condition share: all but the seed."""
    fields = spec.model_dump(exclude=VARIES_WITHIN_A_BLOCK | {"seed"})
    return tuple(repr(fields[name]) for name in sorted(fields))


class TrialLimits(BaseModel):
    """`[limits]`: what one trial may take before it is stopped; a trial that was stopped is an outcome."""

    model_config = STRICT

    seconds: Positive = 3600.0
    """Wall time."""
    memory_gib: Positive | None = None
    """Resident memory; default: nine tenths of the machine's, shared out among the trials that run side by side."""
