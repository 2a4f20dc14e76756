"""The JSON schema of the experiment file: current, and of the loader's opinion wherever a schema can have one."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from pydantic import ValidationError

from harness.spec.experiment import Experiment
from harness.spec.schema import DRAFT, experiment_schema
from tests.factories import EXPERIMENT
from tests.spec.test_experiment import MISTAKES

FOLDER = Path(__file__).parents[2] / "experiments"
FILE = FOLDER / "experiment.schema.json"
FILES = sorted(FOLDER.rglob("*.toml"))
SCHEMA = experiment_schema()
VALIDATOR = Draft7Validator(SCHEMA)


def accepts(content: object) -> bool:
    return bool(VALIDATOR.is_valid(content))


def loader_accepts(content: object) -> bool:
    try:
        Experiment.model_validate(content)
    except ValidationError:
        return False
    return True


def test_the_committed_schema_is_current() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == SCHEMA, "renew it: make schema"


def test_it_is_a_schema_of_the_draft_it_names() -> None:
    assert SCHEMA["$schema"] == DRAFT
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_bundled_experiment_names_the_schema_and_keeps_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    directive, _, reference = text.splitlines()[0].partition(" ")
    assert directive == "#:schema"
    assert (file.parent / reference).samefile(FILE)
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


BEYOND_A_SCHEMA = {"units = 4.0", *(f"updates = 6\n{key} = nan" for key in ("learning_rate", "forget_bias"))}
"""To JSON, 4.0 is an integer, and there is no nan."""


@pytest.mark.parametrize(("old", "new"), [mistake[:2] for mistake in MISTAKES if mistake[1] not in BEYOND_A_SCHEMA])
def test_a_mistake_that_the_loader_names_is_seen_in_an_editor(old: str, new: str) -> None:
    assert accepts(tomllib.loads(EXPERIMENT))
    assert not accepts(tomllib.loads(EXPERIMENT.replace(old, new)))
