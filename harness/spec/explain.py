"""Turns a pydantic ValidationError into a message: file, key, what was expected, the nearest valid name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from harness.errors import UserError, nearest

T = TypeVar("T")
Location = Sequence[int | str]
_SHOWN = 5


def in_words(check: Callable[[T], object]) -> Callable[[T], T]:
    """Make a pydantic validator from a check: a UserError becomes a ValueError with the same message.

    Pydantic collects ValueErrors and adds the place of each.
    """

    def checked(value: T) -> T:
        try:
            check(value)
        except UserError as error:
            raise ValueError(str(error)) from error
        return value

    return checked


def explain(error: ValidationError, *, source: str, model: type[BaseModel], at: Location = ()) -> str:
    """One line per mistake, with its place in `source`; after five lines, the number of further mistakes."""
    lines = []
    for mistake in error.errors():
        place = [*at, *_keys_only(mistake["loc"], model)]
        lines.append(f"{source}: {_key(place)}{_reason(mistake, model)}")
    unique = list(dict.fromkeys(lines))
    if len(unique) > _SHOWN:
        unique[_SHOWN:] = [f"{source}: and {len(unique) - _SHOWN} more mistakes"]
    return "\n".join(unique)


def _keys_only(location: Location, model: type[BaseModel]) -> list[int | str]:
    """The location without the names of types and union members that pydantic adds."""
    keys: list[int | str] = []
    for index, part in enumerate(location):
        if isinstance(part, int):
            keys.append(part)
        elif part.replace("_", "").isalnum() and part.islower():
            owner = _model_at(model, location[: index + 1])
            if owner is None or part in owner.model_fields or not _is_tagged(owner, part):
                keys.append(part)
    return keys


def _key(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return f"{text}: " if text else ""


def _reason(mistake: Any, model: type[BaseModel]) -> str:
    kind, value = mistake["type"], mistake.get("input")
    if kind == "extra_forbidden":
        name = str(mistake["loc"][-1])
        owner = _model_at(model, mistake["loc"][:-1])
        return f"unknown key.{nearest(name, owner.model_fields) if owner else ''}"
    if kind == "missing":
        return "this key is missing"
    if kind == "union_tag_not_found":
        return "the key 'kind' is missing"
    if kind == "union_tag_invalid":
        context = mistake["ctx"]
        valid = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        return f"unknown kind {context['tag']!r}.{nearest(context['tag'], valid)}"
    message = str(mistake["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:].replace("Input should", "should").replace("Tuple should", "should")
    message = message.removeprefix("input ").removeprefix("tuple ").replace("should be", "expected", 1)
    shown = repr(value)
    if kind == "value_error":
        return message
    return f"{message}; found {shown if len(shown) <= 60 else shown[:57] + '...'}"


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model that has the key at this location; found by following the annotations."""
    candidates = [model]
    for part in location:
        if isinstance(part, int):
            continue
        inner = [
            inner_model
            for owner in candidates
            if part in owner.model_fields
            for inner_model in models_in(owner.model_fields[part].annotation)
        ]
        tagged = [owner for owner in candidates if _is_tagged(owner, part)]
        candidates = inner or tagged or candidates
    return candidates[0] if candidates else None


def _is_tagged(model: type[BaseModel], tag: str) -> bool:
    """Whether this tag of a union stands for the model: a value of its key `kind`, or '=' and the model's name."""
    kind = model.model_fields.get("kind")
    return tag == f"={model.__name__}" or (kind is not None and tag in get_args(kind.annotation))


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value with this annotation may be or contain."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in models_in(inner)]
