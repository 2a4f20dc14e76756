"""A trial as data: everything that decides its result, and what it may take."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from pydantic import BaseModel, model_validator
from pydantic_core import to_jsonable_python

from harness.spec.factors import FACTORS, TrialFactors
from harness.spec.renamed import with_new_names
from harness.spec.types import STRICT, Positive
from harness.tasks import Options, tasks


class TrialSpec(TrialFactors):
    """Everything that decides a trial's result: one cell, backend, task, size, length, learning rate and seed."""

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

    def task_options(self) -> Options:
        """The task's own settings. They are validated once in a process. Raises ValidationError."""
        return options_of(self.task, options_text(self.options))

    def program(self) -> str:
        """What the compiled training step and prediction depend on; trials with the same one can share compiled code.

        Everything counts but what is a value of a variable, a count, or a way to choose or to report.
        """
        return self.model_dump_json(exclude=_NOT_COMPILED)


def options_text(options: Any) -> str:
    """A task's own settings as JSON text, by which `options_of` knows them."""
    return json.dumps(options, sort_keys=True, default=str)


@cache
def options_of(task: str, options: str) -> Options:
    """What the JSON text says of a task's own settings. Raises ValidationError."""
    return tasks[task].options.model_validate_json(options)


SPEC_DEFAULTS: dict[str, Any] = {
    factor.name: to_jsonable_python(factor.default) for factor in FACTORS.values() if factor.default is not ...
}
"""By field, as JSON values: what a stored spec says that was written before there was the field."""
_NOT_COMPILED = {factor.name for factor in FACTORS.values() if not factor.program}
"""The fields of a trial's spec that its program does not depend on. The options' effects are in `data`."""
VARIES_WITHIN_A_BLOCK = {factor.name for factor in FACTORS.values() if factor.within_block}


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
