"""The JSON schema of experiment files, generated from the models. Editors use it for completion and validation.

The schema follows draft 7, which all editors support. It cannot express rules that relate two parts of a file: that the
two cells of a claim differ, that ids are unique, that a factor varies. `harness check` checks these.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from contextlib import suppress
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from harness.spec.experiment import Experiment
from harness.spec.explain import models_in
from harness.spec.measures import MEASURES
from harness.tasks import Task, tasks

DRAFT = "http://json-schema.org/draft-07/schema#"


def experiment_schema() -> dict[str, Any]:
    """The schema as JSON values. It lists all registered names, including cells and tasks of installed packages."""
    known = {name: tasks[name] for name in sorted(tasks)}
    models: list[type[BaseModel]] = [Experiment, *(task.options for task in known.values())]
    for model in models:
        _describe(model)
    references, shared = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_ForToml, ref_template="#/$defs/{model}"
    )
    parts = shared["$defs"]
    options = {name: references[task.options, "validation"] for name, task in known.items()}
    parts["Sweep"]["allOf"] = [
        {"oneOf": [{"required": ["updates"]}, {"required": ["epochs"]}]},
        *(_sweep_rule(task, options[name], parts) for name, task in known.items()),
    ]
    parts["Measured"] = {
        "properties": {"on": _measure(known)},
        "allOf": [_measure_rule(task) for task in known.values()],
    }
    for part in parts.values():
        if {"on", "where"} <= part.get("properties", {}).keys():
            part["allOf"] = [{"$ref": "#/$defs/Measured"}]
    return {"$schema": DRAFT, "title": "Experiment", **parts.pop("Experiment"), "$defs": dict(sorted(parts.items()))}


def _describe(model: type[BaseModel]) -> None:
    """Set the descriptions of keys to their attribute docstrings.

    Pydantic's `use_attribute_docstrings` does the same, but would parse the source files at the start of every command.
    """
    for base in model.__mro__:
        with suppress(OSError, TypeError):  # classes without source: created from the table of factors, or built in
            (written,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            for key, below in pairwise(getattr(written, "body", ())):
                match key, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        if name in model.model_fields and model.model_fields[name].description is None:
                            model.model_fields[name].description = inspect.cleandoc(text)
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            _describe(inner)
    model.model_rebuild(force=True)


def _sweep_rule(task: Task, options: JsonSchemaValue, parts: dict[str, JsonSchemaValue]) -> JsonSchemaValue:
    """The rule for sweeps over this task: its options, and whether it accepts `evaluate_lengths`."""
    properties: dict[str, JsonSchemaValue] = {"options": options}
    if task.make_test is None:
        properties["evaluate_lengths"] = {"const": []}
    needs_options = "required" in parts[options["$ref"].rpartition("/")[2]]
    return {
        "if": {"properties": {"task": {"const": task.name}}, "required": ["task"]},
        "then": {"properties": properties, "required": ["options"] if needs_options else []},
    }


def _measure(known: dict[str, Task]) -> JsonSchemaValue:
    """The columns that a claim may compare. Any `test_...` is accepted, because a task may be unknown here."""
    names = {f"test_{metric.name}" for task in known.values() for metric in task.metrics}
    return {"anyOf": [{"enum": [*MEASURES, *sorted(names - {*MEASURES})]}, {"type": "string", "pattern": "^test_"}]}


def _measure_rule(task: Task) -> JsonSchemaValue:
    """The rule for claims about this task: the columns that they may compare."""
    of_task = {"anyOf": [{"const": task.name}, {"type": "array", "contains": {"const": task.name}}]}
    names = {*MEASURES, *(f"test_{metric.name}" for metric in task.metrics)}
    return {
        "if": {"properties": {"where": {"properties": {"task": of_task}, "required": ["task"]}}, "required": ["where"]},
        "then": {"properties": {"on": {"enum": sorted(names)}}},
    }


class _ForToml(GenerateJsonSchema):
    """A schema generator for TOML, which has no null: a key that may be None may be left out instead.

    Fields get no titles, because these would only repeat the keys.
    """

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        generated = super().default_schema(schema)
        if generated.get("default") is None or isinstance(generated["default"], dict):
            generated.pop("default", None)
        return generated

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
