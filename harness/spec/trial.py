"""The specification of a trial: everything that decides its result, and its limits."""

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
        """The trial's id: 16 hexadecimal digits of a SHA-256 hash of everything that can change the result.

        The hash is of the values that differ from their defaults, as JSON with sorted keys.
        """
        values = self.model_dump(mode="json", exclude={"options", "targets"}, exclude_defaults=True)
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def id_by_any_code(self) -> str:
        """An id that ignores the version of the code and of the data: equal for trials with equal settings."""
        return self.model_copy(update={"code": "", "data": {"options": json.dumps(self.options, sort_keys=True)}}).id()

    def task_options(self) -> Options:
        """The options of the task, validated once per process. Raises ValidationError."""
        return options_of(self.task, options_text(self.options))

    def program(self) -> str:
        """A key of the compiled training step and prediction: trials with equal keys can share compiled code.

        The key leaves out factors that only set values of variables or counts, or select or report results.
        """
        return self.model_dump_json(exclude=_NOT_COMPILED)


def options_text(options: Any) -> str:
    """The options of a task as JSON text: the key of the cache of `options_of`."""
    return json.dumps(options, sort_keys=True, default=str)


@cache
def options_of(task: str, options: str) -> Options:
    """The options of a task, from JSON text. Raises ValidationError."""
    return tasks[task].options.model_validate_json(options)


SPEC_DEFAULTS: dict[str, Any] = {
    factor.name: to_jsonable_python(factor.default) for factor in FACTORS.values() if factor.default is not ...
}
"""The defaults by field, as JSON values: they complete stored specs that are older than a field."""
_NOT_COMPILED = {factor.name for factor in FACTORS.values() if not factor.program}
"""The fields of a trial's spec that its program does not depend on. `data` reflects the effects of the options."""
VARIES_WITHIN_A_BLOCK = {factor.name for factor in FACTORS.values() if factor.within_block}


def block_of(spec: TrialSpec) -> tuple[object, ...]:
    """The key that the trials of a timing block share: condition and seed. Its cells and backends are compared."""
    return (*condition_of(spec), spec.seed)


def condition_of(spec: TrialSpec) -> tuple[object, ...]:
    """The key that the timing blocks of a condition share: everything except the seed."""
    fields = spec.model_dump(exclude=VARIES_WITHIN_A_BLOCK | {"seed"})
    return tuple(repr(fields[name]) for name in sorted(fields))


class TrialLimits(BaseModel):
    """`[limits]`: time and memory limits of a trial. A trial that exceeds them is stopped, which is an outcome."""

    model_config = STRICT

    seconds: Positive = 3600.0
    """Maximum wall time in seconds."""
    memory_gib: Positive | None = None
    """Maximum resident memory in GiB; default: 90 % of the machine, divided by the number of parallel trials."""
