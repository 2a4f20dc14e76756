"""A sweep: one task, and factors of which every combination of values is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, Discriminator, Field, PrivateAttr, Tag, create_model, model_validator

from harness.spec.factors import SETTINGS, Factor, Lane, Match
from harness.spec.tuning import Tune
from harness.spec.types import (
    STRICT,
    AnyNumber,
    BackendNames,
    CellName,
    CellNames,
    Count,
    Distinct,
    Length,
    OneOrMore,
    Positive,
    Seeds,
    TaskName,
)
from harness.tasks import Options, tasks
from harness.tasks.common.target import target_of


def _kind_of_rates(value: object) -> str:
    return "=tuned" if isinstance(value, dict | Tune) else "=given"


Rates = Annotated[
    Annotated[OneOrMore[Positive], Tag("=given")] | Annotated[Tune, Tag("=tuned")], Discriminator(_kind_of_rates)
]
"""One rate, a list of them, or a table `{ tune = [...], seeds = 2 }`."""


class _WhatIsTrained(BaseModel):
    """The task, the sizes, and the length of training: keys that the plan reads by name."""

    model_config = STRICT

    task: TaskName
    """What is learnt: `harness list tasks` names them; or module:attribute."""
    options: dict[str, Any] = {}
    """The task's own settings; paths are relative to the file."""
    cells: CellNames | None = None
    """This sweep's own, in place of those at the top."""
    backend: BackendNames | None = None
    """This sweep's own, in place of those at the top."""
    lane: Lane | None = None
    """This sweep's own, in place of the one at the top."""
    seeds: Seeds | None = None
    """This sweep's own, in place of those at the top."""
    train_size: OneOrMore[Count]
    """How much training data: characters, sequences, ... as the task counts."""
    sequence_length: OneOrMore[Length]
    """Time steps."""
    units: OneOrMore[Count] = (32,)
    """Units of each recurrent layer."""
    layers: OneOrMore[Count] = (1,)
    """Recurrent layers."""
    dense_units: AnyNumber[Count] = ()
    """Units of the dense layers between the recurrent ones and the output."""
    match: Annotated[OneOrMore[Match], Distinct()] = ("units",)
    """By what cells are made comparable: equal units, or equal recurrent parameters."""
    reference: CellName | None = None
    """The cell whose `units` the others match by parameters; default: the LSTM where it is there, else the first."""
    learning_rate: Rates = (3e-3,)
    """A rate, a list of them, or { tune = [...], seeds = 2, at = "middle" }: chosen for each cell."""
    batch_size: OneOrMore[Count] = (32,)
    """At most the training set."""
    updates: OneOrMore[Count] | None = None
    """How long to train; or `epochs`."""
    epochs: OneOrMore[Count] | None = None
    """How long to train; or `updates`."""
    evaluate_every: Count | None = None
    """Updates between two evaluations on the validation split; default: a tenth of the updates."""
    patience: Count | None = None
    """Early stopping: evaluations without a better validation loss before training stops; default: none."""
    stop_at_target: bool = False
    """End training at the first evaluation that reaches the task's target on the validation split."""


def _key(factor: Factor) -> Any:
    """The type and the default of a setting's key."""
    one_or_more: Any = OneOrMore
    value = one_or_more[factor.setting] if factor.several else factor.setting
    default = factor.default
    if default is None:
        value |= None
    elif factor.several:
        default = (default,)
    return value, Field(default, description=factor.about)


if TYPE_CHECKING:
    _WithSettings = _WhatIsTrained  # settings are read by the names in the table alone
else:
    _WithSettings = create_model(
        "_WithSettings", __base__=_WhatIsTrained, **{factor.name: _key(factor) for factor in SETTINGS}
    )


class Sweep(_WithSettings):
    """A task with factors; every combination of their values is a condition, run with every cell and seed."""

    evaluate_lengths: AnyNumber[Length] = ()
    """Further sequence lengths at which the trained network is tested."""
    gradient_reach: bool = False
    """Measure, before and after training, how much of the last loss each earlier input still feels."""
    until_target: bool = False
    """Measure time to target directly: in the speed lane, train until the validation split is at the task's target."""

    @model_validator(mode="after")
    def _one_length_of_training(self) -> Sweep:
        if (self.updates is None) == (self.epochs is None):
            raise ValueError("give either 'updates' or 'epochs', not both")
        return self

    @model_validator(mode="after")
    def _lengths_can_be_evaluated(self) -> Sweep:
        if self.evaluate_lengths and tasks[self.task].make_test is None:
            raise ValueError(f"task {self.task!r} has no other lengths, so 'evaluate_lengths' must be left out")
        return self

    @model_validator(mode="after")
    def _target_can_be_timed(self) -> Sweep:
        if self.until_target and target_of(tasks[self.task]) is None:
            raise ValueError(f"task {self.task!r} declares no target, so 'until_target' must be left out")
        if self.until_target and self.lane == "accuracy":
            raise ValueError("'until_target' measures in the speed lane; leave 'lane' out")
        if self.stop_at_target and target_of(tasks[self.task]) is None:
            raise ValueError(f"task {self.task!r} declares no target, so 'stop_at_target' must be left out")
        return self

    _validated: tuple[dict[str, Any], Options] | None = PrivateAttr(default=None)
    """`options`, and what they were found to be."""

    def task_options(self) -> Options:
        """The task's own settings. They are validated once. Raises ValidationError."""
        if self._validated is None or self._validated[0] is not self.options:
            self._validated = self.options, tasks[self.task].options.model_validate(self.options)
        return self._validated[1]

    def with_options(self, options: Options) -> Self:
        """The sweep with these settings of its task, which count as validated."""
        sweep = self.model_copy(update={"options": options.model_dump(mode="json")})
        sweep._validated = sweep.options, options
        return sweep
