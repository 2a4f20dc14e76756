"""The claims that an experiment file may declare in `[[claim]]`. `harness.verdicts` judges them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    create_model,
    field_serializer,
    model_validator,
)

from harness.cells.facts import facts
from harness.errors import check_name
from harness.spec import factors
from harness.spec.explain import in_words
from harness.spec.factors import SETTINGS, Lane, Match
from harness.spec.measures import check_measure
from harness.spec.published import Published, check_cells
from harness.spec.types import STRICT, BackendNames, CellName, Different, TaskName, among
from harness.tasks import tasks


def _bias_as_recorded(value: str | float) -> str:
    return value if isinstance(value, str) else str(float(value))


def _margin(value: object) -> float | str:
    number = value
    if isinstance(value, str):
        try:
            number = float(value.removesuffix("%")) if value.endswith("%") else None
        except ValueError:
            number = None
    if not isinstance(number, int | float) or isinstance(number, bool) or not 0 < number < math.inf:
        raise ValueError(f"expected a positive number, or a share such as '5%'; found {value!r}")
    return value if isinstance(value, str) else float(number)


def _as_given(value: object, check: ValidatorFunctionWrapHandler) -> object:
    checked = check(value)
    return value if isinstance(value, int) else checked


Number = Annotated[float, Field(allow_inf_nan=False), WrapValidator(_as_given)]
"""A number that keeps its type: an integer is not converted to a float."""
Numbers = Annotated[
    Annotated[Different[Number], Tag("=values")] | Annotated[Literal["smallest", "largest"], Tag("=word")],
    Discriminator(lambda value: "=word" if isinstance(value, str) else "=values"),
]
Truths = Different[bool]
OptionValue = bool | int | Annotated[float, Field(allow_inf_nan=False)] | str
_PERCENT = {"type": "string", "pattern": r"^(?=.*[1-9])[0-9]*\.?[0-9]+%$"}
Margin = Annotated[
    float | str,
    PlainValidator(_margin),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _PERCENT]}),
]
"""The smallest difference that matters in practice: absolute, in the metric's unit, or relative, such as '5%'."""
MarginOfRatio = Annotated[Margin, WithJsonSchema(_PERCENT)]
MarginOfShares = Annotated[Margin, WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})]
Sentence = Annotated[str, Field(min_length=1)]
Factor = Literal["train_size", "sequence_length", "units", "layers", "batch_size", "learning_rate", "dropout"]
OPTION = "options."
"""How the name of a task's option begins where a factor is named, such as options.complexity."""


def _along(name: str) -> None:
    if not name.startswith(OPTION) or name == OPTION:
        check_name("factor", name, (*get_args(Factor), f"{OPTION}NAME"))


Along = Annotated[
    str,
    AfterValidator(in_words(_along)),
    WithJsonSchema(
        {"anyOf": [{"enum": list(get_args(Factor))}, {"pattern": "^" + re.escape(OPTION) + "."}], "type": "string"}
    ),
]
"""A factor with numbers as values, or an option of the task that has numbers: options.complexity."""


class _AboutTrials(BaseModel):
    """The keys of `where` that are not training settings."""

    model_config = STRICT

    task: Different[TaskName] | None = None
    options: dict[str, Different[OptionValue]] | None = None
    """Values of the task's options, such as `{ language = "parity" }`."""
    backend: BackendNames | None = None
    lane: Different[Annotated[str, among("lane", get_args(Lane))]] | None = None
    matched: Different[Annotated[str, among("match", get_args(Match))]] | None = None
    train_size: Numbers | None = None
    sequence_length: Numbers | None = None
    units: Numbers | None = None
    layers: Numbers | None = None
    batch_size: Numbers | None = None
    learning_rate: Numbers | None = None
    updates: Numbers | None = None
    patience: Numbers | None = None
    stop_at_target: Truths | None = None


def _of_setting(factor: factors.Factor) -> Any:
    """The type of a setting's key, which depends on the kind of its column."""
    if factor.kind != "text":
        return Truths if factor.kind == "truth" else Numbers
    return Different[Annotated[str, among(factor.name, get_args(factor.type))]]


_ITS_OWN = "forget_bias"
"""A setting whose key has a special type, declared in `Where`."""
if TYPE_CHECKING:
    _WithSettings = _AboutTrials  # code reads settings by the names in the table of factors, never as attributes
else:
    _WithSettings = create_model(
        "_WithSettings",
        __base__=_AboutTrials,
        **{factor.name: (_of_setting(factor) | None, None) for factor in SETTINGS if factor.name != _ITS_OWN},
    )


class Where(_WithSettings):
    """The trials that a claim is about. Each key is a value or a list of values; a missing key does not restrict.

    `smallest` and `largest` mean the smallest and the largest value among the records that match the other keys. They
    are determined separately for each task and data set.
    """

    forget_bias: Different[Annotated[float | Literal["chrono", ""], AfterValidator(_bias_as_recorded)]] | None = None
    """The value as in a sweep; '' stands for the default of each cell."""

    @property
    def asked(self) -> dict[str, Any]:
        """The keys that restrict, with their values; those of `options` as `options.<name>`."""
        asked = {name: wanted for name, wanted in self if wanted is not None and name != "options"}
        return asked | {f"{OPTION}{name}": wanted for name, wanted in (self.options or {}).items()}

    @field_serializer("forget_bias", when_used="unless-none")
    def _bias_as_given(self, values: tuple[str | float, ...]) -> list[str | float]:
        return [value if value in ("chrono", "") else float(value) for value in values]


class _Claim(BaseModel):
    model_config = STRICT

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """A short name, unique in the file."""
    claim: Sentence
    """The claim as a sentence, for the report."""
    source: str = ""
    """The original wording, quoted from the text that makes the claim."""


class Exact(_Claim):
    """A fact of the code, by its name in `harness.cells.facts.facts`."""

    kind: Literal["exact"]
    fact: Annotated[str, among("fact", facts)]
    """Name of the fact."""


class NotTestable(_Claim):
    """A claim that no finite experiment can decide; `reason` says why."""

    kind: Literal["not-testable"]
    reason: Sentence
    """Why no experiment can decide the claim."""


class _Comparison(_Claim):
    """The claim that `better` is better than `than`, by more than `margin`, in the trials that `where` selects."""

    better: CellName
    """The cell that is claimed to be better."""
    than: CellName
    """The cell it is compared with."""
    where: Where = Where()
    """The trials that the claim is about; default: all."""
    margin: Margin
    """The smallest difference that matters in practice: in the metric's unit, or relative, such as '5%'."""
    published: Published | None = None
    """What a publication states for the two cells, to be shown beside what is measured."""

    @model_validator(mode="after")
    def _two_cells(self) -> _Comparison:
        if self.better == self.than:
            raise ValueError(f"'better' and 'than' are the same cell, {self.better!r}")
        check_cells(self.published, (self.better, self.than))
        return self


class Paired(_Comparison):
    """A metric, compared in pairs of equal seed: as a difference if the margin is absolute, as a ratio if relative."""

    kind: Literal["paired"]
    on: str
    """A column of the records, such as test_loss."""

    @model_validator(mode="after")
    def _measured(self) -> Paired:
        return _checked_measure(self, self.on)


class _Solving(_Comparison):
    model_config = ConfigDict(json_schema_extra={"dependencies": {"on": ["threshold"], "threshold": ["on"]}})

    on: str | None = None
    """A column of the records; default: the metric by which the task counts as solved."""
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """A seed has solved the task if `on` is this value or better."""

    @model_validator(mode="after")
    def _has_threshold(self) -> Self:
        if (self.on is None) != (self.threshold is None):
            raise ValueError("give both 'on' and 'threshold', or neither to use the task's threshold")
        if self.on is not None:
            return _checked_measure(self, self.on)
        for name in self.where.task or ():
            if tasks[name].solved is None:
                raise ValueError(
                    f"the task {name!r} has no threshold from which it is solved; give 'on' and 'threshold'"
                )
        return self


class Proportion(_Solving):
    """The share of seeds that solve the task, by the task's threshold or by `on` and `threshold`."""

    kind: Literal["proportion"]
    margin: MarginOfShares
    """The smallest difference of shares that matters in practice."""

    @model_validator(mode="after")
    def _consistent(self) -> Proportion:
        if isinstance(self.margin, str) or self.margin >= 1:
            raise ValueError(f"the margin of a proportion is a share below 1, such as 0.2; found {self.margin!r}")
        return self


class Horizon(_Solving):
    """The largest value of `along` at which a seed solves the task, compared as a ratio in pairs of equal seed."""

    kind: Literal["horizon"]
    margin: MarginOfRatio
    """The smallest ratio that matters in practice, such as '25%'."""
    along: Along = "sequence_length"
    """The factor whose largest solved value is compared."""
    fewest_levels: ClassVar[int] = 2

    @model_validator(mode="after")
    def _consistent(self) -> Horizon:
        _relative(self.margin, self.kind)
        _left_to_vary(self.where, self.along, self.fewest_levels)
        return self


class DataToTarget(_Solving):
    """The smallest `train_size` at which a seed solves the task, compared as a ratio in pairs of equal seed.

    It is infinite if the seed solves the task at no size.
    """

    kind: Literal["data-to-target"]
    margin: MarginOfRatio
    """The smallest ratio that matters in practice, such as '25%'."""
    along: ClassVar[Factor] = "train_size"
    fewest_levels: ClassVar[int] = 2

    @model_validator(mode="after")
    def _consistent(self) -> DataToTarget:
        _relative(self.margin, self.kind)
        _left_to_vary(self.where, self.along, self.fewest_levels, f"a {self.kind} claim compares values of")
        return self


class Trend(_Comparison):
    """The advantage of `better` shrinks or grows as `along` grows.

    The margin applies to the change between the smallest and the largest value of `along`.
    """

    kind: Literal["trend"]
    on: str
    """A column of the records, such as test_loss."""
    along: Along
    """The factor that grows."""
    advantage: Literal["shrinks", "grows"]
    """How the advantage of `better` is claimed to change as the factor grows."""
    fewest_levels: ClassVar[int] = 3

    @model_validator(mode="after")
    def _consistent(self) -> Trend:
        if self.published is not None:
            raise ValueError(
                "a trend compares changes of a difference, for which a cell has no figure; leave out 'published'"
            )
        _left_to_vary(self.where, self.along, self.fewest_levels)
        return _checked_measure(self, self.on)


class Crossing(_Comparison):
    """`better` is better at the smallest value of `along`, and `than` is better at the largest.

    The margin applies to the smaller of these two advantages.
    """

    kind: Literal["crossing"]
    on: str
    """A column of the records, such as test_accuracy."""
    along: Along
    """The factor along which the advantage changes sign."""
    fewest_levels: ClassVar[int] = 2

    @model_validator(mode="after")
    def _consistent(self) -> Crossing:
        if self.published is not None and self.published.figures:
            raise ValueError(
                "a crossing compares a cell at two values, so it has no single figure; give a 'finding' in 'published'"
            )
        _left_to_vary(self.where, self.along, self.fewest_levels)
        return _checked_measure(self, self.on)


class TimeToTarget(_Comparison):
    """The updates or seconds until the validation loss reaches `target`; infinite if it never does."""

    kind: Literal["time-to-target"]
    margin: MarginOfRatio
    """The smallest ratio that matters in practice, such as '10%'."""
    target: Annotated[float, Field(allow_inf_nan=False)] | str | None = None
    """A validation loss, or the name of a baseline whose loss has to be reached; default: the task's target."""
    by: Literal["updates", "seconds"] = "updates"
    """Unit in which the time is counted."""

    @model_validator(mode="after")
    def _consistent(self) -> TimeToTarget:
        _relative(self.margin, self.kind)
        return self


Comparison = Paired | Proportion | Horizon | DataToTarget | Trend | Crossing | TimeToTarget
AlongFactor = Horizon | DataToTarget | Trend | Crossing
"""The claims on several values of a factor, `along`: at least `fewest_levels` of them."""
Claim = Annotated[Exact | NotTestable | Comparison, Field(discriminator="kind")]
C = TypeVar("C", bound=_Comparison)


def _checked_measure(claim: C, column: str) -> C:
    return in_words(lambda _: check_measure(column, claim.where.task or ()))(claim)


def _relative(margin: float | str, kind: str) -> None:
    if not isinstance(margin, str):
        raise ValueError(f"a {kind} claim compares ratios; expected a relative margin such as '10%', found {margin!r}")


def _left_to_vary(where: Where, along: str, fewest: int, what: str = "'along' is") -> None:
    fixed = where.asked.get(along)
    if fixed is not None and (isinstance(fixed, str) or len(fixed) < fewest):
        raise ValueError(f"{what} {along!r}, which 'where' holds fixed; leave it out, or list at least {fewest} values")
