"""A sweep: one task and its factors. Every combination of factor values is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    create_model,
    model_validator,
)

from harness.spec.factors import SETTINGS, Factor, Lane, Match
from harness.spec.tuning import Search, Tune, Tuning
from harness.spec.types import (
    STRICT,
    AnyNumber,
    BackendNames,
    CellName,
    CellNames,
    Count,
    Different,
    Length,
    OneOrMore,
    Positive,
    Seeds,
    TaskName,
)
from harness.tasks import Options, tasks
from harness.tasks.common.target import target_of

_OF_SEARCH = Search.model_fields.keys() - Tune.model_fields.keys()


def _one_form(value: object) -> object:
    """Raises ValueError if a table has keys of a grid and of a random search."""
    if isinstance(value, dict) and "tune" in value and (others := sorted(_OF_SEARCH & value.keys())):
        raise ValueError(
            "'tune' lists the rates to try, and 'search', 'low', 'high' and 'trials' draw them: give one or the "
            f"other; found 'tune' and {', '.join(map(repr, others))}"
        )
    return value


def _kind_of_rates(value: object) -> str:
    if isinstance(value, Search) or (isinstance(value, dict) and _OF_SEARCH & value.keys()):
        return "=Search"
    return "=Tune" if isinstance(value, dict | Tuning) else "=given"


Rates = Annotated[
    Annotated[OneOrMore[Positive], Tag("=given")] | Annotated[Tune, Tag("=Tune")] | Annotated[Search, Tag("=Search")],
    Discriminator(_kind_of_rates),
    BeforeValidator(_one_form),
]
"""One rate, a list of them, or a table of rates to tune: a grid `{ tune = [...] }`, or a random search."""


class _WhatIsTrained(BaseModel):
    """The task, the sizes, and the length of training: keys that the plan reads by name."""

    model_config = STRICT

    task: TaskName
    """The task: a name (`harness list tasks` lists them), or module:attribute."""
    options: dict[str, Any] = {}
    """Options of the task; paths are relative to the experiment file."""
    cells: CellNames | None = None
    """Cells of this sweep; default: `cells` of the experiment."""
    backend: BackendNames | None = None
    """Backends of this sweep; default: `backend` of the experiment."""
    lane: Lane | None = None
    """Lane of this sweep; default: `lane` of the experiment."""
    seeds: Seeds | None = None
    """Seeds of this sweep; default: `seeds` of the experiment."""
    train_size: OneOrMore[Count]
    """Size of the training data in the task's unit, such as characters or sequences."""
    sequence_length: OneOrMore[Length]
    """Number of time steps."""
    units: OneOrMore[Count] = (32,)
    """Units of each recurrent layer."""
    layers: OneOrMore[Count] = (1,)
    """Number of recurrent layers."""
    dense_units: AnyNumber[Count] = ()
    """Units of the dense layers between the recurrent layers and the output layer."""
    match: Different[Match] = ("units",)
    """What is equal between the compared cells: their units, or their number of recurrent parameters."""
    reference: CellName | None = None
    """With match = "parameters": the cell that has `units` units; default: lstm if compared, else the first cell."""
    learning_rate: Rates = (3e-3,)
    """A rate, a list of rates, or a table to tune the rate of each cell. { tune = [...], seeds = 2, at = "middle" }
    tries the rates of a grid; { search = "log-uniform", low = 1e-4, high = 1e-2, trials = 10, seeds = 1 } draws them.
    """
    batch_size: OneOrMore[Count] = (32,)
    """Examples per update; reduced to the size of the training set if that is smaller."""
    updates: OneOrMore[Count] | None = None
    """Length of training in updates; give this or `epochs`."""
    epochs: OneOrMore[Count] | None = None
    """Length of training in epochs; give this or `updates`."""
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
    _WithSettings = _WhatIsTrained  # code reads settings by the names in the table of factors, never as attributes
else:
    _WithSettings = create_model(
        "_WithSettings", __base__=_WhatIsTrained, **{factor.name: _key(factor) for factor in SETTINGS}
    )


class Sweep(_WithSettings):
    """A task with factors. Every combination of factor values is a condition, which runs with every cell and seed."""

    evaluate_lengths: AnyNumber[Length] = ()
    """Further sequence lengths at which the trained network is tested."""
    gradient_reach: bool = False
    """Measure the gradient reach before and after training: the gradient of the last loss for each earlier input."""
    until_target: bool = False
    """Measure time to target in the speed lane: train until the validation split reaches the task's target."""

    @model_validator(mode="after")
    def _one_length_of_training(self) -> Sweep:
        if (self.updates is None) == (self.epochs is None):
            raise ValueError("give exactly one of 'updates' and 'epochs'")
        return self

    @model_validator(mode="after")
    def _lengths_can_be_evaluated(self) -> Sweep:
        if self.evaluate_lengths and tasks[self.task].make_test is None:
            raise ValueError(f"task {self.task!r} cannot be tested at other lengths; leave 'evaluate_lengths' out")
        return self

    @model_validator(mode="after")
    def _labels_are_not_seen(self) -> Sweep:
        if tasks[self.task].predicts_inputs and any(getattr(self, "bidirectional", ())):
            raise ValueError(
                f"task {self.task!r} predicts later inputs, which a bidirectional layer sees; leave 'bidirectional' out"
            )
        return self

    @model_validator(mode="after")
    def _target_can_be_timed(self) -> Sweep:
        if self.until_target and target_of(tasks[self.task]) is None:
            raise ValueError(f"task {self.task!r} has no target; leave 'until_target' out")
        if self.until_target and self.lane == "accuracy":
            raise ValueError("'until_target' always runs in the speed lane; leave 'lane' out")
        if self.stop_at_target and target_of(tasks[self.task]) is None:
            raise ValueError(f"task {self.task!r} has no target; leave 'stop_at_target' out")
        return self

    _validated: tuple[dict[str, Any], Options] | None = PrivateAttr(default=None)
    """`options`, and the validated options made from them."""

    def task_options(self) -> Options:
        """The options of the task, validated at the first call. Raises ValidationError."""
        if self._validated is None or self._validated[0] is not self.options:
            self._validated = self.options, tasks[self.task].options.model_validate(self.options)
        return self._validated[1]

    def with_options(self, options: Options) -> Self:
        """A copy of the sweep with these task options, which are taken as validated."""
        sweep = self.model_copy(update={"options": options.model_dump(mode="json")})
        sweep._validated = sweep.options, options
        return sweep
