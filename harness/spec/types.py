"""The types of keys in experiment files: the values that each accepts, and its JSON schema.

Pydantic derives schemas from types and bounds, but not from validators. The annotations here define both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from harness.cells import BACKENDS, cells
from harness.errors import check_name
from harness.figures import check_ids, figures
from harness.spec.explain import in_words
from harness.tasks import tasks
from harness.words import plural

T = TypeVar("T")
MOST_SEEDS = 100_000

STRICT = ConfigDict(
    extra="forbid",
    frozen=True,
    strict=True,
    ser_json_inf_nan="constants",
    defer_build=True,  # does not build models that only serve as base classes
)
"""Configuration of every model of an experiment file: unknown keys are errors, and types are not converted."""


def as_tuple(value: object) -> object:
    """A list as a tuple, and a single value as a tuple of length 1."""
    return tuple(value) if isinstance(value, list) else value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True, eq=False)
class AlsoAlone:
    """Lets the schema also accept a single value: an element of the list, or what `alone` describes."""

    alone: JsonSchemaValue | None = None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either the schema of the list or that of a single value."""
        listed = handler(schema)
        return {"anyOf": [self.alone or listed["items"], listed]}


@dataclass(frozen=True, eq=False)
class Checked:
    """A check of a list after pydantic's own, and its keyword in the schema."""

    check: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    keyword: JsonSchemaValue

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The list's own checks, then this one."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The list's own keywords and this one."""
        return {**handler(schema), **self.keyword}


def at_least(count: int) -> Checked:
    """The list has at least `count` items. (Pydantic's bound would report the length even if only an item is wrong.)"""

    def long_enough(values: tuple[T, ...]) -> tuple[T, ...]:
        if len(values) < count:
            raise ValueError(f"expected at least {plural(count, 'item')}")
        return values

    return Checked(long_enough, {"minItems": count})


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) != len(values):
        raise ValueError("the same value is listed twice")
    return values


DISTINCT = Checked(_distinct, {"uniqueItems": True})
"""No value of the list occurs twice."""


@dataclass(frozen=True, eq=False)
class OneOf:
    """One of `names`, or with `or_attribute` a `module:attribute`; `check` raises UserError for any other value."""

    names: Iterable[str]
    check: Callable[[str], object]
    or_attribute: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The check, after the string's own."""
        return core_schema.no_info_after_validator_function(in_words(self.check), handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The names that are registered when the schema is made."""
        named = {"type": "string", "enum": sorted(self.names)}
        return {"anyOf": [named, {"type": "string", "pattern": ":"}]} if self.or_attribute else named


def among(kind: str, names: Iterable[str]) -> OneOf:
    """One of these names; `kind` is the noun for them in messages."""
    return OneOf(names, lambda name: check_name(kind, name, names))


OneOrMore = Annotated[tuple[T, ...], at_least(1), BeforeValidator(as_tuple), AlsoAlone()]
"""A factor of a sweep: one value or a list of values."""
Different = Annotated[OneOrMore[T], DISTINCT]
"""One value, or a list of different values."""
AnyNumber = Annotated[tuple[T, ...], BeforeValidator(as_tuple), AlsoAlone()]
"""One value or a list, which may be empty."""
Count = Annotated[int, Field(ge=1, le=10**12)]
"""A positive integer. With larger numbers the estimate of a trial's time would overflow."""
Length = Annotated[int, Field(ge=1, le=1_000_000)]
"""A number of time steps."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]

TaskName = Annotated[str, OneOf(tasks, tasks.__getitem__, or_attribute=True)]
CellName = Annotated[str, OneOf(cells, cells.__getitem__, or_attribute=True)]
CellNames = Different[CellName]
FigureName = Annotated[str, OneOf(figures, figures.__getitem__, or_attribute=True)]
FigureNames = Annotated[AnyNumber[FigureName], DISTINCT, AfterValidator(in_words(check_ids))]
BackendName = Annotated[str, among("backend", BACKENDS)]
BackendNames = Different[BackendName]


def _from_number(value: object) -> object:
    """A number of seeds n stands for 0 ... n-1."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MOST_SEEDS:
            raise ValueError(f"expected a number of seeds from 1 to {MOST_SEEDS}, or a list of seeds")
        return tuple(range(value))
    return as_tuple(value)


Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    at_least(1),
    DISTINCT,
    BeforeValidator(_from_number),
    AlsoAlone({"type": "integer", "minimum": 1, "maximum": MOST_SEEDS}),
]
